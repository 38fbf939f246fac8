/** The SQL functions for calls in doubt: supabase/schemas/37_calls_in_doubt.sql. */
import { jobStatuses } from "../model/status.ts";
import * as z from "../model/zod.ts";
import { callStoring as call } from "./call-storing.ts";
import { masked } from "./sanitize.ts";

const callSchema = z.object({
  number: z.int(),
  server_label: z.nullable(z.string()),
  tool: z.nullable(z.string()),
  arguments: z.nullable(z.string()),
  /** When it may have been made at the earliest. */
  started_at: z.string(),
  /** Whether a response that nobody has seen end may still make it. */
  may_still_be_made: z.boolean(),
});
const doubtSchema = z.object({
  id: z.uuid(),
  profile: z.string(),
  owner_id: z.nullable(z.guid()),
  /** Of this asking. */
  token: z.uuid(),
  /** null if its review is about something else. */
  calls: z.nullable(z.array(callSchema)),
});
/** A job held for review, and its calls in doubt. */
export type Doubt = z.infer<typeof doubtSchema>;
export type DoubtfulCall = z.infer<typeof callSchema>;

/** @param profiles those that can be asked */
export const claimCallsInDoubt = (profiles: string[], limit: number) =>
  call("claim_calls_in_doubt", { p_profiles: profiles, p_limit: limit }, z.array(doubtSchema));

/**
 * Answers the review of a call in the profile's name.
 * @returns the job's status; null if the answer comes too late, or says "not made" of a call that may still be made
 */
export const answerCallInDoubt = (
  { id, token }: Pick<Doubt, "id" | "token">,
  { number }: Pick<DoubtfulCall, "number">,
  { happened, output }: { happened: boolean; output?: string },
) =>
  call("answer_call_in_doubt", {
    p_job_id: id,
    p_token: token,
    p_number: number,
    p_happened: happened,
    p_output: output === undefined ? null : masked(output),
  }, z.nullable(z.enum(jobStatuses)));
