/** Polls and claims do not wait for each other. */
import assert from "node:assert/strict";
import { raw, retrieve } from "../e2e/upstream/answers.ts";
import { eventually } from "../support/eventually.ts";
import { advance } from "../support/job-state.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";

const theStack = stackForFile({ ...onTestProfiles, maxWorkers: 1 });

Deno.test("a job that is queued during a poll without an answer does not wait for it", async () => {
  const { openai, sql, submit, fresh, finished, wake } = theStack();
  openai.webhooks.faults.set([{ kind: "lose" }]);
  openai.faults.set([
    raw(retrieve, { body: "{" }, { then: "silence", times: 1 }),
    { kind: "background-works" },
  ]);
  const polled = await submit(fresh("plain"), "[[plan: text done]]");
  await eventually("its id", async () => {
    const [row] = await sql`
      select from durable_responses.waits where job_id = ${polled.id} and response_id is not null`;
    return row !== undefined;
  });
  await advance(sql, polled.id, 31_000);
  await wake();
  await eventually("a poll", () => openai.requests.some(({ method }) => method === "GET"));
  const queued = await submit(fresh("direct"), "[[plan: text done]]", { background: true });
  assert.equal((await finished(queued.id)).status, "completed");
  const [wait] = await sql`
    select status, settle_failures from public.response_jobs_internal where id = ${polled.id}`;
  assert.deepEqual({ ...wait }, { status: "background", settle_failures: 0 }, "the poll has ended");
  await advance(sql, polled.id, 31_000);
  await wake();
  assert.equal((await finished(polled.id)).status, "completed");
});
