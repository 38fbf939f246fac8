/**
 * The rows that people read, as PostgREST sends them and as the functions answer. Types only, which import only `status.ts`:
 * client, console and CLI take theirs from here. Times are ISO 8601 texts. `Json` is any JSON value.
 */
import type {
  AttemptMode,
  AttemptOutcome,
  Effect,
  JobStatus,
  RunBy,
  StepStatus,
} from "./status.ts";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** A job as its owner reads it in `response_jobs`. */
export interface JobRow {
  id: string;
  owner_id: string | null;
  status: JobStatus;
  profile: string;
  /** The question: text, or input items. */
  input: Json;
  /** The beginning of the question, for lists. */
  query_text: string | null;
  metadata: JsonObject;
  /** Number of the current attempt; 0 before the first. */
  attempt: number;
  /** Failed attempts so far, of `max_attempts`. */
  failures: number;
  max_attempts: number;
  /** OpenAI's id of the response. */
  response_id: string | null;
  /** Why the job fell back from background mode: a failure code. */
  fallback_reason: string | null;
  /** While queued: the job does not run before this time. */
  run_at: string | null;
  /** The job fails if it has not finished by then; null while the clock is stopped, and when the job is final. */
  deadline: string | null;
  /** The job that this one retries. */
  retry_of: string | null;
  /** While somebody is asked: when the question expires. */
  answer_until: string | null;
  review_reason: string | null;
  output: Json[] | null;
  output_text: string | null;
  /** The answer in the shape of the profile's schema; null for profiles without one. */
  output_parsed: Json;
  usage: JsonObject | null;
  error_code: string | null;
  error_message: string | null;
  error_hint: string | null;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
}

/** One try to get the answer: `response_attempts`. */
export interface AttemptRow {
  job_id: string;
  /** Counts from 1 within the job. */
  number: number;
  mode: AttemptMode;
  /** null while it runs. */
  outcome: AttemptOutcome | null;
  response_id: string | null;
  error_code: string | null;
  error_message: string | null;
  usage: JsonObject | null;
  warnings: string[];
  started_at: string;
  finished_at: string | null;
}

/** One item of a run, in the ledger: `response_steps`. */
export interface StepRow {
  job_id: string;
  /** Counts from 1 within the job. */
  number: number;
  attempt: number;
  /** OpenAI's id of the item. */
  item_id: string;
  /** The item's type: mcp_call, mcp_list_tools, reasoning, message, mcp_approval_request … */
  kind: string;
  status: StepStatus;
  /** For a call: what it does to the world. */
  effect: Effect | null;
  server_label: string | null;
  tool: string | null;
  /** JSON as text; of a custom_tool_call, its input. */
  arguments: string | null;
  /** Of a call that OpenAI leaves to others: who makes it; null for calls that OpenAI makes. */
  run_by: RunBy | null;
  /** Digest of server, tool and arguments, which a decision names. */
  digest: string | null;
  /** Of such a call: what `toolOutput` names. */
  call_id: string | null;
  output: string | null;
  error: string | null;
  /** A person's answer: `{approve, reason?}` or `{outcome, output?}`. */
  answer: JsonObject | null;
  answered_by: string | null;
  answered_at: string | null;
  started_at: string;
  finished_at: string | null;
}
