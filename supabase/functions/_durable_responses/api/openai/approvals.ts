/** A person's answers to requests for approval, as libraries send them: in the middle of an earlier conversation. */
import * as jobs from "../../db/jobs.ts";
import { wakeWorker } from "../../jobs/wake.ts";
import { type Caller, type Visibility, visibilityOf } from "../../model/caller.ts";
import { canonicalJson } from "../../model/canonical.ts";
import type { Job } from "../../model/job.ts";
import * as z from "../../model/zod.ts";
import { RequestError } from "../../platform/errors.ts";
import { waitUntil } from "../../platform/runtime.ts";
import { planFor } from "../../profiles/plan.ts";
import type { Profiles } from "../../profiles/profile.ts";
import type { CreateBody } from "./create-body.ts";
import { jobIdOf, placeOfItem, responseIdOf } from "../../model/ids.ts";
import { settingsBeyond } from "./profile-rules.ts";
import { readRecord, readRecordIfThere, type ResponseRecord } from "./record.ts";
import { invalidParam, Refusal, responseNotFound } from "./refusal.ts";

const answerSchema = z.looseObject({
  type: z.literal("mcp_approval_response"),
  approval_request_id: z.string().check(z.maxLength(200)),
  approve: z.boolean(),
  reason: z.nullish(z.string().check(z.maxLength(1000))),
});
export type Answer = z.infer<typeof answerSchema>;

/** A request as a client sends it back: the call that the person saw. */
const seenSchema = z.looseObject({
  type: z.literal("mcp_approval_request"),
  id: z.string(),
  name: z.optional(z.string()),
  arguments: z.optional(z.string()),
});

/**
 * The answers of a request that answers instead of asking: its input has some, and nothing follows the last one. Answers
 * that are followed by something else are history.
 * @throws Refusal 400 for an answer that cannot be read
 */
export function approvalAnswers({ input }: CreateBody): Answer[] | undefined {
  if (!Array.isArray(input)) return undefined;
  const last = input.findLastIndex((item) => item["type"] === "mcp_approval_response");
  if (last < 0 || input.slice(last).some((item) => item["role"] !== undefined)) return undefined;
  return input.filter((item) => item["type"] === "mcp_approval_response").map((item) => {
    const answer = answerSchema.safeParse(item);
    if (answer.success) return answer.data;
    throw invalidParam(
      "input",
      "invalid_value",
      "Cannot answer a request for approval: the item must be {type: 'mcp_approval_response', approval_request_id, approve, reason?}",
    );
  });
}

/**
 * Gives a person's answers to the job that waits for them. The same job continues, so the response keeps its id. Requests
 * that were answered before are history. The same answers again, such as a library's own repeat, count as the answers that
 * were accepted.
 * @throws Refusal, RequestError `invalid_state` if a request was answered differently before, `decision_mismatch` if the
 *   call that waits is not the one that was shown
 */
export async function answerApprovals(
  profiles: Profiles,
  body: CreateBody,
  answers: Answer[],
  caller: Caller,
): Promise<Job> {
  const who = visibilityOf(caller);
  const { record, own } = await whatIsAnswered(body, answers, who);
  await refuseOtherSettings(profiles, body, record, caller);
  const fresh = own.filter((answer) => !isTaken(answer, record));
  for (const answer of fresh) refuseUnasked(answer, body, record);
  try {
    return await give(fresh, record, who);
  } catch (error) {
    if (!(error instanceof RequestError && error.code === "invalid_state")) throw error;
    // If two send the same answers at once, the second finds them accepted.
    const now = await readRecord(record.id, who);
    if (!own.every((answer) => isTaken(answer, now))) throw error;
    return now;
  }
}

async function give(answers: Answer[], record: ResponseRecord, who: Visibility): Promise<Job> {
  if (answers.length === 0) return record;
  const job = await jobs.approve(
    record.id,
    who,
    answers.map((answer) => {
      const request = openRequest(answer, record);
      return {
        approve: answer.approve,
        request_id: request?.request_id ?? answer.approval_request_id,
        digest: request?.digest ?? undefined,
        reason: answer.reason ?? undefined,
      };
    }),
  );
  if (job.status === "queued") waitUntil(wakeWorker("openai-api"));
  return job;
}

/**
 * The job whose requests are answered, and the answers that belong to it: the only one that waits, or otherwise the last one
 * named.
 */
async function whatIsAnswered(
  body: CreateBody,
  answers: Answer[],
  who: Visibility,
): Promise<{ record: ResponseRecord; own: Answer[] }> {
  const byJob = Map.groupBy(answers, (answer) => jobOf(answer, body));
  const found: { record: ResponseRecord; own: Answer[] }[] = [];
  for (const [id, own] of byJob) {
    const record = await readRecordIfThere(id, who);
    // The response of an old answer may have been deleted.
    if (record) found.push({ record, own });
  }
  const open = found.filter(({ record, own }) =>
    own.some((answer) => openRequest(answer, record) !== undefined)
  );
  if (open.length > 1) {
    throw invalidParam(
      "input",
      "invalid_value",
      `Cannot answer requests of ${open.length} responses at once: send the answers to each response in a request of their own`,
    );
  }
  const one = open[0] ?? found.at(-1);
  if (!one) throw responseNotFound(responseIdOf([...byJob.keys()].join()));
  return one;
}

/** The job that asked. An id of this endpoint names it; with any other id, previous_response_id must. */
function jobOf({ approval_request_id }: Answer, body: CreateBody): string {
  const id = placeOfItem(approval_request_id)?.jobId ?? jobIdOf(body.previous_response_id ?? "");
  if (id !== undefined) return id;
  throw invalidParam(
    "previous_response_id",
    "previous_response_not_found",
    "Cannot answer requests for approval: approval_request_id must name an item in a response of this endpoint, or previous_response_id the response that made the requests",
  );
}

function openRequest(
  { approval_request_id }: Answer,
  { status, waiting }: ResponseRecord,
): NonNullable<ResponseRecord["waiting"]>[number] | undefined {
  if (status !== "awaiting_approval") return undefined;
  const place = placeOfItem(approval_request_id)?.place;
  return waiting?.find(({ number, request_id }) =>
    place === undefined ? request_id === approval_request_id : number === place
  );
}

/** Whether the same answer was given before. */
function isTaken({ approval_request_id, approve }: Answer, { answered }: ResponseRecord): boolean {
  const place = placeOfItem(approval_request_id)?.place;
  const known = answered.find(({ number, request_id }) =>
    place === undefined ? request_id === approval_request_id : number === place
  );
  return known?.approve === approve;
}

/** The job continues as it began. A request that says otherwise is refused, because it would be ignored. */
export async function refuseOtherSettings(
  profiles: Profiles,
  body: CreateBody,
  record: ResponseRecord,
  caller: Caller,
): Promise<void> {
  // A server's whole request stays as it was sent. A server that acts for its owner does not see its model.
  if (record.whole_request && caller.kind === "service" && record.model === null) return;
  const model = record.model ?? record.profile;
  if (body.model !== model) {
    throw invalidParam(
      "model",
      "invalid_value",
      `Cannot continue as '${
        body.model.slice(0, 64)
      }': the response that asks has the model '${model}'`,
    );
  }
  const profile = Object.hasOwn(profiles, record.profile) ? profiles[record.profile] : undefined;
  if (record.model !== null || !profile) return;
  const ask = { profile: record.profile, input: body.input ?? null, request: null };
  settingsBeyond(body, await planFor(profiles, ask), profile);
}

/** Checked before anything is written, so that all answers are accepted or none. */
function refuseUnasked(answer: Answer, { input }: CreateBody, record: ResponseRecord): void {
  const request = openRequest(answer, record);
  const id = answer.approval_request_id.slice(0, 100);
  if (!request) {
    throw new Refusal(
      409,
      `Cannot answer the request ${id}: it is not waiting for an answer, and each request is answered once`,
      { code: "invalid_state" },
    );
  }
  const shown = (Array.isArray(input) ? input : []).map((item) => seenSchema.safeParse(item).data)
    .find((item) => item?.id === answer.approval_request_id);
  if (!shown) return;
  const sameTool = shown.name === undefined || shown.name === request.tool;
  const sameArguments = shown.arguments === undefined ||
    canonicalJson(shown.arguments) === canonicalJson(request.arguments ?? "{}");
  if (sameTool && sameArguments) return;
  throw new Refusal(
    409,
    `Cannot answer the request ${id}: the call that waits is not the one that was shown. Retrieve the response, and decide about the call that it shows`,
    { code: "decision_mismatch" },
  );
}
