import { canonicalOfValue } from "../../model/canonical.ts";
import * as z from "../../model/zod.ts";
import type { Plan } from "../../profiles/plan.ts";
import { type CreateBody, createBodySchema } from "./create-body.ts";
import { invalidParam } from "./refusal.ts";

/** What OpenAI takes a parameter to be when it is not sent: sending that says nothing. */
const openaiDefaults: ReadonlyMap<string, unknown> = new Map(Object.entries({
  include: [],
  parallel_tool_calls: true,
  service_tier: "auto",
  temperature: 1,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
}));

/** Never compared with the profile's own value, since the answer would tell a guesser what that is. */
const unseenParams = new Set(["instructions", "tools"]);

/**
 * Refuses what a request says beyond its profile. Libraries send settings that change nothing; those pass:
 * null, OpenAI's default where the profile says nothing else, and what the profile says itself.
 * And so do the functions that the profile leaves to the caller: a library that makes their calls sends what it has of them.
 * @param plan what the profile makes of it
 * @throws Refusal 400 with `param`
 */
export function refuseBeyondProfile(
  body: CreateBody,
  { body: request, callerTools }: Pick<Plan, "body" | "callerTools">,
): void {
  for (const [param, value] of Object.entries(body)) {
    if (Object.hasOwn(createBodySchema.shape, param) || value === null) continue;
    if (param === "tools" && areCallers(value, callerTools)) continue;
    const own = Object.hasOwn(request, param) && !unseenParams.has(param)
      ? request[param]
      : undefined;
    if (same(value, own ?? openaiDefaults.get(param))) continue;
    throw invalidParam(
      param,
      "unsupported_parameter",
      `Unsupported parameter: '${
        param.slice(0, 64)
      }' is decided by the profile '${body.model}'. Leave it out, or add a profile in supabase/functions/_shared/profiles.ts`,
    );
  }
}

const functions = z.array(z.looseObject({ type: z.literal("function"), name: z.string() }));

function areCallers(tools: unknown, names: readonly string[]): boolean {
  const given = functions.safeParse(tools);
  return given.success && given.data.every(({ name }) => names.includes(name));
}

const textSchema = z.looseObject({ format: z.looseObject({ schema: z.unknown() }) });

/** A structured output is the same when its schema is: its name is for the model, and each side has its own. */
function same(value: unknown, other: unknown): boolean {
  const [mine, theirs] = [textSchema.safeParse(value), textSchema.safeParse(other)];
  return mine.success && theirs.success
    ? canonicalOfValue(mine.data.format.schema) === canonicalOfValue(theirs.data.format.schema)
    : canonicalOfValue(value) === canonicalOfValue(other);
}
