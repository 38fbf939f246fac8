/** The body and headers of POST /respond, as a Request. */
import type { Caller } from "../../../supabase/functions/_durable_responses/model/caller.ts";
import assert from "node:assert/strict";
import { RequestError } from "../../../supabase/functions/_durable_responses/platform/errors.ts";
import { readSubmission } from "../../../supabase/functions/_durable_responses/api/http/submission.ts";

const user: Caller = { kind: "user", ownerId: crypto.randomUUID(), isOperator: false, claims: {} };
const server: Caller = { kind: "service" };

function post(body: unknown, headers: Record<string, string> = {}): Request {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return new Request("http://localhost/respond", { method: "POST", body: text, headers });
}

const read = (body: unknown, headers = {}, caller: Caller = user) =>
  readSubmission(post(body, headers), caller);

async function refusal(body: unknown, headers = {}, caller: Caller = user): Promise<string> {
  const error = await read(body, headers, caller).then(
    () => assert.fail("it was accepted"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof RequestError)) throw error;
  return error.code;
}

Deno.test("a query alone asks the default profile and does not wait", async () => {
  assert.deepEqual(await read({ query: "hi" }), {
    background: undefined,
    query: {
      profile: "default",
      input: "hi",
      request: null,
      metadata: {},
      idempotencyKey: null,
      fingerprint: '["default","\\"hi\\"",null,"{}"]',
    },
    waitMs: 0,
  });
});

Deno.test("everything else is taken over", async () => {
  const items = [{ role: "user", content: "hi" }];
  const metadata = { text: "a", number: 1, yes: true, none: null };
  const { query, waitMs } = await read({ input: items, profile: "mail", metadata, wait: 1.5 }, {
    "idempotency-key": "key-1",
  });
  assert.deepEqual(query.input, items);
  assert.deepEqual([query.profile, query.metadata], ["mail", metadata]);
  assert.equal(query.idempotencyKey, "key-1");
  assert.equal(waitMs, 1500);
});

Deno.test("Prefer: wait counts where the body says nothing, beside other preferences", async () => {
  const prefer = { prefer: "respond-async, wait=10" };
  assert.equal((await read({ query: "hi" }, prefer)).waitMs, 10_000);
  assert.equal((await read({ query: "hi", wait: 2 }, prefer)).waitMs, 2000);
  assert.equal((await read({ query: "hi" }, { prefer: "return=minimal" })).waitMs, 0);
});

Deno.test("a whole request is for servers", async () => {
  const request = { model: "o3", input: "hi" };
  assert.deepEqual((await read({ request }, {}, server)).query.request, request);
  assert.equal(await refusal({ request }), "secret_key_required");
});

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const cases: [string, unknown, Record<string, string>, string][] = [
  ["nothing", "", {}, "invalid_json"],
  ["no JSON", "query=hi", {}, "invalid_json"],
  ["null", "null", {}, "invalid_request"],
  ["a list", [], {}, "invalid_request"],
  ["no query", {}, {}, "invalid_request"],
  ["an empty query", { query: "" }, {}, "invalid_request"],
  ["a blank query", { query: " \n\t" }, {}, "invalid_request"],
  ["a query that is no text", { query: 1 }, {}, "invalid_request"],
  ["query and input", { query: "hi", input: "hi" }, {}, "invalid_request"],
  ["an empty list of items", { input: [] }, {}, "invalid_request"],
  ["an item that is no object", { input: ["hi"] }, {}, "invalid_request"],
  ["an unknown field", { query: "hi", model: "gpt-6.1-sol" }, {}, "invalid_request"],
  ["an empty profile", { query: "hi", profile: "" }, {}, "invalid_request"],
  ["metadata that is no object", { query: "hi", metadata: [1] }, {}, "invalid_request"],
  ["nested metadata", { query: "hi", metadata: { a: {} } }, {}, "invalid_request"],
  ["too long metadata", { query: "hi", metadata: { a: "x".repeat(513) } }, {}, "invalid_request"],
  ["a negative wait", { query: "hi", wait: -1 }, {}, "invalid_request"],
  ["a long wait", { query: "hi", wait: 121 }, {}, "invalid_request"],
  ["a wait that is no number", { query: "hi", wait: "10" }, {}, "invalid_request"],
  ["Prefer with a long wait", { query: "hi" }, { prefer: "wait=121" }, "invalid_request"],
  ["Prefer with no number", { query: "hi" }, { prefer: "wait=soon" }, "invalid_request"],
  ["an empty key", { query: "hi" }, { "idempotency-key": "" }, "invalid_request"],
  ["a long key", { query: "hi" }, { "idempotency-key": "k".repeat(256) }, "invalid_request"],
  ["a NUL", { query: "a\0b" }, {}, "invalid_request"],
  ["half a character", '{"query":"a\\ud800"}', {}, "invalid_request"],
  ["a key of half a character", '{"input":[{"\\udc00":1}]}', {}, "invalid_request"],
  ["deep nesting", `{"input":[${nested(150)}]}`, {}, "invalid_request"],
  ["very deep nesting", `{"input":[${nested(100_000)}]}`, {}, "invalid_request"],
  ["too much", { query: "x".repeat(1_000_001) }, {}, "payload_too_large"],
];

for (const [name, body, headers, code] of cases) {
  Deno.test(`a request with ${name} is ${code}`, async () => {
    assert.equal(await refusal(body, headers), code);
  });
}

Deno.test("a body without a length is cut off at the limit, not read to its end", async () => {
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 100_000;
      controller.enqueue(new Uint8Array(100_000).fill(120));
    },
  });
  const request = new Request("http://localhost/respond", { method: "POST", body: endless });
  await assert.rejects(
    readSubmission(request, user),
    (error) => error instanceof RequestError && error.code === "payload_too_large",
  );
  assert.ok(sent < 25_000_000, `${sent} bytes were read`);
});
