/** Whatever OpenAI, or a server in its place, streams: it can only end the attempt. */
import { failures } from "../../supabase/functions/_durable_responses/model/failure.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { EffectRules } from "../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import { stepOf } from "../../supabase/functions/_durable_responses/tools/step-of-item.ts";
import { readEvents } from "../../supabase/functions/_durable_responses/openai/events.ts";
import { maxAnswerChars } from "../../supabase/functions/_durable_responses/openai/unreadable.ts";
import { runStreamed } from "../../supabase/functions/_durable_responses/openai/stream-run.ts";
import { forFile } from "../support/for-file.ts";
import { json, nearly, text } from "./support/arbitraries.ts";
import { forAll } from "./support/fuzz.ts";

/** `bytes` cut at the given places. */
function cut(bytes: Uint8Array, places: number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b)];
  return at.map((start, index) => bytes.slice(start, at[index + 1] ?? bytes.length));
}

async function read(chunks: Uint8Array[]): Promise<unknown[] | "SyntaxError"> {
  try {
    return await Array.fromAsync(readEvents(ReadableStream.from(chunks), () => {}));
  } catch (error) {
    if (error instanceof SyntaxError) return "SyntaxError";
    throw error;
  }
}

const places = fc.array(fc.nat(5000), { maxLength: 12 });
const encode = (body: string) => new TextEncoder().encode(body);

Deno.test("fuzz: events come out as they went in, wherever the network cuts them", async () => {
  const block = fc.oneof(
    json.map((value) => {
      // Values that JSON text cannot express (-0, half a surrogate pair) are not the subject here.
      const data = JSON.stringify(value).toWellFormed();
      return { lines: [`event: any`, `data: ${data}`], event: [JSON.parse(data)] };
    }),
    fc.constant({ lines: [": keep-alive"], event: [] }),
    fc.constant({ lines: ["event: a.delta", "data: {not json"], event: [] }),
  );
  const ending = fc.constantFrom("\n", "\r\n");
  await forAll(fc.tuple(fc.array(block), ending, places), 400, async ([blocks, end, places]) => {
    const body = blocks.map(({ lines }) => `${lines.join(end)}${end}${end}`).join("");
    const expected = blocks.flatMap(({ event }) => event);
    assert.deepEqual(await read(cut(encode(body), places)), expected);
  });
});

Deno.test("fuzz: bytes of any kind are events or a SyntaxError, the same however they are cut", async () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.oneof(
      text,
      fc.constantFrom("data: ", "event:", "\n\n", "\r\n\r\n", "\n\r\n", "[DONE]", "{}"),
    )
      .map((given) => encode(given)),
  );
  const bytes = fc.array(piece, { maxLength: 8 }).map((pieces) =>
    new Uint8Array(pieces.flatMap((each) => [...each]))
  );
  await forAll(fc.tuple(bytes, places), 800, async ([bytes, places]) => {
    assert.deepEqual(await read(cut(bytes, places)), await read([bytes]));
  });
});

Deno.test("an event that never ends is given up, before it fills the memory", async () => {
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1_000_000;
      controller.enqueue(new Uint8Array(1_000_000).fill(120));
    },
  });
  await assert.rejects(Array.fromAsync(readEvents(endless, () => {})), SyntaxError);
  assert.ok(sent <= maxAnswerChars + 3_000_000, `${sent} bytes were read`);
});

/** A server that streams what the test sets, in place of OpenAI. */
const theStream = forFile((parts) => {
  const said = { events: "" };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(said.events, { headers: { "content-type": "text/event-stream" } }),
  );
  parts.defer(() => server.shutdown());
  Deno.env.set("SUPABASE_URL", "http://127.0.0.1");
  Deno.env.set("SUPABASE_SERVICE_ROLE_KEY", "not-used-here");
  Deno.env.set("DURABLE_RESPONSES_WORKER_SECRET", "not-used-here-either");
  Deno.env.set("OPENAI_API_KEY", "sk-not-used-here");
  Deno.env.set("OPENAI_BASE_URL", `http://127.0.0.1:${server.addr.port}/v1`);
  return Promise.resolve(said);
});

Deno.test("fuzz: no sequence of events does more than finish or fail the run", async () => {
  const item = fc.oneof(
    fc.record({
      type: nearly(
        fc.constantFrom("mcp_call", "mcp_approval_request", "mcp_list_tools", "message"),
      ),
      id: text,
      name: nearly(text),
      server_label: nearly(text),
      arguments: nearly(fc.oneof(text, fc.json())),
      output: nearly(text),
      error: json,
      status: nearly(text),
      tools: json,
      content: json,
    }, { requiredKeys: [] }),
    json,
  );
  const type = fc.constantFrom(
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.mcp_call_arguments.done",
    "error",
    "response.completed",
    "response.failed",
    "response.incomplete",
    "anything.else",
  );
  const event = fc.oneof(
    fc.record({
      type: nearly(type),
      item,
      item_id: text,
      arguments: text,
      code: nearly(text),
      message: nearly(text),
      response: nearly(fc.record({
        id: text,
        status: nearly(fc.constantFrom("completed", "failed", "incomplete")),
        output: nearly(fc.array(item, { maxLength: 3 })),
        error: json,
        usage: json,
      }, { requiredKeys: [] })),
    }, { requiredKeys: [] }),
    json,
  );
  const rules = new EffectRules({});
  const codes = new Set(Object.keys(failures));
  const budgets = { attemptMs: 20_000, spentMs: 0, deadlineMs: 60_000, stallMs: 10_000 };
  await forAll(fc.array(event, { maxLength: 6 }), 400, async (events) => {
    theStream().events = events.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("");
    const result = await runStreamed({ model: "gpt-6.1-sol", input: "hi" }, budgets, {
      key: { id: crypto.randomUUID(), attempt: 1 },
      signal: new AbortController().signal,
      onItemStarted: (started) => void stepOf(started, rules),
      onArguments: () => {},
      onItem: (finished) => {
        rules.learn(finished);
        stepOf(finished, rules);
      },
    });
    assert.ok(result.kind !== "aborted");
    if (result.kind === "failed") {
      assert.ok(codes.has(result.failure.code));
      assert.notEqual(result.failure.code, "worker_error");
    }
  });
});
