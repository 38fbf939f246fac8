/** The only webhook of a response that nobody recorded comes, and the response cannot be read at that moment. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { advance, flagsOf } from "../../support/job-state.ts";
import { readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { functionsAreDone, openaiIsDone } from "../background/at-openai.ts";
import { raw, retrieve } from "../upstream/answers.ts";
import { askedUnheard, continuedInBackground } from "./asked-unheard.ts";
import { ofAttempt, sentInAll, works } from "./mail.ts";

type Answer = Parameters<typeof raw>[1];
const html = { type: "text/html", body: "<html>Bad gateway" };
const unread = {
  "a rate limit": {
    status: 429,
    headers: { "retry-after": "1" },
    body: { error: { code: "rate_limit_exceeded", message: "slow down" } },
  },
  "a gateway's error": { status: 502, ...html },
  "a page of HTML": html,
  "that there is no such response": {
    status: 404,
    body: { error: { code: "not_found", message: "Response not found" } },
  },
  "that the key is wrong": { status: 401, body: { error: { message: "no" } } },
} satisfies Record<string, Answer>;

export function testUnreadWebhook(theStack: () => TestStack): void {
  for (const [what, answer] of Object.entries(unread)) {
    Deno.test(`a retrieve after the only webhook is answered with ${what}: it is asked again, and brings the result`, async () => {
      const { openai, sql, finished } = theStack();
      const { id, hear } = await askedUnheard(theStack());
      openai.faults.set([
        raw(ofAttempt(3), { status: 502, ...html }, { runs: true, times: 1 }),
        raw({ ...retrieve, ...ofAttempt(3) }, answer, { times: 2 }),
        works,
      ]);
      await hear();
      assert.equal((await finished(id)).status, "completed");
      assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
      assert.equal(await sentInAll(theStack()), 1);
    });
  }

  Deno.test("its job was cancelled meanwhile: it is asked again, and what it did is flagged", async () => {
    const { openai, sql, ask } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    openai.webhooks.faults.set([{ kind: "delay", ms: 1_500 }]);
    openai.faults.set([
      raw(ofAttempt(3), { status: 502, ...html }, { runs: true, times: 1 }),
      raw({ ...retrieve, ...ofAttempt(3) }, { status: 502, ...html }, { times: 2 }),
      works,
    ]);
    try {
      await hear();
      await eventually("the next attempt", () => readJob(sql, id), ({ attempt }) => attempt === 3);
      await ask({ method: "POST", path: `/${id}/cancel` });
      await eventually(
        "the flag",
        () => flagsOf(sql, id),
        (flags) => flags.some(({ code }) => code === "late_call"),
      );
    } finally {
      openai.webhooks.faults.clear();
    }
    assert.equal((await readJob(sql, id)).status, "cancelled");
  });

  Deno.test("the database is away when the only webhook comes: it is asked again", async () => {
    const { openai, sql, proxy, finished } = theStack();
    const { id, hear } = await askedUnheard(theStack());
    openai.webhooks.faults.set([{ kind: "delay", ms: 1_500 }]);
    openai.faults.set([
      raw(ofAttempt(3), { status: 502, ...html }, { runs: true, times: 1 }),
      works,
    ]);
    await hear();
    await eventually("the next attempt", () => readJob(sql, id), ({ attempt }) => attempt === 3);
    await functionsAreDone(theStack());
    let refused = 0;
    proxy.intercept = (path) =>
      path.endsWith("/claim_background_job") && refused++ < 2
        ? new Response("", { status: 503 })
        : undefined;
    try {
      await openaiIsDone(theStack());
      assert.equal((await finished(id)).status, "completed");
      assert.equal(refused, 3);
    } finally {
      proxy.intercept = undefined;
      openai.webhooks.faults.clear();
    }
    assert.equal(await sentInAll(theStack()), 1);
  });

  /** Retrieving the response is answered with a wait that is longer than the function lives. */
  const never: Answer = { ...unread["a rate limit"], headers: { "retry-after": "3600" } };

  async function unreadWhileTheFunctionLives() {
    const { openai, sql } = theStack();
    const asked = await askedUnheard(theStack());
    openai.faults.set([
      raw(ofAttempt(3), { status: 502, ...html }, { runs: true, times: 1 }),
      raw({ ...retrieve, ...ofAttempt(3) }, never, { times: 1 }),
      works,
    ]);
    await asked.hear();
    await eventually("the webhook that is kept", async () => {
      return (await sql`select from durable_responses.unread_webhooks`).length === 1;
    });
    await functionsAreDone(theStack());
    return asked.id;
  }

  async function poll(): Promise<void> {
    const { sql, wake } = theStack();
    await sql`update durable_responses.unread_webhooks set due = now()`;
    await wake();
    await functionsAreDone(theStack());
    assert.equal((await sql`select from durable_responses.unread_webhooks`).length, 0);
  }

  Deno.test("it cannot be read as long as the function lives: the poll reads it", async () => {
    const { sql, finished } = theStack();
    const id = await unreadWhileTheFunctionLives();
    assert.equal((await readJob(sql, id)).status, "background");
    await poll();
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), continuedInBackground);
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("it can be read only when the job is held for review: the review ends", async () => {
    const { sql, wake, finished } = theStack();
    const id = await unreadWhileTheFunctionLives();
    await advance(sql, id, 61_000);
    await sql`update durable_responses.unread_webhooks set due = now() + interval '1 hour'`;
    await wake();
    await functionsAreDone(theStack());
    assert.equal((await readJob(sql, id)).status, "needs_review");
    await poll();
    assert.equal((await finished(id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
  });
}
