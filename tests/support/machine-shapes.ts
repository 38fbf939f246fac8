/** What the SQL functions return, as far as tests read it. */
import { z } from "zod";
import { jobStatuses } from "../../supabase/functions/_durable_responses/model/status.ts";

/** durable_responses.job_view(). */
export const jobView = z.looseObject({
  id: z.uuid(),
  status: z.enum(jobStatuses),
  profile: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  attempt: z.number().int(),
  response_id: z.string().nullable(),
  fallback_reason: z.string().nullable(),
  run_at: z.coerce.date().nullable(),
  deadline: z.coerce.date().nullable(),
  retry_of: z.uuid().nullable(),
  output_text: z.string().nullable(),
  output: z.array(z.unknown()).nullable(),
  output_parsed: z.unknown(),
  usage: z.unknown(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() })
    .nullable(),
  created_at: z.coerce.date(),
  updated_at: z.coerce.date(),
  finished_at: z.coerce.date().nullable(),
});
export type JobView = z.infer<typeof jobView>;

/** The view durable_responses.work. */
export const jobWork = z.looseObject({
  id: z.uuid(),
  attempt: z.number().int(),
  status: z.enum(jobStatuses),
  profile: z.string(),
  input: z.unknown(),
  request: z.unknown(),
  failures: z.number().int(),
  response_id: z.string().nullable(),
  deadline_left_ms: z.number(),
  background_left_ms: z.number().nullable(),
});
export type JobWork = z.infer<typeof jobWork>;

export const submitted = z.object({ created: z.boolean(), job: jobView });
export const recorded = z.object({
  /** The response that must be cancelled, or whether there is one. */
  orphaned: z.unknown().transform((found) => found !== null && found !== false),
  job: jobView,
});
export const knownWork = z.object({ known: z.boolean(), work: jobWork.nullable() });
export const upstream = z.object({
  job_id: z.uuid(),
  attempt: z.number().int(),
  response_id: z.string(),
});
export const cancelled = z.object({ job: jobView, upstream: upstream.nullable() });
