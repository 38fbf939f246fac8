import { answerToolCall, findToolCalls } from "../../db/own-calls.ts";
import { wakeWorker } from "../../jobs/wake.ts";
import { type Caller, visibilityOf } from "../../model/caller.ts";
import type { Job } from "../../model/job.ts";
import * as z from "../../model/zod.ts";
import { waitUntil } from "../../platform/runtime.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { refuseOtherSettings } from "./approvals.ts";
import type { CreateBody } from "./create-body.ts";
import { readRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";

const part = z.looseObject({ type: z.literal("input_text"), text: z.string() });
const outputSchema = z.looseObject({
  type: z.literal("function_call_output"),
  call_id: z.string().check(z.minLength(1), z.maxLength(200)),
  output: z.union([z.string(), z.array(part)]),
});
type Output = z.infer<typeof outputSchema>;

/**
 * Gives the caller's outputs to the job that asked for them, if the input ends in such outputs and the caller makes these
 * calls. The calls identify the job: the AI SDK sends the whole conversation again, without previous_response_id. The same
 * job continues, so the response keeps the id of the one that asked.
 * @returns undefined if the input answers no call of ours
 * @throws Refusal, RequestError `invalid_state` for a call that already has another output
 */
export async function answerToolCalls(
  profiles: Profiles,
  body: CreateBody,
  caller: Caller,
): Promise<Job | undefined> {
  const who = visibilityOf(caller);
  const outputs = lastOutputs(body.input);
  if (outputs.length === 0) return undefined;
  const id = await findToolCalls(outputs.map(({ call_id }) => call_id), who);
  if (id === null) return undefined;
  await refuseOtherSettings(profiles, body, await readRecord(id, who), caller);
  let job: Job | undefined;
  for (const { call_id, output } of outputs) {
    job = await answerToolCall(id, who, { call_id, output: textOf(output) });
  }
  if (job?.status === "queued") waitUntil(wakeWorker("openai-api"));
  return job;
}

/** The outputs at the end of the input. Earlier ones were given before. */
function lastOutputs(input: CreateBody["input"]): Output[] {
  if (!Array.isArray(input)) return [];
  const last = input.findLastIndex((item) => item["type"] !== "function_call_output");
  const outputs = z.array(outputSchema).safeParse(input.slice(last + 1));
  if (outputs.success) return outputs.data;
  throw invalidParam(
    `input.${last + 1}`,
    "invalid_value",
    "Cannot accept the output of a call: it must be {type: 'function_call_output', call_id, output}, where output is text or a list of {type: 'input_text', text}",
  );
}

function textOf(output: Output["output"]): string {
  return typeof output === "string" ? output : output.map(({ text }) => text).join("\n");
}
