/** A job as it is submitted. */
import type { Guard } from "../model/status.ts";

/** The argument of submit_response_job(); the type durable_responses.submission. Durations in ms. */
export interface Submission {
  /** A new id from the submitter: if the answer to a submit is lost, its repeat finds the job by this id. */
  id: string;
  profile: string;
  input: unknown;
  request: Record<string, unknown> | null;
  owner_id: string | null;
  metadata: Record<string, unknown>;
  idempotency_key: string | null;
  request_hash: string;
  mode: "background" | "synchronous";
  accept_ms: number;
  background_ms: number;
  deadline_ms: number;
  max_attempts: number;
  backoff_base_ms: number;
  backoff_cap_ms: number;
  route: string;
  model: string;
  tool_servers: string[];
  once_tools: boolean;
  on_uncertain: "review" | "retry";
  guard: Guard;
  approval_ms: number;
  review_ms: number;
  poll_ms: number;
  /** Whether the events of its runs are stored as they come. */
  stream: boolean;
  /** What the caller added to the profile. */
  settings: Record<string, unknown> | null;
  /** The job that the request continues from. */
  continued_from: string | null;
  /** Whether the same question of the owner joins this job as long as nobody has read its answer. */
  joins: boolean;
  /** Whether the request says itself that it may have been sent before. */
  is_repeat: boolean;
  /** The claims of the owner's token, with whose rights the input's files are checked; null without a token. */
  claims: Readonly<Record<string, unknown>> | null;
}
