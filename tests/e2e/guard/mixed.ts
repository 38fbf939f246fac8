/** A response asks before calls of both kinds. A person is asked only about theirs. */
import assert from "node:assert/strict";
import { z } from "zod";
import { readJob } from "../../support/jobs.ts";
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
import { begin, works } from "./mail.ts";

const asks = (server: string) => ({
  type: "mcp_approval_request",
  id: `mcpr_${server}`,
  server_label: server,
  name: "gmail_reply_to_email",
  arguments: JSON.stringify({ message_id: "msg-1041", body: `from ${server}` }),
});
const requests = [asks("mailbox"), asks("office")];
const query = "[[plan: text all done]] Reply from both";
const waiting = z.object({
  waiting: z.array(z.object({ server_label: z.string(), request_id: z.string() })),
});

/** A job that waits for a person after such a response. */
const ways: [string, (test: TestStack) => Promise<string>][] = [
  ["in background", async (test) => {
    const { submit, fresh, sql, openai } = test;
    begin(test, [{ kind: "stuck-in-progress", match: createBackground, times: 1 }]);
    const { id } = await submit(fresh("mixed"), query);
    await recorded(sql, id);
    openai.faults.set([raw(retrieve, { body: response("completed", requests) })]);
    return id;
  }],
  ["in a synchronous run", async (test) => {
    const { submit, fresh } = test;
    const events = requests.flatMap((item, place) => streamed(item, place));
    begin(test, [
      { kind: "background-unsupported" },
      raw(createStream, stream(...events, ended("completed", requests)), { times: 1 }),
    ]);
    return (await submit(fresh("mixed"), query)).id;
  }],
];

export function testMixedRequests(theStack: () => TestStack): void {
  for (const [where, begins] of ways) {
    for (const approve of [true, false]) {
      Deno.test(`${where}, a response asks about a call of each kind, and the person says ${approve ? "yes" : "no"}`, async () => {
        const { ask, openai, sql, stack, finished } = theStack();
        const id = await begins(theStack());
        assert.equal((await settledInTime(theStack(), id)).status, "awaiting_approval");
        const { body } = await ask({ path: `/${id}` });
        const asked = waiting.parse(body).waiting;
        assert.deepEqual(asked.map(({ server_label }) => server_label), ["office"]);
        assert.equal(stack.mailbox.sent.length, 0);
        const answers = await sql<{ by: string | null }[]>`
          select answered_by as by from public.response_steps
          where job_id = ${id} and kind = 'mcp_approval_request' order by number`;
        assert.deepEqual(answers.map(({ by }) => by), ["guard", null]);
        openai.faults.set([works]);
        await ask({ path: `/${id}/approve`, body: { approve } });
        assert.equal((await finished(id)).status, "completed");
        assert.deepEqual(
          stack.mailbox.sent.map((email) => email.body).sort(),
          approve ? ["from mailbox", "from office"] : ["from mailbox"],
        );
        assert.equal((await readJob(sql, id)).error_code, null);
        openai.faults.clear();
      });
    }
  }
}
