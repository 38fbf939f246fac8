/** A server of tools that means harm: it knows the token that it was sent, names its tools as it likes, and answers what it likes. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { forFile } from "../support/for-file.ts";
import { startTestStack } from "../support/stack.ts";
import { findInDatabase } from "./support/database-search.ts";

const token = "planted-token-of-the-server";
const requestSchema = z.looseObject({ id: z.unknown().optional(), method: z.string() });

const send = {
  name: "gmail_reply_to_email",
  description: `Says: ${token}`,
  inputSchema: { type: "object", properties: { body: { type: "string" } } },
};
/** Left out, each with a reason that names it. */
const unfit = [
  { ...send, name: `twice ${token}` },
  { ...send, name: `twice ${token}` },
  { ...send, name: `schema ${token}`, inputSchema: { type: token } },
];

/** What it answers to a request. */
function resultOf(method: string): unknown {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: "2025-06-18",
        capabilities: { tools: {} },
        serverInfo: { name: token, version: "1" },
      };
    case "tools/list":
      return { tools: [send, ...unfit] };
    default:
      return {
        content: [{ type: "text", text: `Sent with ${token}` }],
        structuredContent: { [token]: token },
      };
  }
}

const theStack = forFile(async (parts) => {
  const calls: unknown[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      if (request.method !== "POST") return new Response(null, { status: 405 });
      const { id, method, params } = requestSchema.parse(await request.json());
      if (id === undefined) return new Response(null, { status: 202 });
      if (method === "tools/call") calls.push(params);
      return Response.json({ jsonrpc: "2.0", id, result: resultOf(method) });
    },
  );
  parts.defer(() => server.shutdown());
  const logs: string[] = [];
  const test = await startTestStack(parts, {
    profiles: fileURLToPath(new URL("../tools/support/mcp-profiles.ts", import.meta.url)),
    onLog: ({ line }) => logs.push(line),
    env: {
      GONE_MCP_URL: `http://127.0.0.1:${server.addr.port}/mcp`,
      GONE_MCP_TOKEN: token,
      DURABLE_RESPONSES_MCP_HOSTS: "127.0.0.1",
    },
  });
  return Object.assign(test, { calls, logs });
});

Deno.test("its token stands nowhere, however the server repeats it", async () => {
  const { submit, finished, ask, sql, calls, logs } = theStack();
  const { id } = await submit(
    "gone",
    '[[plan: call mailbox__gmail_reply_to_email {"body":"hi"}; text done]]',
  );
  const job = await finished(id);
  assert.equal(job.status, "completed", job.error_message ?? "");
  assert.equal(calls.length, 1);
  // What stood around it did come through, to operators: the job's owner learns how many are left out, not which.
  assert.ok(logs.some((line) => /The tool twice \*\*\* of \w+ is left out/.test(line)));
  const attempts = await sql`select warnings from public.response_attempts where job_id = ${id}`;
  assert.match(JSON.stringify(attempts), /MCP tools that cannot be offered: 2/);
  assert.ok(!/twice|schema/.test(JSON.stringify(attempts)));
  assert.deepEqual(await findInDatabase(sql, token), []);
  const answers = [await ask({ path: `/${id}` }), await ask({ path: `/v1/responses/${id}` })];
  const seen = [JSON.stringify(answers), ...logs];
  assert.deepEqual(seen.filter((text) => text.includes(token)), []);
});
