import { answerToolCall, findToolCalls } from "../../db/own-calls.ts";
import { wakeWorker } from "../../jobs/wake.ts";
import type { SentFile } from "../../files/take-files.ts";
import { type Caller, visibilityOf } from "../../model/caller.ts";
import { isAnswerType } from "../../model/left-calls.ts";
import type { Job } from "../../model/job.ts";
import type * as z from "../../model/zod.ts";
import { waitUntil } from "../../platform/runtime.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { refuseOtherSettings } from "./approvals.ts";
import type { CreateBody } from "./create-body.ts";
import { readRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";

/**
 * Gives the caller's outputs to the job that asked for them, if the input ends in such outputs and the caller makes these
 * calls. The calls identify the job: the AI SDK sends the whole conversation again, without previous_response_id. The same
 * job continues, so the response keeps the id of the one that asked.
 * @returns undefined if the input answers no call of ours
 * @throws Refusal, RequestError `invalid_state` for a call that already has another output
 */
export async function answerToolCalls(
  profiles: Profiles,
  sent: { body: CreateBody; files: SentFile[] },
  caller: Caller,
): Promise<Job | undefined> {
  const who = visibilityOf(caller);
  const { body, files } = sent;
  const { first, items } = lastAnswers(body.input);
  const callIds = items.map((item) => item["call_id"] ?? item["id"]);
  // An answer that cannot name a call of ours is left to OpenAI, or refused later as a user's invention.
  if (items.length === 0 || !callIds.every((id) => typeof id === "string")) return undefined;
  const id = await findToolCalls([...new Set(callIds)], who);
  if (id === null) return undefined;
  // Loaded on first use, because cold start counts.
  const { callAnswerSchema } = await import("../../model/call-answers.ts");
  const answers = items.map((item, index) => {
    const answer = callAnswerSchema.safeParse(item);
    if (answer.success) return answer.data;
    throw unreadable(answer.error, `input.${first + index}`);
  });
  await refuseOtherSettings(profiles, body, await readRecord(id, who), caller);
  if (files.length > 0) await (await import("../../files/store-files.ts")).storeFiles(files);
  let job: Job | undefined;
  for (const answer of answers) job = await answerToolCall(id, who, answer);
  if (job?.status === "queued") waitUntil(wakeWorker("openai-api"));
  return job;
}

/** The answers at the end of the input, and where they begin. Earlier ones were given before. */
function lastAnswers(input: CreateBody["input"]) {
  if (!Array.isArray(input)) return { first: 0, items: [] };
  const first = input.findLastIndex((item) => !isAnswerType(item["type"])) + 1;
  return { first, items: input.slice(first) };
}

function unreadable({ issues: [issue] }: z.core.$ZodError, at: string) {
  const where = [at, ...issue?.path ?? []].join(".");
  return invalidParam(
    where,
    "invalid_value",
    `Cannot accept the output of a call: '${where}': ${
      issue?.message.slice(0, 300)
    }. It must be the item that OpenAI takes for this kind of call; the output of a function or a custom tool is text, or a list of {type: 'input_text', text}`,
  );
}
