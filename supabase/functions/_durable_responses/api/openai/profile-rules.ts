import { canonicalOfValue } from "../../model/canonical.ts";
import { seen } from "../../model/flaw.ts";
import { isRecord } from "../../model/is-record.ts";
import * as z from "../../model/zod.ts";
import { type CallerSettings, limitParams } from "../../profiles/caller-settings.ts";
import { fitsPassedOn, isPassedOn, passedOn } from "../../profiles/passed-on.ts";
import type { Plan } from "../../profiles/plan.ts";
import type { Profile } from "../../profiles/profile.ts";
import { type CreateBody, createBodySchema } from "./create-body.ts";
import { invalidParam, type Refusal } from "./refusal.ts";
import { sameText } from "./same-text.ts";
import { refuseStrangeChoice } from "./tool-chosen.ts";
import { narrowingsOf } from "./tools-named.ts";

/** OpenAI's defaults: sending one changes nothing. */
const openaiDefaults: ReadonlyMap<string, unknown> = new Map(Object.entries({
  parallel_tool_calls: true,
  temperature: 1,
  tool_choice: "auto",
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
}));

/** Parameters without meaning here, whatever their value: caching and abuse monitoring are between OpenAI and the project. */
const ignored = new Set([
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "safety_identifier",
  "user",
]);

/** Values without meaning here. */
const ignoredValues: ReadonlyMap<string, z.ZodMiniType> = new Map<string, z.ZodMiniType>([
  ["service_tier", z.enum(["auto", "default"])],
  // Reasoning is continued from what is stored here, encrypted or not.
  ["include", z.array(z.literal("reasoning.encrypted_content"))],
]);

/**
 * What a request adds to its profile, as far as the profile allows; null if nothing. Libraries send settings that change
 * nothing, and those pass: null, OpenAI's default if the profile sets no other value, and the profile's own value.
 * `instructions` are handled where the input is made.
 * @param plan the request that the profile makes, and the servers that the worker calls for it
 * @throws Refusal 400 with `param`
 */
export function settingsBeyond(
  body: CreateBody,
  { body: plan, servers, own: ourTools }: Pick<Plan, "body" | "servers" | "own">,
  { caller_may = [], output }: Profile,
): CallerSettings | null {
  const may = new Set<string>(caller_may);
  const settings: CallerSettings = {};
  const tools = [...plan.tools ?? [], ...servers.map(({ tool }) => tool)];
  for (const [param, value] of Object.entries(body)) {
    if (saysNothing(param, value)) continue;
    if (param !== "instructions" && Object.hasOwn(createBodySchema.shape, param)) continue;
    if (ignored.has(param) || ignoredValues.get(param)?.safeParse(value).success) continue;
    if (param === "tools") {
      const narrowings = narrowingsOf(value, tools, ourTools.length > 0);
      if (Object.keys(narrowings).length > 0) settings.tools = narrowings;
      continue;
    }
    if (param === "instructions") {
      if (value === "" || may.has(param)) continue;
      throw decidedByProfile(param, body.model);
    }
    const own = Object.hasOwn(plan, param) ? plan[param] : openaiDefaults.get(param);
    if (param === "text" ? sameText(value, own) : same(value, own)) continue;
    // The answer is checked against the profile's own schema, and no other can replace it.
    if (!may.has(param) || (param === "text" && output)) throw decidedByProfile(param, body.model);
    if (limitParams.has(param)) refuseHigher(param, value, own);
    else refuseOtherType(param, value);
    if (param === "tool_choice") refuseStrangeChoice(value, tools);
    settings[param] = value;
  }
  return Object.keys(settings).length > 0 ? settings : null;
}

/** As libraries send settings that nobody has made: `null`, and of `reasoning` also `{}` and `{effort: null}`. */
function saysNothing(param: string, value: unknown): boolean {
  return value === null || param === "reasoning" && isRecord(value) &&
      Object.values(value).every((one) => one === null);
}

/** What OpenAI takes there at all; it checks the rest. `text` is a field of our own in a profile, so passedOn lacks it. */
function refuseOtherType(param: string, value: unknown): void {
  const fits = param === "text"
    ? isRecord(value)
    : !isPassedOn(param) || fitsPassedOn(param, value);
  if (fits) return;
  const types = isPassedOn(param) ? passedOn[param].join(" or ") : "object";
  throw invalidParam(
    param,
    "invalid_type",
    `Cannot accept '${param}': it must be a value of the type ${types}, but is ${seen(value)}`,
  );
}

function refuseHigher(param: string, value: unknown, own: unknown): void {
  const limit = z.int().check(z.minimum(1)).safeParse(value);
  if (!limit.success) {
    throw invalidParam(
      param,
      "invalid_value",
      `Cannot accept '${param}': it must be a whole number of at least 1, but is ${seen(value)}`,
    );
  }
  if (typeof own !== "number" || limit.data <= own) return;
  throw invalidParam(
    param,
    "invalid_value",
    `Cannot raise '${param}' to ${limit.data}: the profile's limit is ${own}, and a caller may only lower it`,
  );
}

function decidedByProfile(param: string, profile: string): Refusal {
  return invalidParam(
    param,
    "unsupported_parameter",
    `Unsupported parameter: '${
      param.slice(0, 64)
    }' is decided by the profile '${profile}'. Leave it out, let callers set it with caller_may, or add a profile in supabase/functions/_shared/profiles.ts`,
  );
}

export function same(value: unknown, other: unknown): boolean {
  return canonicalOfValue(value) === canonicalOfValue(other);
}
