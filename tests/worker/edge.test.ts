/** An Edge worker that sleeps too long, loses its leases, or is nudged at the wrong moment. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { expireLease, isLeaseOver, replaceInput } from "../support/job-state.ts";
import { isFinal, readJob, summarizeAttempts } from "../support/jobs.ts";
import { eventually } from "../support/eventually.ts";
import { type Bench, benchForFile, invoiceQuery, mailCounts } from "../resume/support/bench.ts";

const theBench = benchForFile({ env: { DURABLE_RESPONSES_LEASE_S: "3" } }, { gated: false });
const thoughtful = `${invoiceQuery} [[plan: ${findEmail("invoice")}; sleep 60000ms; ${
  replyToEmail("It is paid.")
}]]`;

/** Makes the next run think less. */
const hurry = ({ sql }: Bench, id: string) =>
  replaceInput(sql, id, thoughtful.replace("60000ms", "1ms"));

/** Submits a job, and waits until its search is saved and the model thinks. */
async function thinking(bench: Bench): Promise<string> {
  await bench.clear();
  const id = await bench.submit("sync", thoughtful);
  await eventually("the search is saved", async () => {
    const rows = await bench.sql`
      select from public.response_steps where job_id = ${id} and tool is not null and status = 'finished'`;
    return rows.length > 0;
  });
  return id;
}

Deno.test("a worker that sleeps past its lease and wakes late changes nothing", async () => {
  const bench = theBench();
  const { stack, sql } = bench;
  const id = await thinking(bench);
  const [sleeper] = await stack.edge.kill("run-jobs", "SIGSTOP");
  assert.ok(sleeper);
  try {
    await eventually("the end of the lease", () => isLeaseOver(sql, id));
    // Another worker takes the job over and continues it.
    await sql`select public.claim_response_work('other', 0)`;
    await eventually("the job is due again", async () => {
      await sql`select public.claim_response_work('other', 1, 60000)`;
      return (await readJob(sql, id)).leased_by === "other";
    });
  } finally {
    Deno.kill(sleeper, "SIGCONT");
  }
  await eventually("the sleeper has stopped its run", () => bench.openai.openStreams() === 0);
  const row = await readJob(sql, id);
  assert.deepEqual([row.status, row.leased_by, row.attempt], ["running", "other", 2]);
  assert.equal(mailCounts(bench).sent, 0);
  await hurry(bench, id);
  await expireLease(sql, id);
  assert.equal((await bench.settled(id)).status, "completed");
  assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
});

Deno.test("a worker that cannot renew its leases stops its runs before anybody else has them", async () => {
  const bench = theBench();
  const { gates } = bench;
  const id = await thinking(bench);
  await gates.stopAt(
    (passing) => passing.phase === "request" && passing.path.endsWith("/rpc/renew_response_leases"),
    { all: true },
  );
  await eventually(
    "the run is stopped and handed over",
    async () => (await summarizeAttempts(bench.sql, id))[0] === "synchronous handed_over",
  );
  await hurry(bench, id);
  gates.open();
  assert.equal((await bench.settled(id)).status, "completed");
  assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
});

Deno.test("a run whose lease runs out during a call reads on until the call has ended", async () => {
  const bench = theBench();
  const { gates, stack, sql } = bench;
  await bench.clear();
  // Longer than a lease that is not renewed, and shorter than the stall budget.
  stack.mailbox.setDelay("gmail_reply_to_email", 6_500);
  const id = await bench.submit("sync");
  await eventually("the call has begun", async () => {
    const rows = await sql`
      select from public.response_steps where job_id = ${id} and effect = 'once' and status = 'started'`;
    return rows.length > 0;
  });
  await gates.stopAt(
    (passing) => passing.phase === "request" && passing.path.endsWith("/rpc/renew_response_leases"),
    { all: true },
  );
  stack.mailbox.setDelay("gmail_reply_to_email", 0);
  await eventually(
    "the run is handed over",
    async () => (await summarizeAttempts(sql, id))[0] === "synchronous handed_over",
  );
  const [call] = await sql`
    select status from public.response_steps where job_id = ${id} and attempt = 1 and effect = 'once'`;
  assert.equal(call?.["status"], "finished");
  gates.open();
  assert.equal((await bench.settled(id)).status, "completed");
  assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
});

Deno.test("a nudge that comes while a worker signs off is not lost", async () => {
  const bench = theBench();
  await bench.clear();
  const { gates, sql } = bench;
  const caught = gates.stopAt((passing) =>
    passing.phase === "answer" && passing.path.endsWith("/rpc/sign_off_response_worker")
  );
  await bench.submit("sync", "hello [[plan: text hi]]");
  await caught;
  // Its nudge reaches the worker that is about to end.
  const late = await bench.submit("sync");
  await eventually(
    "the nudge is answered",
    () =>
      bench.stack.edge.workers().some((worker) =>
        worker.function === "run-jobs" && worker.requests > 0 && worker.inFlight === 0
      ),
  );
  gates.open();
  await eventually("the end of the late job", async () => isFinal(await readJob(sql, late)));
});
