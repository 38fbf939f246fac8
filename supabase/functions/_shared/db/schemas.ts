import { z } from "zod";
import { itemSchema } from "../openai/outcome.ts";

/** A job as its owner may see it: durable_responses.job_view(). */
export const jobSchema = z.looseObject({
  id: z.uuid(),
  status: z.enum([
    "background",
    "queued",
    "running",
    "awaiting_approval",
    "needs_review",
    "completed",
    "failed",
    "cancelled",
  ]),
  attempt: z.number().int(),
});
export type Job = z.infer<typeof jobSchema>;

/** A step that is done: what a later run goes on from. */
const doneStepSchema = z.object({
  number: z.number().int(),
  attempt: z.number().int(),
  item_id: z.string(),
  kind: z.string(),
  effect: z.enum(["none", "idempotent", "once"]).nullable(),
  server_label: z.string().nullable(),
  tool: z.string().nullable(),
  arguments: z.string().nullable(),
  call_key: z.string().nullable(),
  output: z.string().nullable(),
  error: z.string().nullable(),
  item: itemSchema.nullable(),
  answer: z.record(z.string(), z.unknown()).nullable(),
});
export type DoneStep = z.infer<typeof doneStepSchema>;

/** A job as a worker needs it: durable_responses.job_work(). Times are what is left, ms. */
export const workSchema = z.object({
  id: z.uuid(),
  attempt: z.number().int(),
  status: z.enum(["background", "running"]),
  profile: z.string(),
  input: z.union([z.string(), z.array(z.record(z.string(), z.unknown()))]).nullable(),
  request: z.record(z.string(), z.unknown()).nullable(),
  failures: z.number().int(),
  response_id: z.string().nullable(),
  once_tools: z.boolean(),
  on_uncertain: z.enum(["review", "retry"]),
  deadline_left_ms: z.number(),
  background_left_ms: z.number().nullable(),
  steps: z.array(doneStepSchema),
});
export type Work = z.infer<typeof workSchema>;

/** What claim_response_work() gives. */
export const claimSchema = z.object({
  jobs: z.array(workSchema.extend({ owner_key: z.guid() })),
  spare_workers: z.number().int(),
});

/** A job that somebody looks at: watched_response_jobs(). */
export const watchSchema = z.object({ id: z.uuid(), watched_until: z.string() });

/** A background response that is to be cancelled at OpenAI. */
export const upstreamSchema = z.object({
  job_id: z.uuid(),
  attempt: z.number().int(),
  response_id: z.string(),
});
export type Upstream = z.infer<typeof upstreamSchema>;

/** True when the job will not change any more. */
export function isFinal(job: Job): boolean {
  return job.status === "completed" || job.status === "failed" || job.status === "cancelled";
}
