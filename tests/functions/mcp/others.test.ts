/** Servers that are not ours: the protocol as others implement it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startEverything } from "../../../packages/dev/mcp/everything.ts";
import { findDeno, projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { McpSession } from "../../../supabase/functions/_durable_responses/tools/mcp/session.ts";
import { readResult } from "../../../supabase/functions/_durable_responses/tools/mcp/tool-output.ts";
import { startBridge } from "./support/bridge.ts";

const never = new AbortController().signal;

async function withSession(url: string, run: (session: McpSession) => Promise<void>) {
  const server = { label: "other", url, headers: {}, timeoutMs: 10_000 };
  const session = new McpSession(server, new Set(["127.0.0.1"]));
  try {
    await run(session);
  } finally {
    await session.close();
  }
}

Deno.test("server-everything: lists, calls, progress, pictures, structured content, links, errors", async () => {
  const everything = await startEverything();
  try {
    await withSession(everything.url, async (session) => {
      const { tools, warnings } = await session.listTools(never);
      assert.deepEqual(warnings, []);
      const names = tools.map(({ name }) => name);
      assert.ok(names.includes("echo"), names.join(", "));
      const call = async (name: string, args: Record<string, unknown> = {}) =>
        readResult(await session.call(name, args, { signal: never }));

      assert.equal((await call("echo", { message: "hello" })).text, "Echo: hello");
      assert.match((await call("get-sum", { a: 17, b: 25 })).text, /42/);
      const picture = await call("get-tiny-image");
      assert.ok(picture.parts?.some(({ type }) => type === "input_image"));
      const weather = await call("get-structured-content", { location: "New York" });
      assert.equal(weather.text.match(/temperature/g)?.length, 1, weather.text);
      assert.match((await call("get-resource-links", { count: 2 })).text, /"type":"resource_link"/);
      const wrong = await call("echo", {});
      assert.equal(wrong.isError, true);
      let signs = 0;
      await session.call("trigger-long-running-operation", { duration: 1, steps: 4 }, {
        signal: never,
        onProgress: () => signs++,
      });
      assert.ok(signs >= 3, `${signs} signs of life`);
    });
  } finally {
    await everything.stop();
  }
});

Deno.test("server-filesystem behind a bridge: its tools read and write, and their errors are the model's", async () => {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "mcp-files-" }));
  const program = join(
    projectRoot,
    "node_modules/@modelcontextprotocol/server-filesystem/dist/index.js",
  );
  const bridge = await startBridge(findDeno(), [
    "run",
    "--no-prompt",
    "--allow-env",
    "--allow-sys",
    `--allow-read=${join(projectRoot, "node_modules")},${folder}`,
    `--allow-write=${folder}`,
    `--config=${join(projectRoot, "deno.json")}`,
    program,
    folder,
  ]);
  try {
    await withSession(bridge.url, async (session) => {
      const { tools, warnings } = await session.listTools(never);
      assert.deepEqual(warnings, []);
      const readOnly = tools.filter(({ annotations }) => annotations?.["readOnlyHint"] === true);
      assert.ok(readOnly.some(({ name }) => name === "read_text_file"));
      const call = async (name: string, args: Record<string, unknown>) =>
        readResult(await session.call(name, args, { signal: never }));
      const path = join(folder, "note.txt");
      const written = await call("write_file", { path, content: "Paid on Friday" });
      assert.equal(written.isError, false, written.text);
      assert.equal(await Deno.readTextFile(path), "Paid on Friday");
      assert.match((await call("read_text_file", { path })).text, /Paid on Friday/);
      const outside = await call("read_text_file", { path: "/etc/passwd" });
      assert.equal(outside.isError, true);
      assert.match(outside.text, /denied/i);
    });
  } finally {
    await bridge.stop();
    await Deno.remove(folder, { recursive: true });
  }
});
