/** A call to OpenAI: what it sends, and that it fails as the SDK's own client does. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { APIError, APIUserAbortError } from "openai/core/error";
import { retrieve } from "../../../supabase/functions/_durable_responses/openai/background.ts";
import {
  callForJson,
  callOpenAI,
  refusalOf,
} from "../../../supabase/functions/_durable_responses/openai/call.ts";
import { classifyError } from "../../../supabase/functions/_durable_responses/openai/classify.ts";
import { forFile } from "../../support/for-file.ts";

type Answer = (request: Request) => Response | Promise<Response>;

const ok: Answer = () => Response.json({ id: "resp_1" }, { headers: { "x-request-id": "req_1" } });

const theServer = forFile((parts) => {
  const state: { answer: Answer; url: string } = { answer: ok, url: "" };
  // Some answers never end, so the server must not wait for them.
  const stop = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, signal: stop.signal, onListen() {} },
    (request) => state.answer(request),
  );
  parts.defer(() => stop.abort());
  state.url = `http://127.0.0.1:${server.addr.port}/v1`;
  // The environment is read on first use.
  Deno.env.set("SUPABASE_URL", "http://127.0.0.1");
  Deno.env.set("SUPABASE_SERVICE_ROLE_KEY", "service-role-of-the-test");
  Deno.env.set("DURABLE_RESPONSES_WORKER_SECRET", "worker-secret-of-the-test");
  Deno.env.set("OPENAI_API_KEY", "openai-key-of-the-test");
  Deno.env.set("OPENAI_BASE_URL", `${state.url}/`);
  Deno.env.set("OPENAI_ORG_ID", "org-of-the-test");
  Deno.env.set("OPENAI_PROJECT_ID", "proj-of-the-test");
  return Promise.resolve(state);
});

const body = { model: "gpt-6.1-sol", input: "hi" };

async function thrown(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  assert.fail("it did not fail");
}

/** The fields of an error, without those that differ from call to call. */
function facts(error: unknown) {
  assert.ok(error instanceof APIError, `it is ${error}`);
  const { status, code, param, type, requestID, message } = error;
  return { class: error.constructor.name, status, code, param, type, requestID, message };
}

const json = (status: number, value: unknown): Answer => () =>
  Response.json(value, { status, headers: { "x-request-id": "req_1", "retry-after": "7" } });
const said = {
  error: { message: "no", type: "invalid_request_error", code: "c", param: "background" },
};

const refusals: [string, Answer][] = [
  ...[400, 401, 403, 404, 408, 409, 413, 422, 424, 429, 500, 503].map((
    status,
  ): [string, Answer] => [`status ${status}`, json(status, said)]),
  ["an error without a body", () => new Response(null, { status: 502 })],
  ["an error in HTML", () => new Response("<h1>Bad gateway</h1>", { status: 502 })],
  ["an error of another shape", json(500, { detail: "no" })],
];

for (const [name, answer] of refusals) {
  Deno.test(`${name} is the same error as the SDK's client makes of it`, async () => {
    const server = theServer();
    server.answer = answer;
    const client = new OpenAI({ apiKey: "sk-test-0123456789", baseURL: server.url, maxRetries: 0 });
    const ours = await thrown(() => callForJson("POST", "/responses", { body, timeoutMs: 5_000 }));
    const theirs = await thrown(() => client.responses.create(body));
    assert.deepEqual(facts(ours), facts(theirs));
    assert.equal(classifyError(ours).retryAfterMs, classifyError(theirs).retryAfterMs);
  });
}

Deno.test("what is sent: the key, the organization, the project and the body, once", async () => {
  const server = theServer();
  const seen: { method: string; path: string; headers: Headers; body: string }[] = [];
  server.answer = async (request) => {
    const { method, headers } = request;
    seen.push({ method, path: new URL(request.url).pathname, headers, body: await request.text() });
    return await ok(request);
  };
  const { headers, ...answer } = await callForJson("POST", "/responses", {
    body,
    timeoutMs: 5_000,
  });
  assert.deepEqual(answer, { data: { id: "resp_1" }, requestId: "req_1" });
  assert.equal(headers.get("x-request-id"), "req_1");
  assert.equal(seen.length, 1);
  const [sent] = seen;
  assert.deepEqual([sent?.method, sent?.path], ["POST", "/v1/responses"]);
  assert.deepEqual(JSON.parse(sent?.body ?? ""), body);
  assert.deepEqual(
    ["authorization", "openai-organization", "openai-project", "content-type"].map((name) =>
      sent?.headers.get(name)
    ),
    ["Bearer openai-key-of-the-test", "org-of-the-test", "proj-of-the-test", "application/json"],
  );
});

for (const status of [301, 302, 303, 307, 308]) {
  Deno.test(`a ${status} in answer to a POST is followed nowhere: nobody knows what became of it`, async () => {
    const server = theServer();
    let asked = 0;
    server.answer = () => {
      asked++;
      return new Response(null, { status, headers: { location: `${server.url}/responses` } });
    };
    const error = await thrown(() => callForJson("POST", "/responses", { body, timeoutMs: 5_000 }));
    const { code, maybeAccepted } = classifyError(error);
    assert.deepEqual([code, maybeAccepted, asked], ["answer_unreadable", true, 1]);
  });
}

Deno.test("a GET that is redirected is answered from there, and one that goes in circles is no answer", async () => {
  const server = theServer();
  server.answer = (request) =>
    new URL(request.url).pathname.endsWith("/there")
      ? Response.json({ id: "resp_1" })
      : Response.redirect(`${server.url}/there`, 307);
  const { data } = await callForJson("GET", "/responses/resp_1", { timeoutMs: 5_000 });
  assert.deepEqual(data, { id: "resp_1" });
  server.answer = () => Response.redirect(`${server.url}/again`, 302);
  const error = await thrown(() => callForJson("GET", "/responses/resp_1", { timeoutMs: 5_000 }));
  assert.equal(classifyError(error).class, "transient");
});

const gzipped = async (text: string) =>
  new Uint8Array(
    await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")))
      .arrayBuffer(),
  );
const whole = JSON.stringify({ id: "resp_1", status: "queued", output: [] });
const brokenOff: [string, () => Promise<[Uint8Array<ArrayBuffer>, Record<string, string>]>][] = [
  ["gzip that is cut", async () => {
    const bytes = await gzipped(whole);
    return [bytes.slice(0, bytes.length / 2), { "content-encoding": "gzip" }];
  }],
  [
    "what is called gzip and is none",
    () => Promise.resolve([new TextEncoder().encode(whole), { "content-encoding": "gzip" }]),
  ],
];
for (const [name, bytesOf] of brokenOff) {
  Deno.test(`${name} is no answer, and the request may have been taken`, async () => {
    const [bytes, headers] = await bytesOf();
    theServer().answer = () => new Response(bytes, { headers });
    const error = await thrown(() => callForJson("POST", "/responses", { body, timeoutMs: 5_000 }));
    const { code, class: kind, maybeAccepted } = classifyError(error);
    assert.deepEqual([code, kind, maybeAccepted], ["stream_cut", "transient", true]);
  });
}

Deno.test("of the body of a refusal only the beginning is read, and its words are cut", async () => {
  let isCancelled = false;
  const piece = new TextEncoder().encode("download error ".repeat(1_000));
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(piece),
    cancel: () => void (isCancelled = true),
  });
  const before = performance.now();
  const { message } = classifyError(await refusalOf(new Response(body, { status: 400 })));
  assert.ok(performance.now() - before < 2_000);
  assert.ok(message.length < 4_100, `${message.length}`);
  assert.ok(isCancelled);
});

const done = { id: "resp_1", object: "response", status: "completed" };
const answered = { type: "message", content: [{ type: "output_text", text: "Hi" }] };
const lines = (...events: Record<string, unknown>[]) =>
  events.map((event) => `event: ${event["type"]}\ndata: ${JSON.stringify(event)}\n\n`).join("");
const refused = { code: "context_length_exceeded", message: "too long" };
const streams: [string, string, unknown][] = [
  [
    "a whole response",
    lines({ type: "response.completed", response: { ...done, output: [answered] } }),
    { ...done, output: [answered] },
  ],
  [
    "an answer that only its items have",
    lines(
      { type: "response.created", response: { ...done, status: "queued" } },
      { type: "response.output_item.done", output_index: 0, item: answered },
      { type: "response.completed", response: { ...done, output: null } },
    ),
    { ...done, output: [answered] },
  ],
  ["an error", lines({ type: "error", error: refused }), { type: "error", error: refused }],
  [
    "an error without an object of its own",
    lines({ type: "error", ...refused }),
    { error: { type: "error", ...refused } },
  ],
];
for (const [what, text, data] of streams) {
  Deno.test(`${what} that is streamed in answer to a request that asked for no stream is read`, async () => {
    theServer().answer = () => new Response(text);
    const answer = await callForJson("POST", "/responses", { body, timeoutMs: 5_000 });
    assert.deepEqual(answer.data, data);
  });
}

Deno.test("a stream that says nothing is no answer", async () => {
  theServer().answer = () => new Response(": please wait\n\ndata: [DONE]\n\n");
  const error = await thrown(() => callForJson("POST", "/responses", { body, timeoutMs: 5_000 }));
  assert.equal(classifyError(error).code, "answer_unreadable");
});

for (
  const wrap of [
    (it: unknown) => ({ response: it }),
    (it: unknown) => ({ data: it }),
    (it: unknown) => [it],
  ]
) {
  const wrapped = wrap({ id: "resp_1", object: "response", status: "queued" });
  Deno.test(`a response in ${JSON.stringify(wrapped)} is read`, async () => {
    theServer().answer = () => Response.json(wrapped);
    assert.equal((await retrieve("resp_1")).status, "queued");
  });
}

const never: Answer = () => new Promise<Response>(() => {});
/** An answer whose body never ends. */
const endless: Answer = () =>
  new Response(
    new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([123])) }),
    { headers: { "content-type": "application/json" } },
  );

for (const [name, answer] of [["no answer", never], ["a body that stalls", endless]] as const) {
  Deno.test(`${name} in time is openai_timeout, and may have been accepted`, async () => {
    theServer().answer = answer;
    const error = await thrown(() => callForJson("POST", "/responses", { body, timeoutMs: 60 }));
    const { code, maybeAccepted } = classifyError(error);
    assert.deepEqual({ code, maybeAccepted }, { code: "openai_timeout", maybeAccepted: true });
  });
}

Deno.test("a stream may be read for longer than its first byte may take", async () => {
  theServer().answer = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("a"));
          await new Promise((resolve) => setTimeout(resolve, 700));
          controller.enqueue(new TextEncoder().encode("b"));
          controller.close();
        },
      }),
    );
  const answer = await callOpenAI("POST", "/responses", { body, timeoutMs: 500 });
  assert.equal(await answer.text(), "ab");
});

Deno.test("the caller's signal ends the wait for an answer", async () => {
  theServer().answer = never;
  const signal = AbortSignal.timeout(50);
  const call = () => callOpenAI("POST", "/responses", { body, timeoutMs: 5_000, signal });
  assert.ok(await thrown(call) instanceof APIUserAbortError);
});
