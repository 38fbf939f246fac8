/** A job as its owner sees it: the same fields as in the HTTP API and in the tables. Times are ISO 8601 texts. */
import type { JobStatus } from "../generated/status.ts";

export {
  isFinal,
  isPaused,
  type JobStatus,
  jobStatuses,
} from "../generated/status.ts";

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
}

/** `Output` is what the profile's schema makes of the answer. */
export interface Job<Output = unknown, Name extends string = string> {
  id: string;
  status: JobStatus;
  profile: Name;
  metadata: Record<string, unknown>;
  /** Number of the current attempt; 0 before the first. */
  attempt: number;
  response_id: string | null;
  /** Why it is not run in OpenAI's background mode any more. */
  fallback_reason: string | null;
  /** While queued: it is not run before. */
  run_at: string | null;
  /** Null while its clock stands still (awaiting_approval, awaiting_tool_output, needs_review), and when it is final. */
  deadline: string | null;
  /** The job that this one repeats. */
  retry_of: string | null;
  /** While somebody is asked: when the question expires. */
  answer_until: string | null;
  review_reason: string | null;
  /** While awaiting_approval, awaiting_tool_output or needs_review: what is asked. */
  waiting: WaitingCall[] | null;
  output_text: string | null;
  output: unknown[] | null;
  /** The answer as the profile's schema says; null for profiles without one, and until completed. */
  output_parsed: Output | null;
  usage: Record<string, unknown> | null;
  error: JobError | null;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
}

/** A job that has its answer. */
export type CompletedJob<J extends Job = Job> = J & {
  status: "completed";
  output: unknown[];
  output_text: string;
  finished_at: string;
};

/** A line of a list: a job without its answer. */
export interface JobSummary<Name extends string = string> {
  id: string;
  status: JobStatus;
  profile: Name;
  metadata: Record<string, unknown>;
  attempt: number;
  /** The beginning of what was asked. */
  query_text: string | null;
  fallback_reason: string | null;
  retry_of: string | null;
  error: JobError | null;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
}
