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

/** Something that is asked: a call that wants approval, one that is the caller's to make, or one that may have happened. */
export interface WaitingCall {
  request_id: string;
  kind: string;
  server_label: string | null;
  tool: string | null;
  /** JSON as text. */
  arguments: string | null;
  /** Of server, tool and arguments as they are here: a decision that names it is about this call and no other. */
  digest: string | null;
  /** Of a call that is the caller's to make: `toolOutput` names it. Else null. */
  call_id: string | null;
}

/** Of a job and of a line of a list. */
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

/** `Output` is what the profile's schema makes of the answer. */
export interface Job<Output = unknown, Name extends string = string>
  extends Pick<JobRow, Common | Answer> {
  profile: Name;
  metadata: Record<string, unknown>;
  /** While awaiting_approval, awaiting_tool_output or needs_review: what is asked. */
  waiting: WaitingCall[] | null;
  output: unknown[] | null;
  /** The answer as the profile's schema says; null for profiles without one, and until completed. */
  output_parsed: Output | null;
  usage: Record<string, unknown> | null;
  error: JobError | null;
}

/** A job that has its answer. */
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
