/** The loop that everybody writes: ask, call, ask again. It stores nothing. */
import OpenAI from "openai";

const toolMs = 20;
const openai = new OpenAI({ maxRetries: 0 });
const tools: OpenAI.Responses.Tool[] = [{
  type: "function",
  name: "wait",
  description: "Waits.",
  parameters: {
    type: "object",
    properties: { round: { type: "number" } },
    required: ["round"],
    additionalProperties: false,
  },
  strict: true,
}];

Deno.serve(async () => {
  const input: OpenAI.Responses.ResponseInputItem[] = [{ role: "user", content: "Wait for it" }];
  for (;;) {
    const stream = await openai.responses.create({
      model: "gpt-6.1-terra",
      input,
      tools,
      store: false,
      stream: true,
    });
    let output: OpenAI.Responses.ResponseOutputItem[] = [];
    for await (const event of stream) {
      if (event.type === "response.completed") output = event.response.output;
    }
    const calls = output.filter((item) => item.type === "function_call");
    if (calls.length === 0) return Response.json(output);
    for (const call of calls) {
      await new Promise((resolve) => setTimeout(resolve, toolMs));
      input.push(call, {
        type: "function_call_output",
        call_id: call.call_id,
        output: `waited in round ${JSON.parse(call.arguments).round}`,
      });
    }
  }
});
