/** The processes of the stack, ours and others': who can reach them, and what they know about whoever started them. */
import assert from "node:assert/strict";
import { z } from "zod";
import { Client, StreamableHTTPClientTransport } from "../../packages/dev/mcp/sdk.ts";
import { startEverything } from "../../packages/dev/mcp/everything.ts";
import { startConsoleFor } from "../../packages/dev/console/for-stack.ts";
import { startTestStack } from "../support/stack.ts";
import { isLoopback, listeningAddresses, ourProcesses } from "./support/proc.ts";
import { statusUnderName } from "./support/under-name.ts";

const canary = "canary-of-the-developer-51d0";
const names = ["OPENAI_ADMIN_KEY", "PGPASSWORD", "SUPABASE_ACCESS_TOKEN", "PGRST_DB_SCHEMAS"];

async function withCanaries(run: () => Promise<void>): Promise<void> {
  for (const name of names) Deno.env.set(name, canary);
  try {
    await run();
  } finally {
    for (const name of names) Deno.env.delete(name);
  }
}

Deno.test("get-env of the everything server shows nothing of ours", async () => {
  await withCanaries(async () => {
    const everything = await startEverything();
    try {
      const client = new Client({ name: "test", version: "1.0.0" });
      await client.connect(new StreamableHTTPClientTransport(new URL(everything.url)));
      const { content } = await client.callTool({ name: "get-env", arguments: {} });
      const [shown] = z.array(z.object({ text: z.string() })).parse(content);
      assert.deepEqual(JSON.parse(shown?.text ?? ""), {});
      await client.close();
    } finally {
      await everything.stop();
    }
  });
});

Deno.test("the everything server answers no page, and no other name of this machine", async () => {
  const everything = await startEverything();
  try {
    const { host, port } = new URL(everything.url);
    for (
      const headers of [
        { origin: "https://attacker.example" },
        { origin: "http://127.0.0.1:5173" },
        { origin: "null" },
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
      ]
    ) {
      const answer = await fetch(everything.url, { method: "OPTIONS", headers });
      await answer.body?.cancel();
      assert.equal(answer.status, 403, JSON.stringify(headers));
      assert.equal(answer.headers.get("access-control-allow-origin"), null);
    }
    assert.equal(await statusUnderName(host, `attacker.example:${port}`, "/mcp"), 403);
    assert.notEqual(await statusUnderName(host, host, "/mcp"), 403);
  } finally {
    await everything.stop();
  }
});

Deno.test({
  name: "a function's worker answers nobody who comes past the gateway",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using parts = new AsyncDisposableStack();
    const { ask, user, stack } = await startTestStack(parts, {});
    assert.equal((await ask({ path: "/v1/models" })).status, 200);
    const workers = (await ourProcesses()).filter(({ command }) =>
      command.includes("respond/index.")
    );
    const addresses = (await Promise.all(workers.map(({ sockets }) => listeningAddresses(sockets))))
      .flat();
    assert.ok(addresses.length > 0);
    for (const address of addresses) {
      const port = parseInt(address.split(":")[1] ?? "", 16);
      for (const headers of [{}, { authorization: `Bearer ${user.token}` }]) {
        const answer = await fetch(`http://127.0.0.1:${port}/respond/v1/models`, { headers });
        await answer.body?.cancel();
        assert.equal(answer.status, 403);
      }
    }
    const answer = await fetch(`${stack.functionsUrl}/respond/v1/models`, {
      headers: { authorization: `Bearer ${user.token}` },
    });
    assert.equal((await answer.json()).object, "list");
  },
});

Deno.test({
  name: "every process of a stack listens on loopback only, and has nothing of our environment",
  // Only Linux has /proc.
  ignore: Deno.build.os !== "linux",
  async fn() {
    await withCanaries(async () => {
      await using parts = new AsyncDisposableStack();
      const { stack, ask, user } = await startTestStack(parts, {});
      const console_ = await startConsoleFor(stack, user);
      parts.defer(() => console_.stop());
      // Starts a function too.
      assert.equal((await ask({ path: "/v1/models" })).status, 200);
      // This one starts with its first request.
      const asked = await fetch(stack.functionEnvironment["EVERYTHING_MCP_URL"] ?? "");
      await asked.body?.cancel();
      const processes = await ourProcesses();
      for (const part of ["postgres", "postgrest", "everything-server", "respond/index."]) {
        assert.ok(processes.some(({ command }) => command.includes(part)), `${part} runs`);
      }
      for (const { pid, command, environment, sockets } of processes) {
        const open = (await listeningAddresses(sockets)).filter((each) => !isLoopback(each));
        assert.deepEqual(open, [], `'${command}' listens beyond this machine`);
        if (pid !== Deno.pid) assert.ok(!environment.includes(canary), `'${command}' was told`);
      }
    });
  },
});
