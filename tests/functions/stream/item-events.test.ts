/** Items as events, read by the SDK's own helper. */
import assert from "node:assert/strict";
import { ResponseStream } from "openai/lib/responses/ResponseStream";
import { itemEvents } from "../../../supabase/functions/_durable_responses/run/stream/item-events.ts";
import type { Item } from "../../../supabase/functions/_durable_responses/model/items.ts";

const items: Record<string, Item> = {
  "a message": {
    type: "message",
    id: "msg_1",
    role: "assistant",
    status: "completed",
    content: [
      { type: "output_text", text: "One.", annotations: [], logprobs: [] },
      { type: "output_text", text: "Two.", annotations: [], logprobs: [] },
    ],
  },
  "a refusal": {
    type: "message",
    id: "msg_1",
    role: "assistant",
    status: "completed",
    content: [{ type: "refusal", refusal: "I cannot help with that." }],
  },
  "reasoning with a summary": {
    type: "reasoning",
    id: "rs_1",
    summary: [{ type: "summary_text", text: "First this" }, { type: "summary_text", text: "then" }],
    encrypted_content: "x",
  },
  "a tool call": {
    type: "mcp_call",
    id: "mcp_1",
    server_label: "mailbox",
    name: "find",
    arguments: '{"a":1}',
    output: "found",
    error: null,
    status: "completed",
  },
  "a tool call that failed": {
    type: "mcp_call",
    id: "mcp_1",
    server_label: "mailbox",
    name: "find",
    arguments: "{}",
    output: null,
    error: { type: "mcp_tool_execution_error", content: [] },
  },
  "a list of tools": { type: "mcp_list_tools", id: "mcpl_1", server_label: "mailbox", tools: [] },
  "a web search": { type: "web_search_call", id: "ws_1", status: "completed", action: {} },
};

for (const [what, item] of Object.entries(items)) {
  Deno.test(`the helper rebuilds ${what} from its events`, async () => {
    const before = { id: "resp_1", object: "response", status: "in_progress", output: [] };
    const events = [
      { type: "response.created", response: before },
      ...itemEvents(item, 0),
    ].map((event, sequence_number) => ({ ...event, sequence_number }));
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join("");
    const stream = ResponseStream.fromReadableStream(new Blob([lines]).stream());
    assert.deepEqual((await stream.finalResponse()).output.map(plain), [item]);
  });
}

/** Without what the helper adds to an item. */
function plain(item: object): unknown {
  return JSON.parse(JSON.stringify(item, (key, value) => key === "parsed" ? undefined : value));
}
