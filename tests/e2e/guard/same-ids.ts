/** Two requests for approval of one response have the same id. Each gets its own answer, and nobody's no becomes a yes. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { TestStack } from "../../support/stack.ts";
import { recorded } from "../background/at-openai.ts";
import {
  createBackground,
  createStream,
  ended,
  raw,
  response,
  retrieve,
  stream,
  streamed,
} from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { begin, createsSince, works } from "./mail.ts";

const query = "[[plan: text all done]] Reply from both";
const waiting = z.object({
  waiting: z.array(z.object({ server_label: z.string(), request_id: z.string() })),
});
const requests = (order: string[], id: unknown) =>
  order.map((server, index) => ({
    type: "mcp_approval_request",
    id,
    server_label: server,
    name: "gmail_reply_to_email",
    arguments: JSON.stringify({ message_id: "msg-1041", body: `${index + 1} from ${server}` }),
  }));

type Asks = ReturnType<typeof requests>;
const ways: [
  string,
  (test: TestStack, profile: "mixed" | "mail", asks: Asks) => Promise<string>,
][] = [
  ["in background", async (test, profile, asks) => {
    begin(test, [{ kind: "stuck-in-progress", match: createBackground, times: 1 }]);
    const { id } = await test.submit(test.fresh(profile), query);
    await recorded(test.sql, id);
    test.openai.faults.set([
      raw(retrieve, { body: response("completed", asks) }, { times: 1 }),
      works,
    ]);
    return id;
  }],
  ["in a synchronous run", async (test, profile, asks) => {
    const events = asks.flatMap((item, place) => streamed(item, place));
    begin(test, [
      { kind: "background-unsupported" },
      raw(createStream, stream(...events, ended("completed", asks)), { times: 1 }),
    ]);
    return (await test.submit(test.fresh(profile), query)).id;
  }],
];

export function testSameIds(theStack: () => TestStack): void {
  /** What answered approvals left for OpenAI: each answer, with what it answers. */
  function answersSince(from: number): string[] {
    return createsSince(theStack(), from).flatMap(({ input }) => {
      const items: Record<string, unknown>[] = Array.isArray(input) ? input : [];
      return items.filter(({ type }) => type === "mcp_approval_response").map((answer) => {
        const asked = items.filter(({ id }) => id === answer["approval_request_id"]);
        const bodies = asked.map((request) => JSON.parse(String(request["arguments"])).body);
        return `${answer["approve"]} ${bodies.join(" and ")}`;
      });
    });
  }

  for (const [where, begins] of ways) {
    for (const order of [["office", "mailbox"], ["mailbox", "office"]]) {
      for (const approve of [true, false]) {
        Deno.test(`${where}, ${order.join(" then ")} ask with one id, and the person says ${approve ? "yes" : "no"}`, async () => {
          const { ask, openai, stack, finished } = theStack();
          const id = await begins(theStack(), "mixed", requests(order, "mcpr_1"));
          assert.equal((await settledInTime(theStack(), id)).status, "awaiting_approval");
          const { body } = await ask({ path: `/${id}` });
          const asked = waiting.parse(body).waiting.map(({ server_label }) => server_label);
          assert.deepEqual(asked, ["office"]);
          assert.equal(stack.mailbox.sent.length, 0);
          const from = openai.requests.length;
          openai.faults.set([works]);
          await ask({ path: `/${id}/approve`, body: { approve } });
          assert.equal((await finished(id)).status, "completed");
          const at = (server: string) => `${order.indexOf(server) + 1} from ${server}`;
          assert.deepEqual(
            stack.mailbox.sent.map((email) => email.body).sort(),
            approve ? [at("mailbox"), at("office")].sort() : [at("mailbox")],
          );
          const expected = order.map((server) =>
            `${server === "mailbox" || approve} ${at(server)}`
          );
          assert.deepEqual(answersSince(from).slice(0, 2), expected);
        });
      }
    }

    for (
      const [what, id] of [["with one id", "mcpr_1"], ["without an id", ""], ["with null", null]]
    ) {
      Deno.test(`${where}, two of ours ask ${what}: each is made once`, async () => {
        const { sql, stack, finished } = theStack();
        const job = await begins(theStack(), "mail", requests(["mailbox", "mailbox"], id));
        await settledInTime(theStack(), job);
        assert.equal((await finished(job)).status, "completed");
        const emails = ["1 from mailbox", "2 from mailbox"];
        assert.deepEqual(stack.mailbox.sent.map(({ body }) => body).sort(), emails);
        const rows = await sql`
          select status, arguments::jsonb ->> 'body' as body from public.response_steps
          where job_id = ${job} and kind = 'mcp_call' and effect = 'once' order by body`;
        assert.deepEqual(
          rows.map(({ status, body }) => `${status} ${body}`),
          emails.map((email) => `finished ${email}`),
        );
      });
    }
  }
}
