import assert from "node:assert/strict";
import type OpenAI from "openai";
import { invoiceQuery, kinds, testKey, withStandIn } from "./openai-fixture.ts";
import { eventually } from "../support/eventually.ts";

type Event = OpenAI.Responses.ResponseStreamEvent;

async function collect(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

Deno.test("a streamed run emits every kind of event in order, numbered without gaps", async () => {
  await withStandIn(async ({ client, mcp }) => {
    const events = await collect(
      await client.responses.create({
        model: "gpt-5.6-terra",
        input: invoiceQuery,
        tools: [mcp],
        stream: true,
        reasoning: { summary: "auto" },
      }),
    );
    assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
    const types = events.map((event) => event.type).filter((type, index, all) =>
      type !== all[index - 1]
    );
    const call = [
      "response.output_item.added",
      "response.mcp_call.in_progress",
      "response.mcp_call_arguments.delta",
      "response.mcp_call_arguments.done",
      "response.mcp_call.completed",
      "response.output_item.done",
    ];
    assert.deepEqual(types, [
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.mcp_list_tools.in_progress",
      "response.mcp_list_tools.completed",
      "response.output_item.done",
      "response.output_item.added",
      "response.reasoning_summary_part.added",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.done",
      "response.reasoning_summary_part.done",
      "response.output_item.done",
      ...call,
      ...call,
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    const last = events.at(-1);
    assert.ok(last?.type === "response.completed");
    const text = events.map((event) =>
      event.type === "response.output_text.delta" ? event.delta : ""
    ).join("");
    const message = last.response.output.at(-1);
    assert.ok(message?.type === "message" && message.content[0]?.type === "output_text");
    assert.equal(text, message.content[0].text);
  });
});

Deno.test("the SDK's stream helper gives the final response", async () => {
  await withStandIn(async ({ client, mcp }) => {
    const stream = client.responses.stream({ model: "o3", input: invoiceQuery, tools: [mcp] });
    const response = await stream.finalResponse();
    assert.equal(response.status, "completed");
    assert.match(response.output_text, /Nora Lind/);
  });
});

Deno.test("on the wire each event is an event line and a data line, with no [DONE]", async () => {
  await withStandIn(async ({ openai }) => {
    const response = await fetch(`${openai.url}/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${testKey}` },
      body: JSON.stringify({ model: "o3", input: "hi", stream: true }),
    });
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    assert.match(response.headers.get("x-request-id") ?? "", /^req_/);
    const frames = (await response.text()).trimEnd().split("\n\n");
    for (const frame of frames) {
      assert.match(frame, /^event: (\S+)\ndata: \{"type":"\1","sequence_number":\d+,[^\n]*\}$/);
    }
    assert.ok(frames.some((frame) => frame.includes('"obfuscation":')));
  });
});

Deno.test("a script makes as many text deltas as it says", async () => {
  await withStandIn(async ({ client }) => {
    const input = "[[plan: text 2000 deltas]]";
    const events = await collect(
      await client.responses.create({ model: "o3", input, stream: true }),
    );
    const deltas = events.filter((event) => event.type === "response.output_text.delta");
    assert.equal(deltas.length, 2000);
  });
});

Deno.test("a script runs its steps in order, with repeats and numbered arguments", async () => {
  await withStandIn(async ({ client, mcp, mailbox }) => {
    const response = await client.responses.create({
      model: "o3",
      tools: [mcp],
      input:
        '[[plan: reason hm; call mailbox.gmail_find_email {"query":"invoice; #"} x3; sleep 1ms; text All done]]',
    });
    const find = "mcp_call:gmail_find_email";
    assert.deepEqual(kinds(response.output), [
      "mcp_list_tools",
      "reasoning",
      find,
      find,
      find,
      "message",
    ]);
    assert.equal(response.output_text, "All done");
    assert.deepEqual(mailbox.toolCalls.map((call) => call.arguments), [
      { query: "invoice; 1" },
      { query: "invoice; 2" },
      { query: "invoice; 3" },
    ]);
  });
});

Deno.test("a client that hangs up ends the run, but not the tool call in flight", async () => {
  await withStandIn(async ({ client, mcp, mailbox, openai }) => {
    mailbox.setDelay("gmail_reply_to_email", 800);
    const stream = await client.responses.create({
      model: "o3",
      input: invoiceQuery,
      tools: [mcp],
      stream: true,
    });
    let id = "";
    let calls = 0;
    for await (const event of stream) {
      if (event.type === "response.created") id = event.response.id;
      if (event.type === "response.mcp_call.in_progress") calls += 1;
      if (calls < 2) continue;
      // The reply has been requested when its delay begins.
      await eventually("the reply", () => mailbox.toolCalls.length === 2);
      break;
    }
    await eventually(
      "the run's end",
      () => openai.activeRuns() === 0 && openai.openStreams() === 0,
    );
    assert.equal(mailbox.sent.length, 0);
    await eventually("the email", () => mailbox.sent.length === 1);
    await assert.rejects(client.responses.retrieve(id), /not found/);
    assert.equal(openai.requests[0]?.aborted, true);
  });
});

Deno.test("a background stream goes on without its client and can be picked up again", async () => {
  await withStandIn(async ({ client, openai }) => {
    const stream = await client.responses.create({
      model: "o3",
      input: "[[plan: text 30 deltas]]",
      background: true,
      stream: true,
    });
    let id = "";
    let seen = -1;
    for await (const event of stream) {
      if (event.type === "response.created") id = event.response.id;
      seen = event.sequence_number;
      if (event.type === "response.output_text.delta") break;
    }
    const rest = await collect(
      await client.responses.retrieve(id, { stream: true, starting_after: seen }),
    );
    assert.equal(rest[0]?.sequence_number, seen + 1);
    assert.equal(rest.at(-1)?.type, "response.completed");
    await eventually("the stream's end", () => openai.openStreams() === 0);
  }, { deltaMs: 2 });
});

Deno.test("a tool server that refuses fails a streamed run inside the stream", async () => {
  await withStandIn(async ({ client, mcp }) => {
    const tools = [{ ...mcp, headers: { Authorization: "Bearer wrong" } }];
    const events = await collect(
      await client.responses.create({ model: "o3", input: invoiceQuery, tools, stream: true }),
    );
    assert.ok(events.some((event) => event.type === "response.mcp_list_tools.failed"));
    const last = events.at(-1);
    assert.ok(last?.type === "response.failed");
    assert.match(last.response.error?.message ?? "", /Error retrieving tool list from MCP server/);
  });
});
