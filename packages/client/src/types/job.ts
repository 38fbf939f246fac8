/** A job as its owner sees it: the same fields as in the HTTP API and in the tables. Times are ISO 8601 texts. */
import type { JobRow } from "../generated/rows.ts";

export { isFinal, isPaused, type JobStatus, jobStatuses } from "../generated/status.ts";

/** Why a job failed. */
export interface JobError {
  /** A code of docs/errors.md. */
  code: string;
  message: string;
  /** What to do about it. */
  hint?: string;
}

/**
 * A question to a person or the caller: a call that needs approval, one that the caller must make, or one that may have been
 * made.
 */
export interface WaitingCall {
  request_id: string;
  kind: string;
  server_label: string | null;
  tool: string | null;
  /** JSON as text. */
  arguments: string | null;
  /** Digest of server, tool and arguments as they are here: a decision that names it is about this call and no other. */
  digest: string | null;
  /** For a call that the caller must make: `toolOutput` names it. Otherwise null. */
  call_id: string | null;
}

/** Fields of a job and of a line of a list. */
type Common =
  | "id"
  | "status"
  | "attempt"
  | "fallback_reason"
  | "retry_of"
  | "created_at"
  | "updated_at"
  | "finished_at";
type Answer =
  | "response_id"
  | "run_at"
  | "deadline"
  | "answer_until"
  | "review_reason"
  | "output_text";

/** `Output` is the type of the answer, from the profile's schema. */
export interface Job<Output = unknown, Name extends string = string>
  extends Pick<JobRow, Common | Answer> {
  profile: Name;
  metadata: Record<string, unknown>;
  /** While awaiting_approval, awaiting_tool_output or needs_review: the open questions. */
  waiting: WaitingCall[] | null;
  output: unknown[] | null;
  /** The answer in the shape of the profile's schema; null for profiles without one, and until completed. */
  output_parsed: Output | null;
  usage: Record<string, unknown> | null;
  error: JobError | null;
}

/** A job with its answer. */
export type CompletedJob<J extends Job = Job> = J & {
  status: "completed";
  output: unknown[];
  output_text: string;
  finished_at: string;
};

/** A line of a list: a job without its answer. */
export interface JobSummary<Name extends string = string>
  extends Pick<JobRow, Common | "query_text"> {
  profile: Name;
  metadata: Record<string, unknown>;
  error: JobError | null;
}
