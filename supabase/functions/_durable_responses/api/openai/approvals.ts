import * as jobs from "../../db/jobs.ts";
import { wakeWorker } from "../../jobs/wake.ts";
import type { Visibility } from "../../model/caller.ts";
import type { Job } from "../../model/job.ts";
import * as z from "../../model/zod.ts";
import { waitUntil } from "../../platform/runtime.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { planFor } from "../../profiles/plan.ts";
import type { CreateBody } from "./create-body.ts";
import { jobIdOf, placeOfItem } from "../../model/ids.ts";
import { refuseBeyondProfile } from "./profile-rules.ts";
import { readRecord, type ResponseRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";

const answerSchema = z.looseObject({
  type: z.literal("mcp_approval_response"),
  approval_request_id: z.string().check(z.maxLength(200)),
  approve: z.boolean(),
  reason: z.nullish(z.string().check(z.maxLength(1000))),
});

type Answer = z.infer<typeof answerSchema>;

/** Whether a request answers requests for approval rather than asking something. */
export function approvalAnswers({ input }: CreateBody): boolean {
  return Array.isArray(input) && input.some((item) => item["type"] === "mcp_approval_response");
}

/**
 * Gives a person's answers to the job that waits for them. The same job continues, so the response that comes
 * back has the id that `previous_response_id` names.
 * @throws Refusal, RequestError `invalid_state` when a request was answered before
 */
export async function answerApprovals(
  profiles: Profiles,
  body: CreateBody,
  who: Visibility,
): Promise<Job> {
  const answers = z.array(answerSchema).check(z.minLength(1)).safeParse(body.input);
  if (!answers.success) {
    throw invalidParam(
      "input",
      "invalid_value",
      "Cannot answer requests for approval: every input item must be {type: 'mcp_approval_response', approval_request_id, approve, reason?}",
    );
  }
  const id = jobOfAnswers(body, answers.data);
  const record = await readRecord(id, who);
  await refuseOtherSettings(profiles, body, record);
  const digests = new Map(record.waiting?.map((call) => [call.request_id, call.digest]));
  const job = await jobs.approve(
    id,
    who,
    answers.data.map((answer) => {
      const request_id = requestIdOf(answer, record);
      const { approve, reason } = answer;
      return {
        approve,
        request_id,
        digest: digests.get(request_id) ?? undefined,
        reason: reason ?? undefined,
      };
    }),
  );
  if (job.status === "queued") waitUntil(wakeWorker("openai-api"));
  return job;
}

/** The job that asked: an id that was given out here names it; with any other, previous_response_id must. */
function jobOfAnswers(body: CreateBody, answers: Answer[]): string {
  const named = new Set(
    answers.map(({ approval_request_id }) =>
      placeOfItem(approval_request_id)?.jobId ?? jobIdOf(body.previous_response_id ?? "")
    ),
  );
  const [id, ...others] = named;
  if (id !== undefined && others.length === 0) return id;
  throw invalidParam(
    "previous_response_id",
    "previous_response_not_found",
    "Cannot answer requests for approval: previous_response_id must be the id of the response that made them",
  );
}

/** OpenAI's id of the request, as the ledger has it; what names none of them is refused by its own words. */
function requestIdOf({ approval_request_id }: Answer, { waiting }: ResponseRecord): string {
  const place = placeOfItem(approval_request_id)?.place;
  return waiting?.find(({ number }) => number === place)?.request_id ?? approval_request_id;
}

/** The job continues as it began: a request that says otherwise would be ignored. */
export async function refuseOtherSettings(
  profiles: Profiles,
  body: CreateBody,
  record: ResponseRecord,
): Promise<void> {
  const model = record.model ?? record.profile;
  if (body.model !== model) {
    throw invalidParam(
      "model",
      "invalid_value",
      `Cannot continue as '${body.model.slice(0, 64)}': the response that asks is of '${model}'`,
    );
  }
  if (record.model !== null) return;
  const plan = await planFor(profiles, {
    profile: record.profile,
    input: body.input ?? null,
    request: null,
  });
  refuseBeyondProfile(body, plan);
}
