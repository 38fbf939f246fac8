import assert from "node:assert/strict";
import { Client, StreamableHTTPClientTransport } from "../../packages/dev/mcp/sdk.ts";
import { kinds, withStandIn } from "./openai-fixture.ts";
import { startEverything, startEverythingOnDemand } from "../../packages/dev/mcp/everything.ts";
import { descendantsOf } from "../support/processes.ts";

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

Deno.test("on demand, the first request starts it, one process for all, and stop ends it", async () => {
  const everything = startEverythingOnDemand();
  const running = async () =>
    (await descendantsOf(Deno.pid)).filter(({ command }) => command.includes("everything-server"));
  try {
    assert.deepEqual(await running(), []);
    await Promise.all([1, 2].map(async (number) => {
      const client = new Client({ name: `test ${number}`, version: "1.0.0" });
      await client.connect(new StreamableHTTPClientTransport(new URL(everything.url)));
      const answer = await client.callTool({ name: "echo", arguments: { message: "hello" } });
      assert.deepEqual(answer.content, [{ type: "text", text: "Echo: hello" }]);
      await client.close();
    }));
    assert.equal((await running()).length, 1);
  } finally {
    await everything.stop();
  }
  assert.deepEqual(await running(), []);
  await assert.rejects(fetch(everything.url));
});

Deno.test("the stand-in's model calls the tools of server-everything as planned", async () => {
  const everything = await startEverything();
  try {
    await withStandIn(async ({ client }) => {
      const tool = {
        type: "mcp" as const,
        server_label: "everything",
        server_url: everything.url,
        require_approval: "never" as const,
      };
      const response = await client.responses.create({
        model: "o3",
        input: '[[plan: call get-sum {"a":17,"b":25}; call echo]]',
        tools: [tool],
      });
      assert.deepEqual(kinds(response.output), [
        "mcp_list_tools",
        "mcp_call:get-sum",
        "mcp_call:echo",
        "message",
      ]);
      assert.match(response.output_text, /42.*Echo: /s);
    });
  } finally {
    await everything.stop();
  }
});

Deno.test("server-everything says so when the port asked for is taken", async () => {
  const first = await startEverything();
  try {
    const port = Number(new URL(first.url).port);
    await assert.rejects(startEverything({ port }), /already in use/);
  } finally {
    await first.stop();
  }
});
