/** A stream in answer to a request that asked for none, as the body that it stands for. */
import assert from "node:assert/strict";
import { bodyOfStream } from "../../../supabase/functions/_durable_responses/openai/streamed-answer.ts";

const call = {
  type: "mcp_call",
  id: "mcp_1",
  server_label: "mailbox",
  name: "send",
  arguments: "{}",
};
const made = { ...call, output: "sent", status: "completed" };
const thought = { type: "reasoning", id: "rs_1", summary: [] };
const words = { type: "message", id: "msg_1", role: "assistant", content: [] };
const begun = {
  type: "response.created",
  response: { id: "resp_1", object: "response", status: "in_progress", output: [] },
};
const shown = (item: unknown, output_index = 0) => ({
  type: "response.output_item.done",
  output_index,
  item,
});
const ended = (output: unknown[]) => ({
  type: "response.completed",
  response: { ...begun.response, status: "completed", output },
});
const error = { type: "error", error: { code: "context_length_exceeded", message: "Too long" } };

/** Stands for what such a stream may not have shown. */
const hidden = { type: "unknown" };

/** Without what the test does not look at. */
async function read(...events: unknown[]) {
  const body = Object(
    await bodyOfStream(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("")),
  );
  return { status: body.status, output: body.output, code: body.error?.code };
}

Deno.test("an error after a call is the response's, and the call is in the output", async () => {
  assert.deepEqual(await read(begun, shown(made), error), {
    status: "failed",
    output: [made, hidden],
    code: "context_length_exceeded",
  });
});

Deno.test("an error after the start of a call, or after a snapshot with one, is the response's", async () => {
  const added = { type: "response.output_item.added", output_index: 0, item: call };
  const snapshot = {
    type: "response.in_progress",
    response: { ...begun.response, output: [made] },
  };
  for (const event of [added, snapshot]) {
    assert.equal((await read(begun, event, error)).status, "failed");
  }
});

Deno.test("an error before any call is a refusal", async () => {
  const refused = { status: undefined, output: undefined, code: "context_length_exceeded" };
  assert.deepEqual(await read(begun, error), refused);
  assert.deepEqual(await read(begun, shown(thought), error), refused);
});

Deno.test("items that only the stream has are in the output, whatever else is there", async () => {
  assert.deepEqual((await read(begun, shown(made), ended([]))).output, [made]);
  assert.deepEqual((await read(begun, shown(made), shown(words, 1), ended([words]))).output, [
    made,
    words,
  ]);
});

Deno.test("a stream that fails after anything that may be a call has something hidden in its output", async () => {
  const failed = {
    type: "response.failed",
    response: {
      ...begun.response,
      status: "failed",
      error: { code: "invalid_request_error", message: "no" },
    },
  };
  const signs = [
    { type: "response.mcp_call_arguments.delta", item_id: "x", delta: "{" },
    { type: "response.mcp_tool_use.in_progress", item_id: "x" },
    { type: "response.output_item.added", output_index: 0, item: null },
  ];
  for (const sign of signs) {
    assert.deepEqual((await read(begun, sign, failed)).output, [hidden]);
    assert.equal((await read(begun, sign, error)).status, "failed");
  }
  assert.deepEqual((await read(begun, shown(thought), failed)).output, [thought]);
});
