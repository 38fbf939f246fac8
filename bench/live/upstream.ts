/**
 * An OpenAI that streams text as requested, in its own process: `first=300 every=20 deltas=50` in the input are ms until the
 * first delta, ms between two, and how many. Each delta says when it was sent, in ms since the epoch. Prints its port.
 */
const encoder = new TextEncoder();

Deno.serve(
  { port: 0, hostname: "127.0.0.1", onListen: ({ port }) => console.log(port) },
  async (request) => {
    const { input } = await request.json();
    const asked = JSON.stringify(input);
    const numberOf = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(asked)?.[1] ?? 0);
    const events = eventsOf(numberOf("first"), numberOf("every"), numberOf("deltas"));
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await events.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream", "x-request-id": "req_bench" },
    });
  },
);

async function* eventsOf(first: number, every: number, deltas: number): AsyncGenerator<string> {
  let sequence_number = 0;
  const frame = (type: string, fields: Record<string, unknown>) =>
    `event: ${type}\ndata: ${
      JSON.stringify({ type, sequence_number: sequence_number++, ...fields })
    }\n\n`;
  const id = crypto.randomUUID().replaceAll("-", "");
  const response = { id: `resp_${id}`, object: "response", status: "in_progress", output: [] };
  yield frame("response.created", { response }) + frame("response.in_progress", { response });
  const item = { id: `msg_${id}`, type: "message", role: "assistant" };
  const at = { item_id: item.id, output_index: 0, content_index: 0 };
  const part = (text: string) => ({ type: "output_text", text, annotations: [] });
  await pause(first);
  yield frame("response.output_item.added", {
    output_index: 0,
    item: { ...item, status: "in_progress", content: [] },
  }) + frame("response.content_part.added", { ...at, part: part("") });
  let text = "";
  for (let sent = 0; sent < deltas; sent++) {
    if (sent > 0) await pause(every);
    const delta = `${Date.now()} `;
    text += delta;
    yield frame("response.output_text.delta", {
      ...at,
      delta,
      logprobs: [],
      obfuscation: "aBcDeFgH",
    });
  }
  const done = { ...item, status: "completed", content: [part(text)] };
  yield frame("response.output_text.done", { ...at, text, logprobs: [] }) +
    frame("response.content_part.done", { ...at, part: part(text) }) +
    frame("response.output_item.done", { output_index: 0, item: done });
  yield frame("response.completed", {
    response: {
      ...response,
      status: "completed",
      output: [done],
      usage: { input_tokens: 9, output_tokens: deltas, total_tokens: deltas + 9 },
    },
  });
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
