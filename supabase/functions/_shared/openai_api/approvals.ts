import { z } from "zod";
import * as jobs from "../db/jobs.ts";
import type { Job } from "../db/schemas.ts";
import { wakeWorker } from "../jobs/wake.ts";
import { waitUntil } from "../platform.ts";
import type { CreateBody } from "./create_body.ts";
import { jobIdOf } from "./ids.ts";
import { invalidParam } from "./refusal.ts";

const answerSchema = z.looseObject({
  type: z.literal("mcp_approval_response"),
  approval_request_id: z.string().max(200),
  approve: z.boolean(),
  reason: z.string().max(1000).nullish(),
});

/** Whether a request answers requests for approval rather than asking something. */
export function approvalAnswers({ input }: CreateBody): boolean {
  return Array.isArray(input) && input.some((item) => item["type"] === "mcp_approval_response");
}

/**
 * Gives a person's answers to the job that waits for them. The same job goes on, so the response that comes
 * back has the id that `previous_response_id` names.
 * @throws Refusal, RequestError `invalid_state` when a request was answered before
 */
export async function answerApprovals(body: CreateBody, who: jobs.Visibility): Promise<Job> {
  const previous = body.previous_response_id ?? "";
  const id = jobIdOf(previous);
  if (id === undefined) {
    throw invalidParam(
      "previous_response_id",
      "previous_response_not_found",
      "Cannot answer requests for approval: previous_response_id must be the id of the response that made them",
    );
  }
  const answers = z.array(answerSchema).min(1).safeParse(body.input);
  if (!answers.success) {
    throw invalidParam(
      "input",
      "invalid_value",
      "Cannot answer requests for approval: every input item must be {type: 'mcp_approval_response', approval_request_id, approve, reason?}",
    );
  }
  let job = await jobs.get(id, who);
  for (const { approve, approval_request_id, reason } of answers.data) {
    job = await jobs.approve(id, who, {
      approve,
      request_id: approval_request_id,
      reason: reason ?? undefined,
    });
  }
  if (job.status === "queued") waitUntil(wakeWorker("openai-api"));
  return job;
}
