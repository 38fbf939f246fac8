/** The error inside a failed response has no HTTP status, and an open set of codes. */
import type {
  FailureClass,
  FailureCode,
} from "../../../supabase/functions/_durable_responses/model/failure.ts";
import assert from "node:assert/strict";
import { classifyResponseError } from "../../../supabase/functions/_durable_responses/openai/classify.ts";
import { parseUpstreamResponse } from "../../../supabase/functions/_durable_responses/model/upstream-response.ts";

function failed(error: { code: string; message: string } | null) {
  return parseUpstreamResponse({ id: "resp_1", status: "failed", output: [], error });
}

const errors: [string, string, FailureCode, FailureClass][] = [
  [
    "server_error",
    "An error occurred while processing your request. Include wfr_1.",
    "openai_server_error",
    "transient",
  ],
  ["rate_limit_exceeded", "Rate limit reached", "openai_rate_limited", "transient"],
  [
    "rate_limit_exceeded",
    "You exceeded your current quota",
    "openai_quota_exceeded",
    "quota",
  ],
  ["insufficient_quota", "no", "openai_quota_exceeded", "quota"],
  ["server_error", "You exceeded your current quota", "openai_quota_exceeded", "quota"],
  [
    "server_error",
    "Error retrieving tool list from MCP server: 'mailbox'",
    "mcp_unavailable",
    "transient",
  ],
  [
    "failed_to_download_image",
    "Failed to download https://x.example/insufficient_quota.png",
    "openai_download_failed",
    "transient",
  ],
  [
    "invalid_image_url",
    "Not a URL: 'retrieving tool list from MCP server'",
    "openai_invalid_request",
    "permanent",
  ],
  ["invalid_prompt", "no", "openai_policy", "permanent"],
  ["bio_policy", "no", "openai_policy", "permanent"],
  ["cyber_policy", "no", "openai_policy", "permanent"],
  ["image_content_policy_violation", "no", "openai_policy", "permanent"],
  ["moderation_blocked", "no", "openai_policy", "permanent"],
  ["ResponsibleAIPolicyViolation", "no", "openai_policy", "permanent"],
  ["previous_response_not_found", "no", "openai_invalid_request", "permanent"],
  ["invalid_encrypted_content", "no", "openai_invalid_request", "permanent"],
  ["unsupported_file", "no", "openai_invalid_request", "permanent"],
  ["file_too_large", "no", "openai_invalid_request", "permanent"],
  ["integer_below_min_value", "no", "openai_invalid_request", "permanent"],
  ["decimal_above_max_value", "no", "openai_invalid_request", "permanent"],
  ["container_expired", "no", "openai_invalid_request", "permanent"],
  ["expired_api_key", "no", "openai_auth_failed", "permanent"],
  ["conversation_locked", "no", "openai_conflict", "transient"],
  ["usage_limit_reached", "no", "openai_rate_limited", "transient"],
  ["usage_not_included", "no", "openai_quota_exceeded", "quota"],
  ["unknown_error", "no", "openai_server_error", "transient"],
  ["vector_store_timeout", "no", "openai_server_error", "transient"],
  ["a_code_of_next_year", "no", "openai_server_error", "transient"],
];

for (const [code, message, expected, failureClass] of errors) {
  Deno.test(`a response that failed with ${code}, '${message}', is ${expected}`, () => {
    const failure = classifyResponseError(failed({ code, message }));
    assert.deepEqual([failure.code, failure.class], [expected, failureClass]);
    assert.equal(failure.type, code);
    assert.match(failure.message, /resp_1/);
  });
}

// Codes of the SDK's own ResponseError that no repeat can fix.
for (
  const [code, expected] of [
    ["misalignment_policy_violation", "openai_policy"],
    ["invalid_image", "openai_invalid_request"],
    ["image_too_large", "openai_invalid_request"],
    ["unsupported_image_media_type", "openai_invalid_request"],
    ["data_residency_mismatch", "openai_invalid_request"],
  ] as const
) {
  Deno.test(`a response that failed with ${code} is permanent`, () => {
    const failure = classifyResponseError(failed({ code, message: "no" }));
    assert.deepEqual([failure.code, failure.class], [expected, "permanent"]);
  });
}

Deno.test("a length that is sent like a limit is the length", () => {
  const error = { code: "context_length_exceeded", type: "tokens", message: "too long" };
  assert.equal(classifyResponseError(failed(error)).code, "openai_invalid_request");
});

Deno.test("a limit is known by its words, if there is nothing else", () => {
  const said = (message: string) =>
    classifyResponseError(parseUpstreamResponse({ status: "failed", error: message }));
  const limit = said("Rate limit reached for gpt-6.1-terra. Please try again in 2s.");
  assert.deepEqual([limit.code, limit.retryAfterMs], ["openai_rate_limited", 2_000]);
  assert.equal(said("Too Many Requests").code, "openai_rate_limited");
  assert.equal(said("The tool said: rate limit reached").code, "openai_server_error");
});

Deno.test("a response without an id is told without one", () => {
  const why = classifyResponseError(parseUpstreamResponse({ status: "failed", error: "no" }));
  assert.equal(why.message, "OpenAI's response failed with no code: no");
});

Deno.test("a bare failure, with no error at all, is openai_server_error", () => {
  assert.equal(classifyResponseError(failed(null)).code, "openai_server_error");
});

Deno.test("the request id of the answer goes along", () => {
  assert.equal(classifyResponseError(failed(null), "req_1").requestId, "req_1");
});
