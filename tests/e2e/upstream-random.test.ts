/** Whatever OpenAI answers to create, retrieve and cancel, no email is sent twice, no job is lost, and SQL never refuses. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { readJob } from "../support/jobs.ts";
import { isLong } from "../support/long.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { settledInTime } from "./upstream/ask.ts";
import { faults } from "./upstream/random-answers.ts";

/** What the functions report if SQL refuses something, or something unexpected fails. */
const refusedBySql =
  /Cannot (?:store the request|call \w+:)|attempt failed unexpectedly|worker_error/;
const seen: string[] = [];
const theStack = stackForFile({
  ...onTestProfiles,
  onLog: ({ line }) => {
    if (refusedBySql.test(line)) seen.push(line);
  },
});

Deno.test("random answers lead to no second email, no lost job, and no SQL error", async () => {
  const { openai, sql, stack, submit } = theStack();
  let number = 0;
  await fc.assert(
    fc.asyncProperty(faults, async (drawn) => {
      const mark = `number ${++number} of the random ones`;
      openai.faults.set(drawn);
      const { id, status } = await submit(
        "mail",
        `[[plan: ${findEmail("invoice")}; ${replyToEmail(mark)}; text done]]`,
      );
      assert.ok(status < 300, `it was answered with ${status}`);
      await settledInTime(theStack(), id, 61_000);
      openai.faults.clear();
      // A pause or an open breaker must not affect the next one.
      await sql`
        update public.response_routes set paused_until = null, pause_reason = null, breaker = 'closed', probe_at = null,
          background_failures = 0`;
      const emails = stack.mailbox.sent.filter(({ body }) => body.includes(mark)).length;
      const job = await readJob(sql, id);
      assert.ok(emails <= 1, `${emails} emails`);
      assert.ok(
        ["completed", "failed", "needs_review", "awaiting_approval"].includes(job.status),
        job.status,
      );
      assert.deepEqual(seen.splice(0), []);
    }),
    { numRuns: isLong ? 150 : 12, ...(isLong ? {} : { seed: 20261126 }), endOnFailure: true },
  );
});
