/** Why a run failed: every code with what it means for the job and what to do about it. docs/errors.md has the same table. */

/**
 * What a failure means for the job.
 * unsupported: background mode cannot do this, a synchronous run can; transient: another try may succeed;
 * permanent: no try will; quota: no try will until somebody pays.
 */
export type FailureClass = "unsupported" | "transient" | "permanent" | "quota";

/** What a job's `error.code`, an attempt's `error_code` or `fallback_reason` may be, each with its class and hint. */
export const failures = {
  background_unsupported: {
    class: "unsupported",
    hint: "Nothing: the job runs synchronously instead",
  },
  background_stuck: {
    class: "transient",
    hint: "Nothing: it was cancelled at OpenAI and runs synchronously instead",
  },
  background_unrecorded: {
    class: "transient",
    hint: "Nothing: OpenAI never confirmed the background run, so the job runs synchronously",
  },
  background_expired: {
    class: "transient",
    hint: "Nothing: OpenAI no longer knows the background response, so the job runs synchronously",
  },
  background_unreadable: {
    class: "transient",
    hint:
      "Nothing: OpenAI's answer could not be read as long as it was waited for, so the job runs synchronously; if it repeats, see what the message says of the answer",
  },
  answer_unreadable: {
    class: "transient",
    hint: "If it repeats, check what OPENAI_BASE_URL points at, and what is between it and OpenAI",
  },
  answer_empty: {
    class: "transient",
    hint: "If it repeats, say in the profile's instructions what is to be answered",
  },
  answer_too_large: {
    class: "permanent",
    hint: "Ask for less in one job, such as fewer or smaller images",
  },
  response_cancelled: {
    class: "transient",
    hint: "Somebody cancelled the response at OpenAI; cancel the job itself to stop it for good",
  },
  response_incomplete: {
    class: "permanent",
    hint:
      "Raise max_output_tokens in the profile, or look at the content filter's reason; then retry the job",
  },
  output_invalid: {
    class: "transient",
    hint:
      "If it repeats, loosen the profile's output schema or say in its instructions what is wanted",
  },
  openai_server_error: {
    class: "transient",
    hint: "If it repeats, give OpenAI's support the request id",
  },
  openai_rate_limited: {
    class: "transient",
    hint: "If it repeats, ask OpenAI for higher limits or spread the load",
  },
  openai_quota_exceeded: {
    class: "quota",
    hint: "Add credit or raise the project's budget at OpenAI, then retry the job",
  },
  openai_timeout: {
    class: "transient",
    hint: "If it repeats, raise the budget that ran out in the profile",
  },
  openai_unreachable: {
    class: "transient",
    hint: "If it repeats, check OPENAI_BASE_URL and OpenAI's status page",
  },
  openai_conflict: {
    class: "transient",
    hint: "If it repeats, give OpenAI's support the request id",
  },
  openai_auth_failed: {
    class: "permanent",
    hint: "Set OPENAI_API_KEY to a valid key that may use this model, then retry the job",
  },
  openai_key_refused: {
    class: "transient",
    hint:
      "Nothing, if it was once: the key had just worked. If it repeats, check OPENAI_API_KEY and its rights",
  },
  openai_region_refused: {
    class: "transient",
    hint:
      "Run the functions in a region that OpenAI serves: another try may run in one; see Supabase's x-region header",
  },
  openai_download_failed: {
    class: "transient",
    hint: "If it repeats, check that OpenAI can fetch the address that the message names, in time",
  },
  request_too_large: {
    class: "permanent",
    hint: "Shorten the input, or raise the limit at OpenAI, then retry the job",
  },
  stream_unsupported: {
    class: "unsupported",
    hint:
      "Verify the organization at OpenAI to get streams again; until then runs are not streamed",
  },
  openai_not_found: {
    class: "permanent",
    hint:
      "Check the profile's model name and that the key's project may use it, then retry the job",
  },
  openai_invalid_request: {
    class: "permanent",
    hint: "Fix the profile or the request as the message says, then retry the job",
  },
  openai_policy: { class: "permanent", hint: "OpenAI refused the content; change the input" },
  mcp_unavailable: {
    class: "transient",
    hint: "Check that the MCP server is up and its credential valid",
  },
  stream_cut: {
    class: "transient",
    hint: "If it repeats, look at what is between the worker and OpenAI",
  },
  stream_stalled: {
    class: "transient",
    hint: "If a tool takes that long, raise budgets.stall_ms in the profile",
  },
  stream_invalid: {
    class: "transient",
    hint: "If it repeats, check what OPENAI_BASE_URL points at",
  },
  attempt_timeout: {
    class: "transient",
    hint: "Raise budgets.attempt_ms in the profile if such runs take longer",
  },
  unknown_profile: {
    class: "permanent",
    hint: "Add the profile to _shared/profiles.ts and deploy, then retry the job",
  },
  secret_not_set: {
    class: "permanent",
    hint: "Set it with `supabase secrets set`, then retry the job",
  },
  stored_prompt: {
    class: "permanent",
    hint: "Put the prompt's text into the profile's `instructions` and deploy, then retry the job",
  },
  invalid_profile: {
    class: "permanent",
    hint: "Fix the profile as the message says and deploy, then retry the job",
  },
  worker_lost: {
    class: "transient",
    hint: "See the logs of run-jobs; long runs belong on an off-platform worker",
  },
  worker_error: { class: "transient", hint: "See the logs of run-jobs for the details" },
  deadline_exceeded: {
    class: "permanent",
    hint: "Raise budgets.deadline_ms in the profile, then retry the job",
  },
  budget_exceeded: {
    class: "permanent",
    hint:
      "Make the step shorter, or run an off-platform worker (npm run worker), then retry the job",
  },
  approval_expired: {
    class: "permanent",
    hint: "Retry the job to be asked again, or raise approval_ms in the profile",
  },
  tool_output_expired: {
    class: "permanent",
    hint:
      "Retry the job to get the call again, and answer it with a function_call_output item before it expires",
  },
  review_expired: {
    class: "permanent",
    hint:
      "Find out whether the call was made, then retry the job: its ledger is kept, and you are asked again",
  },
  repeated_call: {
    class: "permanent",
    hint: "Look whether the call was made a second time, then resolve the job",
  },
  call_uncertain: {
    class: "permanent",
    hint: "Look whether the call happened, then resolve the job",
  },
  tool_failed: {
    class: "permanent",
    hint:
      "Fix what the message says of the tool, deploy, then retry the job: what is done stays done",
  },
  too_many_rounds: {
    class: "permanent",
    hint:
      "Say in the profile's instructions when the work is done, or ask for less in one job, then retry it",
  },
  checkpoint_too_large: {
    class: "permanent",
    hint: "Ask for less in one job, or have the tools answer more briefly",
  },
  background_skipped: {
    class: "unsupported",
    hint: "Nothing: background kept failing on this route, so the job runs synchronously",
  },
  route_paused: {
    class: "transient",
    hint: "Nothing: the route waits for a rate limit or quota, then the job runs synchronously",
  },
} as const satisfies Record<string, { class: FailureClass; hint: string }>;

export type FailureCode = keyof typeof failures;

export interface Failure {
  class: FailureClass;
  code: FailureCode;
  /** What failed, in one sentence, credentials masked. */
  message: string;
  /** What to do about it. */
  hint: string;
  /** OpenAI's own code or type. */
  type?: string;
  /** The HTTP status, or what stands for it. */
  status?: number;
  /** OpenAI's x-request-id. */
  requestId?: string;
  /** How long OpenAI asks to wait, ms. */
  retryAfterMs?: number;
  /** True when OpenAI may have accepted the request although its answer never came. */
  maybeAccepted?: boolean;
}

/** What is known of a failure beside its code and message. */
export type FailureDetails = Pick<
  Failure,
  "type" | "status" | "requestId" | "retryAfterMs" | "maybeAccepted"
>;
