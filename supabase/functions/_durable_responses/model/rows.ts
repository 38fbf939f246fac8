import { itemSchema } from "./outcome.ts";
import * as z from "./zod.ts";

/** A job as its owner may see it: durable_responses.job_view(). */
export const jobSchema = z.looseObject({
  id: z.uuid(),
  status: z.enum([
    "background",
    "queued",
    "running",
    "awaiting_approval",
    "awaiting_tool_output",
    "needs_review",
    "completed",
    "failed",
    "cancelled",
  ]),
  attempt: z.int(),
});
export type Job = z.infer<typeof jobSchema>;

/** Which job, at which attempt: what every write names. A write by an attempt that is over is refused. */
export interface Fence {
  id: string;
  attempt: number;
}

/** A step that is done: what a later run goes on from. */
const doneStepSchema = z.object({
  number: z.int(),
  attempt: z.int(),
  item_id: z.string(),
  kind: z.string(),
  effect: z.nullable(z.enum(["none", "idempotent", "once"])),
  server_label: z.nullable(z.string()),
  tool: z.nullable(z.string()),
  arguments: z.nullable(z.string()),
  call_key: z.nullable(z.string()),
  output: z.nullable(z.string()),
  error: z.nullable(z.string()),
  item: z.nullable(itemSchema),
  answer: z.nullable(z.record(z.string(), z.unknown())),
});
export type DoneStep = z.infer<typeof doneStepSchema>;

/** A job as a worker needs it: durable_responses.job_work(). Times are what is left, ms. */
export const workSchema = z.object({
  id: z.uuid(),
  attempt: z.int(),
  status: z.enum(["background", "running"]),
  profile: z.string(),
  owner_id: z.nullable(z.guid()),
  owner_key: z.guid(),
  input: z.nullable(z.union([z.string(), z.array(z.record(z.string(), z.unknown()))])),
  request: z.nullable(z.record(z.string(), z.unknown())),
  failures: z.int(),
  response_id: z.nullable(z.string()),
  once_tools: z.boolean(),
  on_uncertain: z.enum(["review", "retry"]),
  deadline_left_ms: z.number(),
  background_left_ms: z.nullable(z.number()),
  steps: z.array(doneStepSchema),
});
export type Work = z.infer<typeof workSchema>;

/** What claim_response_work() gives. */
export const claimSchema = z.object({
  jobs: z.array(workSchema),
  spare_workers: z.int(),
});

/** A job that somebody looks at: watched_response_jobs(). */
export const watchSchema = z.object({ id: z.uuid(), watched_until: z.string() });

/** A background response that is to be cancelled at OpenAI. */
export const upstreamSchema = z.object({
  job_id: z.uuid(),
  attempt: z.int(),
  response_id: z.string(),
});
export type Upstream = z.infer<typeof upstreamSchema>;

/** True when the job will not change any more. */
export function isFinal(job: Job): boolean {
  return job.status === "completed" || job.status === "failed" || job.status === "cancelled";
}
