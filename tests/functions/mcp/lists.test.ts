/** Lists of a server's tools. */
import assert from "node:assert/strict";
import { CallUnanswered } from "../../../supabase/functions/_durable_responses/tools/mcp/server.ts";
import { withTrouble } from "./support/with-trouble.ts";

Deno.test("all pages of a list have one time together", async () => {
  await withTrouble(
    async ({ trouble, session }) => {
      trouble.pages = [[], [], []];
      let pages = 0;
      trouble.answer = (method) =>
        method === "POST tools/list" && ++pages === 3 ? new Promise<never>(() => {}) : undefined;
      await assert.rejects(
        session.listTools(new AbortController().signal),
        (error: Error) =>
          error instanceof CallUnanswered && /within [0-3][.\d]* s/.test(error.message),
      );
    },
    {},
    { limits: { answerMs: 60_000, listMs: 3_000 } },
  );
});

Deno.test("a list of 200 tools comes in pages, whatever they are called", async () => {
  await withTrouble(async ({ trouble, session }) => {
    const tool = (name: string) => ({ name, inputSchema: { type: "object" } });
    trouble.pages = Array.from(
      { length: 4 },
      (_, page) => Array.from({ length: 50 }, (_, at) => tool(`files.read_${page}_${at} – наïve`)),
    );
    const { tools, warnings } = await session.listTools(new AbortController().signal);
    assert.equal(tools.length, 200);
    assert.equal(tools.at(-1)?.name, "files.read_3_49 – наïve");
    assert.deepEqual(warnings, []);
  });
});

Deno.test("pages that go round in a circle end", async () => {
  await withTrouble(async ({ trouble, session }) => {
    trouble.answer = (method) =>
      method !== "POST tools/list" ? undefined : Response.json({
        jsonrpc: "2.0",
        id: trouble.requests.filter((each) => each.startsWith("POST tools/list")).length + 1,
        result: { tools: [], nextCursor: "again" },
      });
    await assert.rejects(session.listTools(new AbortController().signal), /repeats a page/);
  });
});

Deno.test("one schema that nobody can read does not take the other tools with it", async () => {
  await withTrouble(async ({ trouble, session }) => {
    trouble.pages = [[
      { name: "good", inputSchema: { type: "object", properties: { a: { type: "array" } } } },
      { name: "text", inputSchema: { type: "string" } },
      { name: "none" },
      { name: "pattern", inputSchema: { type: "object", properties: { a: { pattern: "(" } } } },
      { name: "good", inputSchema: { type: "object" } },
      { name: 7, inputSchema: { type: "object" } },
    ]];
    const { tools, warnings } = await session.listTools(new AbortController().signal);
    assert.deepEqual(tools.map(({ name, inputSchema }) => [name, inputSchema]), [
      ["good", { type: "object", properties: { a: { type: "array", items: {} } } }],
    ]);
    assert.deepEqual(warnings, [
      'The tool text of trouble is left out: its inputSchema must be of type object, not "string"',
      "The tool none of trouble is left out: its inputSchema must be an object",
      'The tool pattern of trouble is left out: its inputSchema has an invalid pattern: "("',
      "The tool good of trouble is left out: there are two of that name, and only the first can be called",
      "The tool number 6 of trouble is left out: its name must have 1 to 256 characters",
    ]);
  });
});
