/** An API that ignores `require_approval` is noticed, and from then on not trusted. */
import assert from "node:assert/strict";
import { flagsOf } from "../../support/job-state.ts";
import { readAttempts, readJob, summarizeAttempts } from "../../support/jobs.ts";
import type { TestStack } from "../../support/stack.ts";
import { eventually } from "../../support/eventually.ts";
import { functionsAreDone, recorded } from "../background/at-openai.ts";
import {
  createBackground,
  createStream,
  ended,
  message,
  raw,
  response,
  retrieve,
  sent,
  stream,
} from "../upstream/answers.ts";
import { settledInTime } from "../upstream/ask.ts";
import { begin, ofAttempt, query, sentInAll, works } from "./mail.ts";

const serverError = { error: { code: "server_error", message: "Cannot" } };

export function testIgnoredApproval(theStack: () => TestStack): void {
  Deno.test("a call made without its yes enters the ledger and marks the route, which is treated carefully from then on", async () => {
    const { submit, fresh, finished, openai, sql } = theStack();
    const profile = fresh("mail");
    begin(theStack(), [{ kind: "ignore-approval" }, works]);
    const { id } = await submit(profile, query);
    assert.equal((await finished(id)).status, "completed");
    assert.deepEqual(await summarizeAttempts(sql, id), ["background completed"]);
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

  const made = { ...sent("a@example.com"), arguments: '{"message_id":"msg-1041"}' };
  const shown: Record<string, Record<string, unknown>[]> = {
    "only as finished": [{ type: "response.output_item.done", output_index: 0, item: made }],
    "only in the final response": [],
  };
  for (const [how, events] of Object.entries(shown)) {
    Deno.test(`it is noticed in a synchronous run that shows the call ${how}; a second one is noticed as repeated`, async () => {
      const { submit, fresh, sql } = theStack();
      const profile = fresh("mail");
      const again = { ...made, id: "mcp_again" };
      begin(theStack(), [
        { kind: "background-unsupported", match: { background: true } },
        raw(createStream, stream(...events, ended("failed", [made], serverError)), { times: 1 }),
        raw(createStream, stream(ended("completed", [again, message("Sent.")])), { times: 1 }),
      ]);
      const { id } = await submit(profile, query);
      assert.equal((await settledInTime(theStack(), id)).status, "needs_review");
      assert.equal(await ignores(theStack(), profile), true);
      assert.match((await readAttempts(sql, id)).at(-1)?.error_code ?? "", /repeated_call/);
    });
  }

  Deno.test("it is noticed where the response was given up, by its late webhook", async () => {
    const { submit, ask, fresh, openai, sql } = theStack();
    const profile = fresh("mail");
    begin(theStack(), [{ kind: "stuck-in-progress", match: createBackground, times: 1 }]);
    const { id } = await submit(profile, query);
    const responseId = await recorded(sql, id);
    await ask({ method: "POST", path: `/${id}/cancel` });
    await eventually(
      "the cancel",
      async () => (await readAttempts(sql, id))[0]?.cancel_pending === false,
    );
    assert.equal(await ignores(theStack(), profile), false);
    const call = sent("a@example.com");
    openai.faults.set([
      // A call that claims a yes that nobody gave.
      raw(retrieve, {
        body: response("completed", [{ ...call, approval_request_id: "mcpr_nobodys" }]),
      }),
    ]);
    await openai.webhooks.send({ type: "response.completed", responseId });
    await eventually("the mark", () => ignores(theStack(), profile), (marked) => marked);
    const flags = await eventually("a flag", () => flagsOf(sql, id), ({ length }) => length > 0);
    assert.deepEqual(flags.map(({ code }) => code), ["late_call"]);
    openai.faults.clear();
  });

  Deno.test("a late call that had its yes, and one with no guard in front of it, mark no route", async () => {
    const { submit, ask, fresh, openai, sql, wake } = theStack();
    for (const name of ["mail", "unguarded"] as const) {
      const profile = fresh(name);
      begin(theStack(), [works]);
      const stuck = { kind: "stuck-in-progress", times: 1 } as const;
      openai.faults.set([
        { ...stuck, match: name === "mail" ? ofAttempt(3) : createBackground },
        works,
      ]);
      const { id } = await submit(profile, query);
      const attempt = name === "mail" ? 3 : 1;
      await eventually("the attempt", async () => {
        await wake();
        const job = await readJob(sql, id);
        return job.attempt === attempt && job.response_id !== null;
      });
      const responseId = await recorded(sql, id);
      const [asked] = await sql<{ id: string }[]>`
        select item ->> 'id' as id from public.response_steps
        where job_id = ${id} and kind = 'mcp_approval_request' and answer ->> 'approve' = 'true'`;
      await ask({ method: "POST", path: `/${id}/cancel` });
      await functionsAreDone(theStack());
      openai.faults.set([
        raw(retrieve, {
          body: response("completed", [
            { ...sent("a@example.com"), approval_request_id: asked?.id ?? null },
          ]),
        }),
      ]);
      await openai.webhooks.send({ type: "response.completed", responseId });
      await eventually("a flag", () => flagsOf(sql, id), ({ length }) => length > 0);
      await functionsAreDone(theStack());
      assert.equal(await ignores(theStack(), profile), false, name);
      openai.faults.clear();
    }
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
