/** Reading a server-sent event stream, however the network cuts it. */
import assert from "node:assert/strict";
import { readEvents } from "../../../supabase/functions/_durable_responses/openai/events.ts";
import {
  AnswerTooLarge,
  maxAnswerChars,
} from "../../../supabase/functions/_durable_responses/openai/unreadable.ts";

function bodyOf(chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function read(...chunks: Uint8Array[]): Promise<unknown[]> {
  return await Array.fromAsync(readEvents(bodyOf(chunks), () => {}));
}

const stream = [
  'event: response.created\ndata: {"type":"response.created","text":"Grüße 你好 👋"}',
  'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"é"}',
  ": a comment, to keep the connection",
  'event: response.completed\ndata: {"type":"response.completed","n":2}',
  "",
].join("\n\n");
const events = [
  { type: "response.created", text: "Grüße 你好 👋" },
  { type: "response.completed", n: 2 },
];

Deno.test("events come without deltas and comments", async () => {
  assert.deepEqual(await read(bytes(stream)), events);
});

for (
  const [name, text] of [
    ["LF", stream],
    ["CR", stream.replaceAll("\n", "\r")],
    ["CRLF", stream.replaceAll("\n", "\r\n")],
  ] as const
) {
  Deno.test(`a stream with ${name} gives the same events wherever it is cut`, async () => {
    const all = bytes(text);
    for (let at = 0; at <= all.length; at++) {
      assert.deepEqual(await read(all.slice(0, at), all.slice(at)), events, `cut at byte ${at}`);
    }
  });

  Deno.test(`a stream with ${name} that comes byte by byte gives the same events`, async () => {
    assert.deepEqual(await read(...[...bytes(text)].map((byte) => Uint8Array.of(byte))), events);
  });
}

Deno.test("a blank line of another kind than its event's lines ends the event too", async () => {
  assert.deepEqual(await read(bytes('data: {"a":1}\n\r\ndata: {"b":2}\r\n\n')), [
    { a: 1 },
    { b: 2 },
  ]);
});

Deno.test("a delta's data is never parsed", async () => {
  const text = "event: response.mcp_call_arguments.delta\ndata: {not json\n\n";
  assert.deepEqual(await read(bytes(text)), []);
});

Deno.test("another event under a delta's name is that event", async () => {
  const data = { type: "response.completed", response: { status: "completed" } };
  const text = `event: response.output_text.delta\ndata: ${JSON.stringify(data)}\n\n`;
  assert.deepEqual(await read(bytes(text)), [data]);
});

for (
  const [what, text] of [
    ["in lines", '{"type":"a"}\n{"type":"b"}\n'],
    ["in lines with blank ones between", '{"type":"a"}\n\n{"type":"b"}'],
    ["in lines of which the last is cut off", '{"type":"a"}\n{"type":"b"}\n{"type":'],
    ["in a list", '[{"type":"a"},{"type":"b"}]'],
  ] as const
) {
  Deno.test(`events as JSON ${what} are these events`, async () => {
    const all = bytes(text);
    for (let at = 0; at <= all.length; at++) {
      const seen = await read(all.slice(0, at), all.slice(at));
      assert.deepEqual(seen, [{ type: "a" }, { type: "b" }], `cut at byte ${at}`);
    }
  });
}

Deno.test("one JSON value that is cut off is no event, whatever its lines are", async () => {
  const text = JSON.stringify({ output: [{ type: "error" }] }, null, 1).slice(0, -3);
  assert.deepEqual(await read(bytes(text)), []);
});

Deno.test("an event whose data only speaks of a delta is no delta", async () => {
  const text = 'event: response.created\ndata: {"text":"event: a.delta"}\n\n';
  assert.deepEqual(await read(bytes(text)), [{
    type: "response.created",
    text: "event: a.delta",
  }]);
});

Deno.test("data in several lines is one value; data needs no space", async () => {
  assert.deepEqual(await read(bytes('data:{"a":\ndata: 1}\n\n')), [{ a: 1 }]);
});

Deno.test("[DONE] and events without data are nothing", async () => {
  assert.deepEqual(await read(bytes("event: ping\n\ndata: [DONE]\n\n")), []);
});

Deno.test("the last event needs no blank line", async () => {
  for (const end of ["", "\n", "\r", "\r\n"]) {
    assert.deepEqual(await read(bytes(`data: {"a":1}\n\ndata: {"b":2}${end}`)), [{ a: 1 }, {
      b: 2,
    }]);
  }
});

Deno.test("an event that the end cuts off is dropped", async () => {
  assert.deepEqual(await read(bytes('data: {"a":1}\n\ndata: {"b":2')), [{ a: 1 }]);
});

Deno.test("data that is not JSON is a SyntaxError", async () => {
  await assert.rejects(read(bytes("data: <html>\n\n")), SyntaxError);
});

Deno.test("every piece of the body is heard, also one with nothing in it to report", async () => {
  let heard = 0;
  const chunks = [bytes(": one\n\n"), bytes(": two"), bytes("\n\n")];
  await Array.fromAsync(readEvents(bodyOf(chunks), () => heard++));
  assert.equal(heard, 3);
});

Deno.test("who stops reading cancels the body", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytes('data: {"a":1}\n\n')),
    cancel: () => void (cancelled = true),
  });
  for await (const event of readEvents(body, () => {})) {
    assert.deepEqual(event, { a: 1 });
    break;
  }
  assert.ok(cancelled);
});

Deno.test("an error goes by any name", async () => {
  const error = { message: "no", code: 429 };
  for (const name of ["error", "message", "response.output_text.delta", "response.created"]) {
    const [event] = await read(bytes(`event: ${name}\ndata: ${JSON.stringify({ error })}\n\n`));
    assert.deepEqual(Object(event)["error"], error, name);
  }
  assert.deepEqual(await read(bytes('event: error\ndata: {"message":"no"}\n\n')), [
    { type: "error", error: { message: "no" } },
  ]);
});

Deno.test("an event's own type counts under the name of an error", async () => {
  const event = { type: "response.mcp_call.in_progress", item_id: "mcp_1" };
  const delta = { type: "response.output_text.delta", delta: "Hi" };
  const named = (data: unknown) => `event: error\ndata: ${JSON.stringify(data)}\n\n`;
  assert.deepEqual(await read(bytes(named(event) + named(delta))), [event]);
  assert.deepEqual(await read(bytes(named({ ...delta, error: "no" }))), [
    { type: "error", error: "no" },
  ]);
});

Deno.test("what has a response or an item is about that, whatever its name says", async () => {
  const events = [
    { type: "response.completed", response: { id: "resp_1", status: "completed", output: [] } },
    { type: "response.output_item.done", item: { type: "message" }, output_index: 0 },
  ];
  for (const event of events) {
    const text = `event: error\ndata: ${JSON.stringify(event)}\n\n`;
    assert.deepEqual(await read(bytes(text)), [event]);
  }
});

Deno.test("comments, a byte order mark and fields that nobody knows change nothing", async () => {
  const text = '\ufeff: hello\nevent: response.created\nid: 7\nretry: 1\n: so\ndata: {"a":1}\n\n';
  for (const end of ["\n", "\r", "\r\n"]) {
    const read1 = await read(bytes(text.replaceAll("\n", end)));
    assert.deepEqual(read1, [{ type: "response.created", a: 1 }]);
  }
});

Deno.test("a body that is one JSON value is that value, also with blank lines in it", async () => {
  assert.deepEqual(await read(bytes('\n{"a":\n\n1}')), [{ a: 1 }]);
});

Deno.test("an event that is too long is told with its length", async () => {
  const long = `data: "${"a".repeat(maxAnswerChars)}"`;
  await assert.rejects(
    read(bytes(long.slice(0, 9_000_000)), bytes(long.slice(9_000_000)), bytes("\n\n")),
    (error) => error instanceof AnswerTooLarge && error.size === long.length,
  );
});
