/** A synchronous run with a server that streams what the test sets. */
import assert from "node:assert/strict";
import { runStreamed } from "../../../supabase/functions/_durable_responses/openai/stream-run.ts";
import { forFile } from "../../support/for-file.ts";

const created =
  'data: {"type":"response.created","response":{"id":"resp_1","status":"in_progress"}}';
const completed =
  'data: {"type":"response.completed","response":{"id":"resp_1","status":"completed"}}';

interface Script {
  events: string[];
  /** The stream does not end after the events. */
  open?: boolean;
  /** The answer to the next request. */
  next?: Script;
}

const theServer = forFile((parts) => {
  const state: { script: Script } = { script: { events: [] } };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    const { events, open, next } = state.script;
    if (next !== undefined) state.script = next;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const event of events) controller.enqueue(new TextEncoder().encode(`${event}\n\n`));
        if (!open) controller.close();
      },
    });
    const headers = { "content-type": "text/event-stream", "x-request-id": "req_1" };
    return new Response(body, { headers });
  });
  parts.defer(() => server.shutdown());
  // The environment is read, and the client made, on first use.
  Deno.env.set("SUPABASE_URL", "http://127.0.0.1");
  Deno.env.set("SUPABASE_SERVICE_ROLE_KEY", "service-role-of-the-test");
  Deno.env.set("DURABLE_RESPONSES_WORKER_SECRET", "worker-secret-of-the-test");
  Deno.env.set("OPENAI_API_KEY", "openai-key-of-the-test");
  Deno.env.set("OPENAI_BASE_URL", `http://127.0.0.1:${server.addr.port}/v1`);
  return Promise.resolve(state);
});

const unlimited = { attemptMs: 10_000, spentMs: 0, deadlineMs: 20_000, stallMs: 5_000 };

async function run(
  script: Script,
  budgets: Partial<typeof unlimited> = {},
  signal?: AbortSignal,
  { model = "gpt-6.1-sol", onUnstreamed = () => {} } = {},
) {
  theServer().script = script;
  return await runStreamed({ model, input: "hi" }, { ...unlimited, ...budgets }, {
    onUnstreamed,
    key: { id: crypto.randomUUID(), attempt: 1 },
    signal: signal ?? new AbortController().signal,
    onItemStarted() {},
    onArguments() {},
    onItem() {},
    onDelta() {},
  });
}

/** The code of a run that must fail. */
async function failureOf(...args: Parameters<typeof run>): Promise<string> {
  const result = await run(...args);
  assert.ok(result.kind === "failed", `it ended as ${result.kind}`);
  assert.equal(result.requestId, "req_1");
  return result.failure.code;
}

for (const body of ['{"data":{"key":"sk-12345678901234"},"ok":true}', "<html>please wait</html>"]) {
  Deno.test(`what is none of a response is shown, masked and cut: ${body}`, async () => {
    const result = await run({ events: [body + "x".repeat(200)] });
    assert.ok(result.kind === "failed");
    assert.ok(result.failure.message.includes(body.slice(0, 10)), result.failure.message);
    assert.doesNotMatch(result.failure.message, /sk-1/);
    assert.ok(result.failure.message.length < 250);
  });
}

Deno.test("a terminal event is the end, whether the stream ends or not", async () => {
  for (const open of [false, true]) {
    const result = await run({ events: [created, completed], open });
    assert.ok(result.kind === "done");
    assert.deepEqual([result.response.status, result.requestId], ["completed", "req_1"]);
  }
});

/** Names that every JavaScript object has, which must not count as entries of our tables. */
const inherited = ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"];

for (const name of inherited) {
  Deno.test(`an event, an item and a code named '${name}' are like any that nobody knows`, async () => {
    const odd = [
      `data: {"type":"${name}"}`,
      `event: ${name}\ndata: {"${name}":{}}`,
      `data: {"type":"response.output_item.done","output_index":0,"item":{"type":"${name}"}}`,
    ];
    const result = await run({ events: [created, ...odd, completed] });
    assert.ok(result.kind === "done");
    assert.deepEqual(result.response.output.map(({ type }) => type), [name]);
    const failed = `data: {"type":"response.failed","response":{"id":"resp_1","status":"failed"}}`;
    assert.equal((await run({ events: [created, failed] })).kind, "done");
    const error = { code: name, type: name, message: "no" };
    assert.equal(
      await failureOf({ events: [created, `data: ${JSON.stringify({ error })}`] }),
      "openai_server_error",
    );
  });
}

for (
  const [name, events, code] of [
    ["ends with nothing", [], "stream_cut"],
    ["ends before its terminal event", [created], "stream_cut"],
    ["holds what is not JSON", [created, "data: <html>"], "stream_invalid"],
    ["holds JSON that is no event", [created, 'data: {"hello":1}'], "stream_cut"],
    ["is a page of HTML", ["<html><body>please wait</body></html>"], "stream_cut"],
    ["says error", ['data: {"type":"error","message":"no"}'], "openai_server_error"],
    [
      "says error in an object",
      ['data: {"type":"error","error":{"code":"invalid_prompt"}}'],
      "openai_policy",
    ],
  ] as const
) {
  Deno.test(`a stream that ${name} is ${code}`, async () => {
    assert.equal(await failureOf({ events: [...events] }), code);
  });
}

for (
  const [budget, code] of [
    ["stallMs", "stream_stalled"],
    ["attemptMs", "attempt_timeout"],
    ["deadlineMs", "deadline_exceeded"],
  ] as const
) {
  Deno.test(`a silent stream is ${code} when ${budget} is used up first`, async () => {
    assert.equal(await failureOf({ events: [created], open: true }, { [budget]: 100 }), code);
  });
}

Deno.test("a run that is ended from outside is aborted, before it begins and while it runs", async () => {
  assert.equal((await run({ events: [] }, {}, AbortSignal.abort())).kind, "aborted");
  const result = await run({ events: [created], open: true }, {}, AbortSignal.timeout(50));
  assert.equal(result.kind, "aborted");
});

const mayNotStream = JSON.stringify({
  error: {
    type: "invalid_request_error",
    code: "unsupported_value",
    param: "stream",
    message: "Your organization must be verified to stream this model",
  },
});
for (
  const [where, first] of [["a 2xx", mayNotStream], [
    "an event",
    `event: error\ndata: ${mayNotStream}`,
  ]] as const
) {
  Deno.test(`an organization that may not stream, told in ${where}: the request is sent without`, async () => {
    let told = 0;
    const whole = { id: "resp_1", object: "response", status: "completed", output: [] };
    const script = { events: [first], next: { events: [JSON.stringify(whole)] } };
    const result = await run(script, {}, undefined, {
      model: `of ${where}`,
      onUnstreamed: () => void told++,
    });
    assert.deepEqual([result.kind, told], ["done", 1]);
  });
}
