/** A body as OpenAI streams it: a run with MCP tools, 10 items and 2,000 text deltas. */

export const itemsPerRun = 10;
export const deltasPerRun = 2_000;

/** The whole stream as text. */
export function streamBody(): string {
  const events: string[] = [];
  let sequence = 0;
  const emit = (type: string, data: Record<string, unknown>) =>
    events.push(
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...data })}\n\n`,
    );
  const response = { id: "resp_bench", object: "response", status: "in_progress", output: [] };
  emit("response.created", { response });
  emit("response.in_progress", { response });
  const output: Record<string, unknown>[] = [];
  for (let i = 0; i < itemsPerRun - 1; i++) output.push(emitCall(emit, i));
  output.push(emitMessage(emit, itemsPerRun - 1));
  emit("response.completed", {
    response: {
      ...response,
      status: "completed",
      output,
      usage: { input_tokens: 900, output_tokens: 2100, total_tokens: 3000 },
    },
  });
  return events.join("");
}

type Emit = (type: string, data: Record<string, unknown>) => void;

function emitCall(emit: Emit, output_index: number): Record<string, unknown> {
  const id = `mcp_${output_index}`;
  const args = JSON.stringify({ query: `invoice ${output_index}` });
  const started = {
    id,
    type: "mcp_call",
    server_label: "mailbox",
    name: "gmail_find_email",
    arguments: "",
    status: "in_progress",
  };
  const item = {
    ...started,
    arguments: args,
    status: "completed",
    error: null,
    output: JSON.stringify({ emails: [{ subject: "Invoice", body: "x".repeat(800) }] }),
  };
  emit("response.output_item.added", { output_index, item: started });
  emit("response.mcp_call_arguments.done", { output_index, item_id: id, arguments: args });
  emit("response.mcp_call.completed", { output_index, item_id: id });
  emit("response.output_item.done", { output_index, item });
  return item;
}

function emitMessage(emit: Emit, output_index: number): Record<string, unknown> {
  const item_id = "msg_bench";
  const words = Array.from({ length: deltasPerRun }, (_, i) => `word${i} `);
  emit("response.output_item.added", {
    output_index,
    item: { id: item_id, type: "message", role: "assistant", status: "in_progress", content: [] },
  });
  for (const delta of words) {
    emit("response.output_text.delta", {
      item_id,
      output_index,
      content_index: 0,
      delta,
      logprobs: [],
      obfuscation: "aBcDeFgH",
    });
  }
  const text = words.join("");
  const item = {
    id: item_id,
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text, annotations: [] }],
  };
  emit("response.output_text.done", {
    item_id,
    output_index,
    content_index: 0,
    text,
    logprobs: [],
  });
  emit("response.output_item.done", { output_index, item });
  return item;
}
