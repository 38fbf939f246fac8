/** Libraries are told to repeat a request only if that may help, and can do nothing twice. */
import assert from "node:assert/strict";
import {
  type RequestErrorCode,
  requestErrors,
} from "../../supabase/functions/_durable_responses/model/refusals.ts";
import { RequestError } from "../../supabase/functions/_durable_responses/platform/errors.ts";
import { toRefusal } from "../../supabase/functions/_durable_responses/api/openai/refusal.ts";
import { refused } from "../../supabase/functions/_durable_responses/api/openai/send-response.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

/** Every code, and whether a create that got it may be repeated: some codes may come after the job was accepted. */
const codes: [code: RequestErrorCode, repeat: "yes" | "with a key" | "no"][] = [
  ["invalid_request", "no"],
  ["invalid_json", "no"],
  ["unknown_profile", "no"],
  ["stored_prompt", "no"],
  ["file_not_found", "no"],
  ["job_deleted", "no"],
  ["missing_token", "no"],
  ["invalid_token", "no"],
  ["invalid_signature", "no"],
  ["invalid_worker_secret", "no"],
  ["secret_key_required", "no"],
  ["job_not_found", "no"],
  ["not_found", "no"],
  ["method_not_allowed", "no"],
  ["body_timeout", "yes"],
  ["invalid_state", "no"],
  ["stale_attempt", "no"],
  ["decision_mismatch", "no"],
  ["idempotency_key_reused", "no"],
  ["owner_deleted", "no"],
  ["payload_too_large", "no"],
  ["too_many_jobs", "yes"],
  ["internal_error", "with a key"],
  ["acceptance_unknown", "with a key"],
  ["not_configured", "no"],
  ["invalid_profile", "no"],
  ["secret_not_set", "no"],
  ["database_unavailable", "with a key"],
  ["schema_mismatch", "with a key"],
  ["storage_unavailable", "yes"],
  ["overloaded", "yes"],
];

function shouldRetry(code: RequestErrorCode, mayRepeat: boolean): string | null {
  const { headers } = refused(
    toRefusal(new RequestError(code, "no", { hint: "Try again" }), mayRepeat),
  );
  return headers.get("x-should-retry");
}

for (const [code, repeat] of codes) {
  Deno.test(`${code}: may be repeated: ${repeat}`, () => {
    assert.equal(shouldRetry(code, true), String(repeat !== "no"));
    assert.equal(shouldRetry(code, false), String(repeat === "yes"));
  });
}

Deno.test("no code is missing here", () => {
  assert.deepEqual(codes.map(([code]) => code).sort(), Object.keys(requestErrors).sort());
});

for (const [model, code] of [["unset", "secret_not_set"], ["wrong", "invalid_profile"]] as const) {
  Deno.test(`the SDK sends once what ends in ${code}`, async () => {
    let requests = 0;
    const client = theSdk().clientWith({
      maxRetries: 3,
      fetch: (url, init) => {
        requests++;
        return fetch(url, init);
      },
    });
    const error = await refusalOf(client.responses.create({ model, input: "Hi" }));
    assert.deepEqual([error.status, error.code, requests], [500, code, 1]);
  });
}

Deno.test("a create that may have been accepted is marked for a repeat only with a key", async () => {
  const { stack } = theSdk();
  stack.proxy.intercept = (path) =>
    path.endsWith("/rpc/submit_response_job")
      ? Response.json({ message: "away" }, { status: 503 })
      : undefined;
  try {
    for (const headers of [{}, { "idempotency-key": crypto.randomUUID() }]) {
      const answer = await stack.ask({
        path: "/v1/responses",
        body: { model: "plain", input: "Hi", background: true },
        headers,
      });
      assert.equal(answer.status, 503);
      assert.equal(
        answer.headers.get("x-should-retry"),
        String("idempotency-key" in headers),
      );
    }
  } finally {
    stack.proxy.intercept = undefined;
  }
});
