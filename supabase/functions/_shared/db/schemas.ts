import { z } from "zod";

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
  deadline_left_ms: z.number(),
  background_left_ms: z.number().nullable(),
});
export type Work = z.infer<typeof workSchema>;

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
