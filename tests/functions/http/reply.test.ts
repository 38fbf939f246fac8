/** Every answer has the same shape, and reveals nothing that it should not. */
import assert from "node:assert/strict";
import { requestErrors } from "../../../supabase/functions/_durable_responses/model/refusals.ts";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { requireMethod } from "../../../supabase/functions/_durable_responses/api/http/method.ts";
import {
  answering,
  preflight,
} from "../../../supabase/functions/_durable_responses/api/http/reply.ts";
import { rememberSecret } from "../../../supabase/functions/_durable_responses/platform/redact.ts";

async function answerTo(thrown: unknown): Promise<Response> {
  return await answering(() => Promise.reject(thrown))(new Request("http://localhost/"));
}

Deno.test("an error of ours is its status, code, message and hint, and any site may read it", async () => {
  const error = new RequestError("database_unavailable", "Cannot reach it", {
    hint: "Try again",
    retryAfterS: 5,
  });
  const answer = await answerTo(error);
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get("retry-after"), "5");
  assert.equal(answer.headers.get("access-control-allow-origin"), "*");
  assert.deepEqual(await answer.json(), {
    error: { code: "database_unavailable", message: "Cannot reach it", hint: "Try again" },
  });
});

Deno.test("what nobody foresaw is a 500 without its details", async () => {
  const answer = await answerTo(new Error("column owner_id of relation secret_table"));
  assert.equal(answer.status, 500);
  const text = await answer.text();
  assert.ok(!text.includes("secret_table"), text);
  assert.match(text, /"code":"internal_error"/);
});

Deno.test("a secret in a message is masked", async () => {
  rememberSecret("planted-in-a-message");
  const answer = await answerTo(
    new RequestError("internal_error", "got planted-in-a-message", { hint: "Try again" }),
  );
  assert.ok(!(await answer.text()).includes("planted"));
});

Deno.test("a secret in a hint is masked", async () => {
  rememberSecret("planted-in-a-hint");
  const error = new RequestError("internal_error", "no", { hint: "try planted-in-a-hint" });
  assert.ok(!(await (await answerTo(error)).text()).includes("planted"));
});

Deno.test("a wrong method is told the right one", async () => {
  const wrong = new Request("http://localhost/", { method: "DELETE" });
  const answer = await answering((request) => {
    requireMethod(request, "GET");
    return Promise.reject(new Error("it went on"));
  })(wrong);
  assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "GET"]);
});

Deno.test("every code has a status of its kind", () => {
  for (const [code, status] of Object.entries(requestErrors)) {
    assert.ok(status >= 400 && status < 600, `${code} is ${status}`);
  }
});

Deno.test("a preflight request is told what may be sent", () => {
  const { status, headers } = preflight();
  assert.equal(status, 204);
  assert.equal(headers.get("access-control-allow-origin"), "*");
  for (const name of ["authorization", "apikey", "content-type", "idempotency-key", "prefer"]) {
    assert.match(headers.get("access-control-allow-headers") ?? "", new RegExp(`\\b${name}\\b`));
  }
});
