/** How a background attempt fails, and what follows: a synchronous run, or the job's own failure. */
import assert from "node:assert/strict";
import type { TestStack } from "../../support/stack.ts";
import { type FailureCase, runCase } from "./run-case.ts";

const background = { background: true } as const;
const done = "synchronous completed";

const cases: FailureCase[] = [
  {
    name: "background fails late, as it does in the field",
    profile: "mail",
    query: "Reply to the invoice mail",
    faults: [],
    status: "completed",
    fallback: "openai_server_error",
    attempts: ["background failed openai_server_error", done],
    // One until it asks before the reply, and one after the yes.
    creates: { background: 1, streamed: 2 },
  },
  {
    name: "background is refused at create",
    profile: "plain",
    faults: [{ kind: "background-unsupported" }],
    status: "completed",
    fallback: "background_unsupported",
    attempts: ["background failed background_unsupported", done],
  },
  {
    name: "the tool list cannot be had at create",
    profile: "plain",
    faults: [{ kind: "tool-list-failed", match: background }],
    status: "completed",
    fallback: "mcp_unavailable",
    attempts: ["background failed mcp_unavailable", done],
  },
  {
    name: "OpenAI is overloaded at create",
    profile: "plain",
    faults: [{ kind: "server-error", status: 503, match: background }],
    status: "completed",
    fallback: "openai_server_error",
    attempts: ["background failed openai_server_error", done],
  },
  {
    name: "OpenAI does not accept in time",
    profile: "abrupt",
    faults: [{ kind: "slow", ms: 20_000, match: background }],
    status: "completed",
    fallback: "openai_timeout",
    attempts: ["background failed openai_timeout", done],
  },
  {
    name: "the connection conflicts at create",
    profile: "plain",
    faults: [{ kind: "http-error", status: 409, match: background }],
    status: "completed",
    fallback: "openai_conflict",
    attempts: ["background failed openai_conflict", done],
  },
  {
    name: "quota is used up at create",
    profile: "plain",
    faults: [{ kind: "quota" }],
    status: "failed",
    error: "openai_quota_exceeded",
    attempts: ["background failed openai_quota_exceeded"],
  },
  {
    name: "quota is used up after acceptance",
    profile: "plain",
    faults: [{ kind: "quota", when: "accepted" }],
    status: "failed",
    error: "openai_quota_exceeded",
    attempts: ["background failed openai_quota_exceeded"],
  },
  {
    name: "the request itself is wrong",
    profile: "plain",
    faults: [{ kind: "http-error", status: 400, code: "invalid_value", param: "model" }],
    status: "failed",
    error: "openai_invalid_request",
    attempts: ["background failed openai_invalid_request"],
  },
  {
    name: "the key is wrong",
    profile: "plain",
    faults: [{ kind: "http-error", status: 401, code: "invalid_api_key" }],
    status: "failed",
    fallback: "openai_key_refused",
    error: "openai_auth_failed",
    // Jobs have just completed with this key, so it gets a second try, but no third.
    attempts: ["background failed openai_key_refused", "synchronous failed openai_auth_failed"],
  },
  {
    name: "the model is unknown",
    profile: "plain",
    faults: [{ kind: "http-error", status: 404, code: "model_not_found" }],
    status: "failed",
    error: "openai_not_found",
    attempts: ["background failed openai_not_found"],
  },
  {
    name: "the prompt is refused after acceptance",
    profile: "plain",
    faults: [{ kind: "background-fails", code: "invalid_prompt", message: "no" }],
    status: "failed",
    error: "openai_policy",
    attempts: ["background failed openai_policy"],
  },
  {
    name: "the answer is incomplete",
    profile: "plain",
    faults: [{ kind: "incomplete", reason: "max_output_tokens" }],
    status: "failed",
    error: "response_incomplete",
    attempts: ["background failed response_incomplete"],
  },
  {
    name: "the answer fits the profile's schema",
    profile: "shaped",
    query: "Is there an invoice?",
    faults: [],
    status: "completed",
    attempts: ["background completed"],
  },
  {
    name: "the answer never fits the profile's schema, on either path",
    profile: "misshaped",
    query: "Is there an invoice?",
    faults: [],
    status: "failed",
    fallback: "output_invalid",
    error: "output_invalid",
    attempts: [
      "background failed output_invalid",
      ...Array<string>(3).fill("synchronous failed output_invalid"),
    ],
  },
];

export function testBackgroundFailures(theStack: () => TestStack): void {
  for (const failure of cases) {
    Deno.test(`background: ${failure.name} → ${failure.error ?? "completed"}`, async () => {
      const job = await runCase(theStack(), failure);
      assert.equal(job.output_text !== null, failure.status === "completed");
      if (failure.profile === "shaped") {
        assert.equal(typeof Object(job.output_parsed)["found"], "boolean");
      }
    });
  }
}
