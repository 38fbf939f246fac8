/** What the client sends to the function, what it retries, and which errors failures become. The test provides `fetch`. */
import assert from "node:assert/strict";
import * as client from "../../packages/client/src/index.ts";
import { clientWith, json, someJob } from "./support/fetching.ts";

const { id } = someJob;
const refusal = (code: string) => ({
  error: { code, message: `Cannot: ${code}`, hint: "Do this" },
});

Deno.test("submit sends the query with a key of its own, and reads the job", async () => {
  const { responses, sent } = clientWith([json(202, someJob)]);
  const job = await responses.submit(
    { query: "Hello", profile: "mail", metadata: { n: 1 } },
    { wait: 5 },
  );
  assert.equal(job.id, id);
  const [request] = sent;
  assert.equal(
    `${request?.method} ${request?.path}`,
    "POST /functions/v1/respond",
  );
  assert.deepEqual(JSON.parse(request?.body ?? ""), {
    query: "Hello",
    profile: "mail",
    metadata: { n: 1 },
    wait: 5,
  });
  assert.match(request?.headers.get("idempotency-key") ?? "", /^[0-9a-f]{32}$/);
  assert.equal(request?.headers.get("authorization"), "Bearer token");
});

Deno.test("delete sends a DELETE once, and says when that was not done", async () => {
  const { responses, sent } = clientWith([
    json(200, { id, deleted: true }),
    json(409, refusal("invalid_state")),
    json(200, { id }),
    new TypeError("connection reset"),
  ]);
  assert.equal(await responses.delete(id), undefined);
  assert.equal(`${sent[0]?.method} ${sent[0]?.path}`, `DELETE /functions/v1/respond/${id}`);
  await assert.rejects(responses.delete(id), { code: "invalid_state" });
  await assert.rejects(responses.delete(id), { code: "invalid_answer" });
  // Nobody knows whether the job was deleted, so the caller must look.
  await assert.rejects(responses.delete(id), { code: "network_error" });
  assert.equal(sent.length, 4);
  await assert.rejects(responses.delete("no id"), client.ArgumentError);
});

Deno.test("submit is tried again with the same key when no answer came or the server was away", async () => {
  const { responses, sent } = clientWith([
    new TypeError("connection reset"),
    json(503, refusal("database_unavailable")),
    json(202, someJob),
  ]);
  await responses.submit({ query: "Hello" });
  const keys = sent.map(({ headers }) => headers.get("idempotency-key"));
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
});

Deno.test("submit is not tried again when it was refused", async () => {
  const { responses, sent } = clientWith([
    json(400, refusal("unknown_profile")),
  ]);
  await assert.rejects(
    responses.submit({ query: "Hello" }),
    client.InvalidRequestError,
  );
  assert.equal(sent.length, 1);
});

Deno.test("a user with too many unfinished jobs is told at once", async () => {
  const { responses, sent } = clientWith([
    json(429, refusal("too_many_jobs"), { "retry-after": "1" }),
  ]);
  await assert.rejects(responses.submit({ query: "hi" }), {
    code: "too_many_jobs",
    status: 429,
  });
  assert.equal(sent.length, 1);
});

Deno.test("Retry-After is waited for; one that is too long is the caller's", async () => {
  const soon = clientWith([
    json(429, refusal("slow_down"), { "retry-after": "1" }),
    json(202, someJob),
  ]);
  const started = performance.now();
  await soon.responses.submit({ query: "Hello" });
  assert.ok(performance.now() - started >= 990);

  const late = clientWith([
    json(429, refusal("slow_down"), { "retry-after": "3600" }),
  ]);
  await assert.rejects(late.responses.submit({ query: "Hello" }), (error) => {
    assert.ok(error instanceof client.RateLimitError);
    assert.equal(error.retryAfterMs, 3_600_000);
    return true;
  });
  assert.equal(late.sent.length, 1);
});

for (
  const [name, call] of [
    ["cancel", (responses: client.DurableResponses) => responses.cancel(id)],
    ["approve", (responses: client.DurableResponses) => responses.approve(id)],
    [
      "resolve",
      (responses: client.DurableResponses) => responses.resolve(id, { outcome: "cancel" }),
    ],
    [
      "tool-output",
      (responses: client.DurableResponses) =>
        responses.toolOutput(id, { callId: "call_1", output: "open" }),
    ],
    ["retry", (responses: client.DurableResponses) => responses.retry(id)],
  ] as const
) {
  Deno.test(`${name} is sent once, whatever happens`, async () => {
    const { responses, sent } = clientWith([new TypeError("connection reset")]);
    await assert.rejects(call(responses), client.ConnectionError);
    assert.deepEqual(sent.map(({ path }) => path), [
      `/functions/v1/respond/${id}/${name}`,
    ]);
  });
}

for (
  const [status, code, kind] of [
    [400, "invalid_request", client.InvalidRequestError],
    [401, "invalid_token", client.AuthenticationError],
    [403, "secret_key_required", client.PermissionError],
    [404, "job_not_found", client.NotFoundError],
    [409, "invalid_state", client.ConflictError],
    [413, "payload_too_large", client.InvalidRequestError],
    [429, "slow_down", client.RateLimitError],
    [500, "not_configured", client.ServerError],
    [503, "database_unavailable", client.ServerError],
  ] as const
) {
  Deno.test(`${status} ${code} becomes ${kind.name}, with everything the server said`, async () => {
    const { responses } = clientWith([
      json(status, refusal(code), {
        "sb-request-id": "req_1",
        "retry-after": "2",
      }),
    ], { maxRetries: 0 });
    await assert.rejects(responses.cancel(id), (error) => {
      assert.ok(error instanceof kind);
      const { message, hint, requestId, retryAfterMs } = error;
      assert.deepEqual([error.status, error.code], [status, code]);
      assert.deepEqual({ message, hint, requestId, retryAfterMs }, {
        message: `Cannot: ${code}`,
        hint: "Do this",
        requestId: "req_1",
        retryAfterMs: 2000,
      });
      return true;
    });
  });
}

Deno.test("an answer of the gateway, and one that is no JSON, keep their status", async () => {
  const gateway = clientWith([json(404, { message: "no Route matched" })]);
  await assert.rejects(gateway.responses.cancel(id), {
    code: "http_404",
    name: "NotFoundError",
  });
  const missing = clientWith([
    json(404, { code: "NOT_FOUND", message: "Requested function was not found" }),
  ]);
  await assert.rejects(missing.responses.cancel(id), {
    code: "NOT_FOUND",
    name: "NotFoundError",
    hint: /^Deploy the function\. If .* as functionName$/,
  });
  const inDev = clientWith([
    json(404, { code: "NOT_FOUND", message: "x", hint: "The functions are 'ask'" }),
  ]);
  await assert.rejects(inDev.responses.cancel(id), {
    hint: /^Deploy the function\. If .* as functionName\. The functions are 'ask'$/,
  });
  const page = clientWith([
    () => new Response("<html>Bad gateway", { status: 502 }),
  ]);
  await assert.rejects(page.responses.cancel(id), {
    code: "http_502",
    message: "<html>Bad gateway",
  });
  const wrong = clientWith([json(200, { hello: "world" })]);
  await assert.rejects(wrong.responses.cancel(id), {
    code: "invalid_answer",
    status: 200,
  });
});

Deno.test("reads are tried again, and give up after maxRetries", async () => {
  const { responses, sent } = clientWith([new TypeError("offline")], {
    maxRetries: 1,
  });
  await assert.rejects(responses.get(id), client.ConnectionError);
  assert.equal(sent.length, 2);
});

Deno.test("an aborted signal ends a call with its reason, also between two tries", async () => {
  const reason = new Error("the user has left");
  const before = clientWith([json(202, someJob)]);
  await assert.rejects(
    before.responses.get(id, { signal: AbortSignal.abort(reason) }),
    (error) => error === reason,
  );
  const controller = new AbortController();
  const between = clientWith([() => {
    queueMicrotask(() => controller.abort(reason));
    return Response.json(refusal("database_unavailable"), { status: 503 });
  }]);
  const { signal } = controller;
  await assert.rejects(
    between.responses.submit({ query: "Hello" }, { signal }),
    (error) => error === reason,
  );
  assert.equal(between.sent.length, 1);
});
