/** A yes that could be sent only after the job's deadline is not sent: OpenAI would make the call, and be cut off in the middle. */
import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import type { TestStack } from "../../support/stack.ts";
import { begin, createsSince, ofAttempt, query, sentInAll, works } from "./mail.ts";

/** Calls of the database during which the deadline passes, and the form of the request that is not sent then. */
const waits: Record<string, { background: boolean }> = {
  record_background_failure: { background: false },
  save_response_steps: { background: true },
};

export function testDeadlinePassed(theStack: () => TestStack): void {
  for (const [call, { background }] of Object.entries(waits)) {
    const how = background ? "in background" : "synchronously";
    Deno.test(`the deadline passes before the yes can be sent ${how}: the call is not made, and the job fails`, async () => {
      const { sql, openai, proxy, submit, fresh, finished } = theStack();
      begin(theStack(), [
        { kind: "background-unsupported", match: { ...ofAttempt(3), background: true } },
        works,
      ]);
      const from = openai.requests.length;
      let isSoon = false;
      proxy.intercept = async (path) => {
        // Whoever sends the yes knows the deadline from the call with which it takes the job.
        if (/\/(?:continue_response_job_in_place|claim_response_work)$/.test(path)) {
          const soon = await sql`
            update durable_responses.waits set deadline = now() + interval '3 seconds'
            where status = 'queued' or ${path.endsWith("_in_place")} returning 1`;
          isSoon ||= soon.length > 0;
        }
        if (isSoon && path.endsWith(`/${call}`)) {
          // A function counts from when it has the job, and may still have to load what runs it.
          await eventually("the deadline", async () => {
            const [row] = await sql`
              select coalesce(every(deadline < now() - interval '2 seconds'), true) as over
              from durable_responses.waits`;
            return row?.["over"] === true;
          });
        }
        return undefined;
      };
      try {
        const { id } = await submit(fresh("mail"), query);
        const job = await finished(id);
        assert.deepEqual([job.status, job.error_code], ["failed", "deadline_exceeded"]);
        const calls = await sql`
          select status from public.response_steps where job_id = ${id} and effect = 'once'`;
        assert.deepEqual(calls.map(({ status }) => status), ["void"]);
      } finally {
        proxy.intercept = undefined;
      }
      const inBackground = createsSince(theStack(), from).map((body) =>
        body["background"] === true
      );
      assert.deepEqual(inBackground, background ? [true] : [true, true]);
      assert.equal(await sentInAll(theStack()), 0);
    });
  }
}
