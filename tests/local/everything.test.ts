import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "../../local/mcp/sdk.ts";
import { startEverything } from "../../local/mcp/everything.ts";

Deno.test("server-everything runs as its own process, answers, and is gone after stop", async () => {
  const everything = await startEverything();
  try {
    const client = new Client({ name: "test", version: "1.0.0" });
    await client.connect(new StreamableHTTPClientTransport(new URL(everything.url)));
    const { tools } = await client.listTools();
    assert.ok(tools.some((tool) => tool.name === "echo"));
    const answer = await client.callTool({ name: "echo", arguments: { message: "hello" } });
    assert.deepEqual(answer.content, [{ type: "text", text: "Echo: hello" }]);
    await client.close();
  } finally {
    await everything.stop();
  }
  await assert.rejects(fetch(everything.url));
});

Deno.test("server-everything says so when the port asked for is taken", async () => {
  const first = await startEverything();
  try {
    const port = Number(new URL(first.url).port);
    await assert.rejects(startEverything({ port }), Deno.errors.AddrInUse);
  } finally {
    await first.stop();
  }
});
