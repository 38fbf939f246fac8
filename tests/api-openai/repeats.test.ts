/** What a library is told to send again: what a repeat may help, and nothing that could be done twice. */
import assert from "node:assert/strict";
import {
  type RequestErrorCode,
  requestErrors,
} from "../../supabase/functions/_durable_responses/model/refusals.ts";
import { RequestError } from "../../supabase/functions/_durable_responses/platform/errors.ts";
import { toRefusal } from "../../supabase/functions/_durable_responses/api/openai/refusal.ts";
import { refused } from "../../supabase/functions/_durable_responses/api/openai/send-response.ts";
import { refusalOf } from "./support/refusal.ts";
import { sdkForFile } from "./support/sdk.ts";

const theSdk = sdkForFile();

/** Every code there is, and whether the same request may be answered when it is sent again. */
const codes: [code: RequestErrorCode, helps: boolean][] = [
  ["invalid_request", false],
  ["invalid_json", false],
  ["unknown_profile", false],
  ["stored_prompt", false],
  ["missing_token", false],
  ["invalid_token", false],
  ["invalid_signature", false],
  ["invalid_worker_secret", false],
  ["secret_key_required", false],
  ["job_not_found", false],
  ["not_found", false],
  ["method_not_allowed", false],
  ["body_timeout", true],
  ["invalid_state", false],
  ["stale_attempt", false],
  ["decision_mismatch", false],
  ["idempotency_key_reused", false],
  ["owner_deleted", false],
  ["payload_too_large", false],
  ["too_many_jobs", true],
  ["internal_error", true],
  ["acceptance_unknown", true],
  ["not_configured", false],
  ["invalid_profile", false],
  ["secret_not_set", false],
  ["database_unavailable", true],
  ["schema_mismatch", true],
];

function shouldRetry(code: RequestErrorCode, mayRepeat: boolean): string | null {
  const { headers } = refused(toRefusal(new RequestError(code, "no"), mayRepeat));
  return headers.get("x-should-retry");
}

for (const [code, helps] of codes) {
  Deno.test(`${code}: a repeat ${helps ? "may help" : "cannot help"}`, () => {
    assert.equal(shouldRetry(code, true), String(helps));
    // What may have been accepted is not sent again; below 500 nothing was.
    assert.equal(shouldRetry(code, false), String(helps && requestErrors[code] < 500));
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
