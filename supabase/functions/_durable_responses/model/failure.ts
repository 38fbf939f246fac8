/**
 * Why a run failed: every code, with what it means for the job and what to do about it. docs/errors.md has the same table.
 */

/**
 * What a failure means for the job.
 * unsupported: background mode cannot do this, a synchronous run can; transient: another try may succeed;
 * permanent: no try will; quota: no try will until somebody pays.
 */
export type FailureClass = "unsupported" | "transient" | "permanent" | "quota";

/**
 * The possible values of a job's `error.code`, an attempt's `error_code` and `fallback_reason`, each with its class and
 * hint.
 */
export const failures = {
  background_unsupported: {
    class: "unsupported",
    hint: "No action needed: the job runs synchronously instead",
  },
  background_stuck: {
    class: "transient",
    hint:
      "No action needed: the response was cancelled at OpenAI, and the job runs synchronously instead",
  },
  background_unrecorded: {
    class: "transient",
    hint:
      "No action needed: OpenAI never confirmed the background run, so the job runs synchronously",
  },
  background_expired: {
    class: "transient",
    hint:
      "No action needed: OpenAI no longer knows the background response, so the job runs synchronously",
  },
  background_unreadable: {
    class: "transient",
    hint:
      "No action needed: OpenAI's answer could not be read in time, so the job runs synchronously. If it happens again, the message says what was wrong with the answer",
  },
  answer_unreadable: {
    class: "transient",
    hint:
      "If it happens again, check where OPENAI_BASE_URL points, and any proxy between it and OpenAI",
  },
  answer_empty: {
    class: "transient",
    hint: "If it happens again, say in the profile's instructions what to answer",
  },
  answer_too_large: {
    class: "permanent",
    hint: "Ask for less in one job, for example fewer or smaller images",
  },
  response_cancelled: {
    class: "transient",
    hint:
      "The response was cancelled at OpenAI. To stop the job permanently, cancel the job itself",
  },
  response_incomplete: {
    class: "permanent",
    hint:
      "Raise max_output_tokens in the profile, or check the content filter's reason, then retry the job",
  },
  output_invalid: {
    class: "transient",
    hint:
      "If it happens again, loosen the profile's output schema, or describe the expected answer in its instructions",
  },
  openai_server_error: {
    class: "transient",
    hint: "If it happens again, contact OpenAI support with the request id",
  },
  openai_rate_limited: {
    class: "transient",
    hint: "If it happens again, ask OpenAI for higher limits, or spread the load",
  },
  openai_quota_exceeded: {
    class: "quota",
    hint: "Add credit, or raise the project's budget at OpenAI, then retry the job",
  },
  openai_timeout: {
    class: "transient",
    hint: "If it happens again, raise the budget that ran out in the profile",
  },
  openai_unreachable: {
    class: "transient",
    hint: "If it happens again, check OPENAI_BASE_URL and OpenAI's status page",
  },
  openai_conflict: {
    class: "transient",
    hint: "If it happens again, contact OpenAI support with the request id",
  },
  openai_auth_failed: {
    class: "permanent",
    hint: "Set OPENAI_API_KEY to a valid key that may use this model, then retry the job",
  },
  openai_key_refused: {
    class: "transient",
    hint:
      "No action needed the first time: the key had just worked. If it happens again, check OPENAI_API_KEY and its permissions",
  },
  openai_region_refused: {
    class: "transient",
    hint:
      "Run the functions in a region that OpenAI serves, with Supabase's x-region header. Another attempt may run in one by chance",
  },
  openai_download_failed: {
    class: "transient",
    hint: "If it happens again, check that OpenAI can fetch the URL in the message in time",
  },
  request_too_large: {
    class: "permanent",
    hint: "Shorten the input, or raise your limit at OpenAI, then retry the job",
  },
  stream_unsupported: {
    class: "unsupported",
    hint:
      "Verify your organization at OpenAI to enable streaming. Until then, runs are not streamed",
  },
  openai_not_found: {
    class: "permanent",
    hint:
      "Check the profile's model name, and that the key's project has access to it, then retry the job",
  },
  openai_invalid_request: {
    class: "permanent",
    hint: "Fix the profile or the request as the message says, then retry the job",
  },
  openai_policy: { class: "permanent", hint: "OpenAI refused the content: change the input" },
  mcp_unavailable: {
    class: "transient",
    hint: "Check that the MCP server is up and that its credential is valid",
  },
  tools_unavailable: {
    class: "transient",
    hint:
      "Check that the MCP server is up: npx durable-responses doctor asks it from where the functions run",
  },
  tools_refused: {
    class: "permanent",
    hint: "Renew the MCP server's credential in the functions' secrets, then retry the job",
  },
  mcp_address_refused: {
    class: "permanent",
    hint:
      "Use the server's public https address. If you mean a private one, name its host in DURABLE_RESPONSES_MCP_HOSTS. Then retry the job",
  },
  too_many_tools: {
    class: "permanent",
    hint: "List only the tools that you need in the servers' allowed_tools, then retry the job",
  },
  file_changed: {
    class: "permanent",
    hint: "Put the file back, or refer to another one, and send the request as a new job",
  },
  storage_unavailable: {
    class: "transient",
    hint: "If it happens again, check Supabase Storage's status and the secret key",
  },
  stream_cut: {
    class: "transient",
    hint: "If it happens again, check any proxy between the worker and OpenAI",
  },
  stream_stalled: {
    class: "transient",
    hint: "If a tool takes that long, raise budgets.stall_ms in the profile",
  },
  stream_invalid: {
    class: "transient",
    hint: "If it happens again, check where OPENAI_BASE_URL points",
  },
  attempt_timeout: {
    class: "transient",
    hint: "If such runs need longer, raise budgets.attempt_ms in the profile",
  },
  unknown_profile: {
    class: "permanent",
    hint: "Add the profile to _shared/profiles.ts and deploy, then retry the job",
  },
  secret_not_set: {
    class: "permanent",
    hint: "Set it in the functions' secrets, then retry the job",
  },
  stored_prompt: {
    class: "permanent",
    hint: "Copy the prompt's text into the profile's `instructions` and deploy, then retry the job",
  },
  invalid_profile: {
    class: "permanent",
    hint: "Fix the profile as the message says and deploy, then retry the job",
  },
  worker_lost: {
    class: "transient",
    hint:
      "Check the logs of what ran it: run-jobs, a function that answers callers or webhooks, or a worker process. Run long jobs on an off-platform worker",
  },
  worker_error: { class: "transient", hint: "Check the logs of run-jobs" },
  deadline_exceeded: {
    class: "permanent",
    hint: "Raise budgets.deadline_ms in the profile, then retry the job",
  },
  budget_exceeded: {
    class: "permanent",
    hint:
      "Make the step shorter, or run an off-platform worker (npx durable-responses worker), then retry the job",
  },
  approval_expired: {
    class: "permanent",
    hint: "Retry the job to be asked again, or raise approval_ms in the profile",
  },
  tool_output_expired: {
    class: "permanent",
    hint: "Retry the job to receive the call again, then answer it before it expires",
  },
  review_expired: {
    class: "permanent",
    hint:
      "Find out whether the call was made, then retry the job. Its ledger is kept, and you are asked again",
  },
  repeated_call: {
    class: "permanent",
    hint: "Check whether the call was made a second time, then resolve the job",
  },
  call_uncertain: {
    class: "permanent",
    hint: "Check whether the call was made, then resolve the job",
  },
  tool_failed: {
    class: "permanent",
    hint:
      "Fix the tool as the message says and deploy, then retry the job. Finished calls are not repeated",
  },
  too_many_rounds: {
    class: "permanent",
    hint:
      "Say in the profile's instructions when the work is done, or ask for less in one job, then retry it",
  },
  checkpoint_too_large: {
    class: "permanent",
    hint: "Ask for less in one job, or make the tools return less",
  },
  background_skipped: {
    class: "unsupported",
    hint: "No action needed: background kept failing on this route, so the job runs synchronously",
  },
  route_paused: {
    class: "transient",
    hint:
      "No action needed: the route waits for a rate limit or quota, then the job runs synchronously",
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
  /** The HTTP status, or its equivalent. */
  status?: number;
  /** OpenAI's x-request-id. */
  requestId?: string;
  /** How long OpenAI asks us to wait, in ms. */
  retryAfterMs?: number;
  /** True if OpenAI may have accepted the request although its answer never came. */
  maybeAccepted?: boolean;
}

/** What is known about a failure besides its code and message. */
export type FailureDetails = Pick<
  Failure,
  "type" | "status" | "requestId" | "retryAfterMs" | "maybeAccepted"
>;
