import assert from "node:assert/strict";
import {
  CallToolResultSchema,
  Client,
  StreamableHTTPClientTransport,
} from "../../packages/dev/mcp/sdk.ts";
import { z } from "zod";
import { type UnpooledFetch, unpooledFetch } from "../../packages/dev/mcp/unpooled.ts";
import { type Mailbox, startMailbox } from "../../packages/dev/mcp/mailbox.ts";

const mailboxToken = "mailbox-token";

async function withMailbox(run: (mailbox: Mailbox, client: Client) => Promise<void>) {
  const mailbox = await startMailbox({ token: mailboxToken });
  const http = unpooledFetch();
  const client = await connect(mailbox.url, mailboxToken, http);
  try {
    await run(mailbox, client);
  } finally {
    await client.close();
    http.close();
    await mailbox.stop();
  }
}

async function connect(
  url: string,
  token: string,
  { fetch }: Pick<UnpooledFetch, "fetch"> = globalThis,
): Promise<Client> {
  const client = new Client({ name: "test", version: "1.0.0" });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit, fetch }));
  return client;
}

async function call(client: Client, name: string, args: Record<string, unknown>) {
  const result = CallToolResultSchema.parse(await client.callTool({ name, arguments: args }));
  const text = result.content.map((part) => part.type === "text" ? part.text : "").join("");
  return { text, isError: result.isError === true };
}

const FoundSchema = z.object({
  emails: z.array(z.object({ message_id: z.string(), subject: z.string() })),
});

Deno.test("the mailbox lists its two tools with hints about their side effects", async () => {
  await withMailbox(async (_, client) => {
    const { tools } = await client.listTools();
    const hints = tools.map((tool) => [tool.name, tool.annotations?.readOnlyHint]);
    assert.deepEqual(hints, [["gmail_find_email", true], ["gmail_reply_to_email", false]]);
    assert.equal(tools[1]?.annotations?.idempotentHint, false);
  });
});

Deno.test("the mailbox finds the best match first and counts a reply that is sent", async () => {
  await withMailbox(async (mailbox, client) => {
    const found = await call(client, "gmail_find_email", { query: "from:nora overdue invoice" });
    const first = FoundSchema.parse(JSON.parse(found.text)).emails[0];
    assert.match(first?.subject ?? "", /Invoice 2041/);
    await call(client, "gmail_reply_to_email", { message_id: first?.message_id, body: "Paid." });
    assert.equal(mailbox.sent.length, 1);
    assert.equal(mailbox.sent[0]?.to, "nora.lind@halden-print.example");
    assert.deepEqual(mailbox.toolCalls.map((each) => [each.tool, each.outcome]), [
      ["gmail_find_email", "ok"],
      ["gmail_reply_to_email", "ok"],
    ]);
  });
});

Deno.test("the mailbox refuses a wrong bearer", async () => {
  await withMailbox(async (mailbox) => {
    await assert.rejects(connect(mailbox.url, "wrong"), /401|Unauthorized/i);
  });
});

Deno.test("a tool fails before its side effect, after it, and by dying after it", async () => {
  await withMailbox(async (mailbox, client) => {
    const args = { message_id: "msg-1041", body: "Hello" };
    mailbox.fail({ tool: "gmail_reply_to_email", when: "before" });
    assert.equal((await call(client, "gmail_reply_to_email", args)).isError, true);
    assert.equal(mailbox.sent.length, 0);

    mailbox.fail({ tool: "gmail_reply_to_email", when: "after", message: "upstream timeout" });
    assert.deepEqual(await call(client, "gmail_reply_to_email", args), {
      text: "upstream timeout",
      isError: true,
    });
    assert.equal(mailbox.sent.length, 1);

    mailbox.fail({ tool: "gmail_reply_to_email", when: "die" });
    await assert.rejects(call(client, "gmail_reply_to_email", args));
    assert.equal(mailbox.sent.length, 2);
    assert.equal(mailbox.toolCalls.at(-1)?.outcome, "died");

    assert.equal((await call(client, "gmail_reply_to_email", args)).isError, false);
  });
});

Deno.test("a reply to an email that does not exist is a tool error and sends nothing", async () => {
  await withMailbox(async (mailbox, client) => {
    const answer = await call(client, "gmail_reply_to_email", { message_id: "nope", body: "x" });
    assert.equal(answer.isError, true);
    assert.match(answer.text, /nope/);
    assert.equal(mailbox.sent.length, 0);
  });
});

Deno.test("a mailbox says so when its port is taken", async () => {
  await withMailbox(async (mailbox) => {
    const port = Number(new URL(mailbox.url).port);
    await assert.rejects(startMailbox({ token: mailboxToken, port }), /EADDRINUSE/);
  });
});
