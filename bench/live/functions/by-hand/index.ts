/** What people write by hand: forward OpenAI's stream, with each event parsed and given new ids. Nothing is stored. */
const openaiUrl = Deno.env.get("OPENAI_BASE_URL") ?? "";
const headers = {
  "content-type": "application/json",
  authorization: `Bearer ${Deno.env.get("OPENAI_API_KEY") ?? ""}`,
};

Deno.serve(async (request) => {
  const { input } = await request.json();
  const id = crypto.randomUUID();
  const answer = await fetch(`${openaiUrl}/responses`, {
    method: "POST",
    headers,
    body: JSON.stringify({ model: "gpt-6.1-terra", input, stream: true, store: false }),
  });
  let buffered = "";
  const rewritten = answer.body?.pipeThrough(new TextDecoderStream()).pipeThrough(
    new TransformStream<string, string>({
      transform(chunk, controller) {
        buffered += chunk;
        const events = buffered.split("\n\n");
        buffered = events.pop() ?? "";
        for (const event of events) controller.enqueue(rewrite(event, id));
      },
    }),
  ).pipeThrough(new TextEncoderStream());
  return new Response(rewritten ?? null, { headers: { "content-type": "text/event-stream" } });
});

function rewrite(block: string, id: string): string {
  const data = block.split("\n").find((line) => line.startsWith("data: "))?.slice(6) ?? "{}";
  const event = JSON.parse(data);
  delete event.obfuscation;
  if (event.response) event.response.id = `resp_${id}`;
  if (event.item) event.item.id = `msg_${id}`;
  if (event.item_id) event.item_id = `msg_${id}`;
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
