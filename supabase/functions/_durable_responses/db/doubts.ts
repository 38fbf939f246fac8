/** The SQL functions for calls in doubt: supabase/schemas/37_calls_in_doubt.sql. */
import * as z from "../model/zod.ts";
import { callStoring as call } from "./call-storing.ts";
import { masked } from "./sanitize.ts";

const callSchema = z.object({
  request_id: z.string(),
  digest: z.nullable(z.string()),
  server_label: z.nullable(z.string()),
  tool: z.nullable(z.string()),
  arguments: z.nullable(z.string()),
  started_at: z.string(),
  /** Whether a background response may still make it. */
  may_still_be_made: z.boolean(),
});
const doubtSchema = z.object({
  id: z.uuid(),
  profile: z.string(),
  owner_id: z.nullable(z.guid()),
  /** null if its review is about something else. */
  calls: z.nullable(z.array(callSchema)),
});
/** A job held for review, and its calls in doubt. */
export type Doubt = z.infer<typeof doubtSchema>;
export type DoubtfulCall = z.infer<typeof callSchema>;

export const claimCallsInDoubt = (limit: number) =>
  call("claim_calls_in_doubt", { p_limit: limit }, z.array(doubtSchema));

/** Answers a review in the profile's name, as a person would. */
export const answerCallInDoubt = (
  id: string,
  { request_id, digest }: Pick<DoubtfulCall, "request_id" | "digest">,
  { outcome, output }: { outcome: "happened" | "did_not_happen"; output?: string },
) =>
  call("resolve_response_job", {
    p_job_id: id,
    p_as_service: true,
    p_answered_by: "was_made",
    p_outcome: outcome,
    p_output: output === undefined ? null : masked(output),
    p_request_id: request_id,
    p_digest: digest,
  }, z.object({ status: z.string() }));
