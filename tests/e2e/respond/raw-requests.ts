/** A whole Responses request, from a server with a secret key. */
import assert from "node:assert/strict";
import { internalJob } from "../../support/job-state.ts";
import { countJobs } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";

export function testRawRequests(theStack: () => TestStack): void {
  const post = (request: Record<string, unknown>) =>
    theStack().ask({
      token: theStack().stack.secretKey,
      body: { request, profile: "plain", wait: 20 },
    });
  const mailbox = (token: string) => ({
    type: "mcp",
    server_label: "mailbox",
    server_url: theStack().stack.mailbox.url,
    headers: { Authorization: `Bearer ${token}` },
    require_approval: "never",
  });

  Deno.test("a whole request runs as it is, with its references filled in", async () => {
    const { openai, sql, stack } = theStack();
    const sent = stack.mailbox.sent.length;
    const answer = await post({
      model: "o3",
      instructions: "Be brief.",
      input: "Reply to the invoice mail",
      tools: [mailbox("{{MAILBOX_MCP_TOKEN}}")],
      background: false,
    });
    assert.deepEqual([answer.status, answer.body.status], [200, "completed"]);
    assert.equal(stack.mailbox.sent.length, sent + 1);
    const body = JSON.stringify(openai.requests.findLast(({ path }) => path === "/v1/responses"));
    assert.match(body, /"model":"o3"/);
    assert.match(body, /Be brief/);
    const { request } = await internalJob(sql, answer.id);
    assert.match(JSON.stringify(request), /\{\{MAILBOX_MCP_TOKEN\}\}/);
  });

  Deno.test("a credential in it is refused: 400, and no row", async () => {
    const { sql } = theStack();
    const before = await countJobs(sql);
    const answer = await post({ model: "o3", input: "hi", tools: [mailbox("abc-123")] });
    assert.deepEqual([answer.status, answer.code], [400, "invalid_request"]);
    assert.ok(!JSON.stringify(answer.body).includes("abc-123"));
    assert.equal(await countJobs(sql), before);
  });

  Deno.test("a secret of the function itself is refused: 400, and no row", async () => {
    const { sql } = theStack();
    const before = await countJobs(sql);
    const answer = await post({
      model: "o3",
      input: "hi",
      tools: [mailbox("{{SUPABASE_SERVICE_ROLE_KEY}}")],
    });
    assert.deepEqual([answer.status, answer.code], [400, "invalid_request"]);
    assert.equal(await countJobs(sql), before);
  });
}
