/** Every way in which a call to OpenAI fails becomes one code, and the code one class. */
import type {
  FailureClass,
  FailureCode,
} from "../../../supabase/functions/_durable_responses/model/failure.ts";
import assert from "node:assert/strict";
import { APIUserAbortError } from "openai";
import { classifyError } from "../../../supabase/functions/_durable_responses/openai/classify.ts";
import { type ApiAnswer, thrownBy, thrownFor } from "./sdk-errors.ts";

const quotaText = "You exceeded your current quota, please check your plan and billing details.";
const toolListText = "Error retrieving tool list from MCP server: 'mailbox'. Http status code: 424";

const answers: [string, ApiAnswer, FailureCode, FailureClass][] = [
  [
    "background refused by name",
    { status: 400, error: { code: "unsupported_parameter", param: "background" } },
    "background_unsupported",
    "unsupported",
  ],
  [
    "background refused in words only",
    {
      status: 400,
      error: { code: "unsupported_parameter", message: "'background' is not supported" },
    },
    "background_unsupported",
    "unsupported",
  ],
  [
    "another parameter refused",
    { status: 400, error: { code: "unsupported_parameter", param: "temperature" } },
    "openai_invalid_request",
    "permanent",
  ],
  ["a bad request", { status: 400 }, "openai_invalid_request", "permanent"],
  ["an unprocessable request", { status: 422 }, "openai_invalid_request", "permanent"],
  ["a request that is too large", { status: 413 }, "openai_invalid_request", "permanent"],
  ["a wrong key", { status: 401 }, "openai_auth_failed", "permanent"],
  ["a key without the right", { status: 403 }, "openai_auth_failed", "permanent"],
  ["an unknown model", { status: 404 }, "openai_not_found", "permanent"],
  ["a request timeout", { status: 408 }, "openai_timeout", "transient"],
  ["nginx's closed request", { status: 499 }, "openai_timeout", "transient"],
  ["a load balancer's closed request", { status: 460 }, "openai_timeout", "transient"],
  [
    "a conversation in which another request is running",
    { status: 400, error: { code: "conversation_locked", param: "conversation" } },
    "openai_conflict",
    "transient",
  ],
  ["a conflict", { status: 409 }, "openai_conflict", "transient"],
  ["a failed dependency", { status: 424 }, "mcp_unavailable", "transient"],
  [
    "a tool list that cannot be had, under 400",
    { status: 400, error: { message: toolListText } },
    "mcp_unavailable",
    "transient",
  ],
  [
    "a rate limit",
    { status: 429, error: { code: "rate_limit_exceeded" } },
    "openai_rate_limited",
    "transient",
  ],
  ["a bare 429", { status: 429 }, "openai_rate_limited", "transient"],
  [
    "a used-up quota",
    { status: 429, error: { code: "insufficient_quota", message: quotaText } },
    "openai_quota_exceeded",
    "quota",
  ],
  [
    "quota as a type only",
    { status: 429, error: { code: null, type: "insufficient_quota" } },
    "openai_quota_exceeded",
    "quota",
  ],
  [
    "quota text under a rate limit's code",
    { status: 429, error: { code: "rate_limit_exceeded", message: quotaText } },
    "openai_quota_exceeded",
    "quota",
  ],
  [
    "quota text under a server error",
    { status: 500, error: { code: "server_error", message: quotaText } },
    "openai_quota_exceeded",
    "quota",
  ],
  [
    "a billing limit under 400",
    { status: 400, error: { code: "billing_hard_limit_reached" } },
    "openai_quota_exceeded",
    "quota",
  ],
  [
    "quota text of a gateway that says None for nothing",
    {
      status: 429,
      error: {
        code: "429",
        type: "None",
        param: "None",
        message: `GatewayException - ${quotaText}`,
      },
    },
    "openai_quota_exceeded",
    "quota",
  ],
  [
    "a caller's picture by a name that speaks of quota",
    {
      status: 400,
      error: {
        code: "invalid_image_url",
        type: "invalid_request_error",
        param: "url",
        message: "Cannot decode https://x.example/insufficient_quota.png",
      },
    },
    "openai_invalid_request",
    "permanent",
  ],
  [
    "a caller's value that speaks of quota, with no code and no param",
    { status: 400, error: { message: `Invalid value: '${quotaText}'` } },
    "openai_invalid_request",
    "permanent",
  ],
  [
    "a caller's value that speaks of a server's tools",
    {
      status: 400,
      error: { code: "invalid_value", param: "input[0].file_id", message: toolListText },
    },
    "openai_invalid_request",
    "permanent",
  ],
  [
    "an account that is not active",
    { status: 429, error: { code: "billing_not_active" } },
    "openai_quota_exceeded",
    "quota",
  ],
  [
    "an invalid prompt",
    { status: 400, error: { code: "invalid_prompt" } },
    "openai_policy",
    "permanent",
  ],
  [
    "a policy",
    { status: 403, error: { code: "content_policy_violation" } },
    "openai_policy",
    "permanent",
  ],
  [
    "a length under a limit's status",
    {
      status: 429,
      error: {
        code: "context_length_exceeded",
        type: "invalid_request_error",
        message: "Your input exceeds the context window of this model.",
      },
    },
    "openai_invalid_request",
    "permanent",
  ],
  [
    "an invalid parameter under a limit's status",
    { status: 429, error: { type: "invalid_request_error", param: "input[0]", message: "no" } },
    "openai_invalid_request",
    "permanent",
  ],
  [
    "a gateway's credit",
    { status: 402, error: { message: "Insufficient credits" } },
    "openai_quota_exceeded",
    "quota",
  ],
  [
    "a gateway's quota that comes back",
    {
      status: 403,
      error: { message: "Out of call volume quota. Quota will be replenished in 1:00:00." },
    },
    "openai_rate_limited",
    "transient",
  ],
  [
    "a flagged input",
    { status: 403, error: { message: "Input was flagged" } },
    "openai_policy",
    "permanent",
  ],
  [
    "a picture that the safety system refused",
    {
      status: 400,
      error: { code: "moderation_blocked", type: "image_generation_user_error", message: "no" },
    },
    "openai_policy",
    "permanent",
  ],
  [
    "a region in other words",
    { status: 403, error: { message: "OpenAI's services are not available in your country." } },
    "openai_region_refused",
    "transient",
  ],
  [
    "background refused without a code",
    { status: 400, error: { message: "Background mode is not supported for this model." } },
    "background_unsupported",
    "unsupported",
  ],
  [
    "a project that may store nothing",
    { status: 400, error: { param: "store", message: "store must be false" } },
    "background_unsupported",
    "unsupported",
  ],
  [
    "a stream refused through a gateway",
    {
      status: 400,
      error: { code: "400", message: "Your organization must be verified to stream this model." },
    },
    "stream_unsupported",
    "unsupported",
  ],
  [
    "a request within a limit of a million",
    { status: 429, error: { message: "Limit 1M, Requested 60K" } },
    "openai_rate_limited",
    "transient",
  ],
  [
    "a request above a limit of a thousand",
    { status: 429, error: { message: "Limit 1K, Requested 60,000" } },
    "request_too_large",
    "permanent",
  ],
  ["a server error", { status: 500 }, "openai_server_error", "transient"],
  ["a bad gateway", { status: 502 }, "openai_server_error", "transient"],
  ["an overload", { status: 503 }, "openai_server_error", "transient"],
  ["a gateway timeout", { status: 504 }, "openai_server_error", "transient"],
  ["a status of Cloudflare's own", { status: 529 }, "openai_server_error", "transient"],
];

for (const [name, answer, code, failureClass] of answers) {
  Deno.test(`${name} is ${code}, ${failureClass}`, async () => {
    const failure = classifyError(await thrownFor(answer));
    assert.deepEqual([failure.code, failure.class], [code, failureClass]);
    assert.notEqual(failure.hint, "");
  });
}

Deno.test("a connection that cannot be made is openai_unreachable, with its cause", async () => {
  const failure = classifyError(
    await thrownBy(() => {
      throw new TypeError("error sending request: connection refused");
    }),
  );
  assert.deepEqual([failure.code, failure.class], ["openai_unreachable", "transient"]);
  assert.match(failure.message, /connection refused/);
});

Deno.test("no answer in time is openai_timeout", async () => {
  const never = (_url: unknown, init?: RequestInit) =>
    new Promise<Response>((_, reject) => {
      init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
    });
  const failure = classifyError(await thrownBy(never, 5));
  assert.deepEqual([failure.code, failure.class], ["openai_timeout", "transient"]);
});

Deno.test("an aborted call is openai_timeout", () => {
  assert.equal(classifyError(new APIUserAbortError()).code, "openai_timeout");
});

Deno.test("a socket that drops while the body is read is stream_cut", () => {
  const failure = classifyError(new TypeError("error reading a body from connection"));
  assert.deepEqual([failure.code, failure.class], ["stream_cut", "transient"]);
});

Deno.test("what nobody foresaw is worker_error, and another try may mend it", () => {
  for (const thrown of [new Error("who knows"), "a string", undefined]) {
    const failure = classifyError(thrown);
    assert.deepEqual([failure.code, failure.class], ["worker_error", "transient"]);
  }
});

Deno.test("OpenAI's code and request id are kept for its support", async () => {
  const failure = classifyError(
    await thrownFor({
      status: 500,
      error: { code: "server_error", type: "api_error", message: "an error occurred, wfr_1" },
      headers: { "x-request-id": "req_42" },
    }),
  );
  assert.equal(failure.type, "server_error");
  assert.equal(failure.requestId, "req_42");
  assert.match(failure.message, /500: an error occurred, wfr_1$/);
});

Deno.test("credentials in OpenAI's message are masked", async () => {
  const failure = classifyError(
    await thrownFor({
      status: 401,
      error: { message: "Incorrect API key provided: sk-proj-abcdefgh12345678" },
    }),
  );
  assert.ok(!failure.message.includes("abcdefgh"), failure.message);
});
