/** What the SDK's helper builds from a stream's events alone is what the final response has. */
import assert from "node:assert/strict";
import type OpenAI from "openai";
import { ResponseStream } from "openai/lib/responses/ResponseStream";
import { sdkForFile } from "./support/sdk.ts";

const theSdk = sdkForFile({
  openaiTimings: { queuedMs: 5, stepMs: 5, deltaMs: 2, argumentsMs: 20 },
});
type Event = OpenAI.Responses.ResponseStreamEvent;

/** Without the output in the last event, because the output must come from the events before. */
function withoutOutput(event: Event): unknown {
  return event.type === "response.completed"
    ? { ...event, response: { ...event.response, output: null } }
    : event;
}

/** Without what the helper adds to an item. */
function plain(items: unknown): unknown {
  return JSON.parse(JSON.stringify(items, (key, value) => key === "parsed" ? undefined : value));
}

for (
  const [what, model, input, kinds] of [
    ["text", "plain", "[[plan: text 40 deltas]] Talk", ["message"]],
    ["a summary of reasoning", "thinks", "[[plan: reason; text 10 deltas]] Think", [
      "reasoning",
      "message",
    ]],
    ["calls of MCP tools, before which the guard was asked", "mail", "Reply to the invoice mail", [
      "mcp_call",
      "message",
    ]],
    ["a function of ours", "notes", "[[plan: call note {}]] Note it", ["mcp_call", "message"]],
  ] as const
) {
  Deno.test(`${what}: the events add up to the output`, async () => {
    const { client } = theSdk();
    const events = await Array.fromAsync(
      await client.responses.create({ model, input, stream: true }),
    );
    const lines = events.map((event) => `${JSON.stringify(withoutOutput(event))}\n`).join("");
    const helped = await ResponseStream.fromReadableStream(new Blob([lines]).stream())
      .finalResponse();
    const { output } = await client.responses.retrieve(helped.id);
    assert.deepEqual(plain(helped.output), output);
    const seen = new Set(output.map(({ type }) => type));
    assert.ok(kinds.every((kind) => seen.has(kind)), [...seen].join());
  });
}
