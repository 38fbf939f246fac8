/**
 * A worker, or the function that reads the question, ends after it has written a call's start, and before it has sent the yes:
 * nothing was made, so nobody is asked.
 */
import assert from "node:assert/strict";
import { benchForFile, mailCounts } from "../resume/support/bench.ts";
import { eventually } from "../support/eventually.ts";
import { needsLife } from "../support/job-state.ts";
import { readJob, summarizeAttempts } from "../support/jobs.ts";

const believedMs = 6_000;

// The worker hands over by itself. The platform does not end it.
const theBench = benchForFile(
  { wallClockMs: 60_000, env: { DURABLE_RESPONSES_WALL_CLOCK_S: String(believedMs / 1_000) } },
  { gated: false },
);

Deno.test("a call that a stopping worker has written, but not told OpenAI to make, is taken back", async () => {
  const bench = theBench();
  const { stack, openai, sql } = bench;
  openai.faults.set([{ kind: "background-works" }]);
  // No worker may take the job before the ledger is locked, nor may the function that reads the question.
  stack.net.faults.set(() => "drop");
  openai.webhooks.faults.set([{ kind: "delay", ms: 1_500, times: 1 }]);
  const id = await bench.submit("background");
  await needsLife(sql, id, 10 * believedMs);
  await eventually("it asked", async () => (await readJob(sql, id)).status === "queued");
  await needsLife(sql, id, 0);
  const ledger = stack.database.connect("supabase_admin", "postgres", { max: 1 });
  try {
    await ledger.begin(async (transaction) => {
      await transaction`lock table public.response_steps in exclusive mode`;
      stack.net.faults.clear();
      await bench.wake();
      await eventually("a worker writes the call", async () => {
        const waiting = await sql`
          select from pg_locks where relation = 'public.response_steps'::regclass and not granted`;
        return waiting.length > 0;
      });
      const asked = openai.requests.length;
      await eventually(
        "the worker's time is up",
        () =>
          stack.edge.workers().some((worker) =>
            worker.function === "run-jobs" && worker.ageMs > 0.9 * believedMs
          ),
      );
      assert.equal(openai.requests.length, asked);
    });
  } finally {
    await ledger.end({ timeout: 1 });
  }
  const job = await bench.settled(id);
  assert.deepEqual([job.status, job.failures], ["completed", 0]);
  assert.deepEqual(await summarizeAttempts(sql, id), [
    "background continued",
    "synchronous handed_over",
    "synchronous continued",
    "background completed",
  ]);
  assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
});

Deno.test("so is one that the function with the webhook has written as its time was up", async () => {
  const bench = theBench();
  const { stack, openai, gates, sql } = bench;
  await bench.clear();
  // An isolate of the test before, whose time is up, would leave the job to another.
  for (const name of ["openai-webhook", "run-jobs"]) await bench.kill(name);
  openai.faults.set([{ kind: "background-works" }]);
  const caught = gates.stopAt((passing) =>
    passing.phase === "answer" && "path" in passing && passing.body.includes('"p_continuing":true')
  );
  const id = await bench.submit("background");
  await caught;
  assert.equal((await readJob(sql, id)).attempt, 2);
  const asked = openai.requests.length;
  await eventually(
    "its time is up",
    () =>
      stack.edge.workers().some((worker) =>
        worker.function === "openai-webhook" && worker.ageMs > 0.9 * believedMs
      ),
  );
  assert.equal(openai.requests.length, asked);
  gates.open();
  const job = await bench.settled(id);
  assert.deepEqual([job.status, job.failures], ["completed", 0]);
  assert.deepEqual(await summarizeAttempts(sql, id), [
    "background continued",
    "synchronous handed_over",
    "synchronous continued",
    "background completed",
  ]);
  assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
});
