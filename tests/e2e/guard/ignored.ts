/** Whatever does not heed `require_approval` is noticed, and from then on trusted no more. */
import assert from "node:assert/strict";
import { readJob, summariseAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { eventually } from "../../support/eventually.ts";
import { begin, query, sentInAll, works } from "./mail.ts";

export function testIgnoredApproval(theStack: () => TestStack): void {
  Deno.test("a call made without its yes enters the ledger and marks the route, which is treated carefully from then on", async () => {
    const { submit, fresh, finished, openai, sql } = theStack();
    const profile = fresh("mail");
    begin(theStack(), [{ kind: "ignore-approval" }, works]);
    const { id } = await submit(profile, query);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summariseAttempts(sql, id), ["background completed"]);
    assert.equal(await sentInAll(theStack()), 1);
    assert.equal(await ignores(theStack(), profile), true);
    const calls = await sql`
      select from public.response_steps where job_id = ${id} and tool = 'gmail_reply_to_email' and status = 'finished'`;
    assert.equal(calls.length, 1);
    const [health] = await sql`select routes_ignoring_approval from public.response_health`;
    assert.ok(Number(health?.["routes_ignoring_approval"]) >= 1);

    begin(theStack(), [{ kind: "create-lost", times: 1 }, { kind: "ignore-approval" }, works]);
    openai.webhooks.faults.set([{ kind: "delay", ms: 700, times: 1 }]);
    const lost = await submit(profile, query);
    assert.equal(lost.body.status, "background");
    assert.equal((await readJob(sql, lost.id)).status, "background");
    assert.equal((await finished(lost.id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
  });

  Deno.test("it is noticed in a synchronous run too", async () => {
    const { submit, fresh, finished } = theStack();
    const profile = fresh("mail");
    begin(theStack(), [{ kind: "background-unsupported" }, { kind: "ignore-approval" }]);
    const { id } = await submit(profile, query);
    assert.equal((await finished(id)).status, "completed");
    assert.equal(await sentInAll(theStack()), 1);
    await eventually("the mark", () => ignores(theStack(), profile), (marked) => marked);
  });
}

async function ignores({ sql }: TestStack, profile: string): Promise<boolean> {
  const [route] = await sql`
    select ignores_approval from public.response_routes where profile = ${profile}`;
  return route?.["ignores_approval"] === true;
}
