/** What happens to calls in flight when an attempt ends, for each way to end. */
import assert from "node:assert/strict";
import { callStep, type Effect, fenced, saveSteps, stepLines, view } from "../../support/ledger.ts";
import { type Machine, someError } from "../../support/machine.ts";
import type { AttemptKey } from "../../../supabase/functions/_durable_responses/model/job.ts";
import { sqlTest } from "../../support/sql-test.ts";

type End = (machine: Machine, work: AttemptKey) => Promise<unknown>;

const ends: Record<string, { end: End; otherwise: string }> = {
  "a failure that may pass": {
    end: (m, work) =>
      view(m, "retry_response_later", { ...fenced(work), p_error: someError, p_retry_after_ms: 1 }),
    otherwise: "queued",
  },
  "a failure for good": { end: (m, work) => m.fail(work), otherwise: "failed" },
  "a hand-over": {
    end: (m, work) =>
      m.call("release_response_jobs", { p_worker: "worker-1", p_jobs: [{ ...work }] }),
    otherwise: "queued",
  },
  "a lost lease": {
    async end(m) {
      m.clock.advance(30_001);
      await m.claim("worker-2", 1);
    },
    otherwise: "queued",
  },
};

const unguardedRun = (status: "started" | "void") => ({
  item_id: "unguarded_run_1",
  kind: "unguarded_run",
  status,
  effect: "once",
});

const after = (effect: Effect, onUncertain: string) =>
  effect === "once" && onUncertain === "review" ? "uncertain" : "void";

for (const [how, { end, otherwise }] of Object.entries(ends)) {
  for (const effect of ["none", "idempotent", "once"] as const) {
    for (const onUncertain of ["review", "retry"] as const) {
      const left = after(effect, onUncertain);
      const status = left === "uncertain" ? "needs_review" : otherwise;
      sqlTest(
        `after ${how} a call that is ${effect}, under ${onUncertain}, is ${left}`,
        async (m) => {
          const work = await m.submitRunning({ on_uncertain: onUncertain });
          await saveSteps(m, work, callStep("started", { effect }));
          await end(m, work);
          assert.deepEqual(await stepLines(m, work.id), [`send ${left}`]);
          const row = await m.row(work.id);
          assert.equal(row["status"], status);
          assert.equal(row["leased_by"], null);
          assert.equal(row["review_reason"] !== null, status === "needs_review");
          const [attempt] = await m.attempts(work.id);
          assert.notEqual(attempt?.["outcome"], null);
          if (status === "needs_review") assert.equal(attempt?.["outcome"], "suspended");
        },
      );
    }
  }
}

for (const [how, { end }] of Object.entries(ends)) {
  sqlTest(
    `after ${how} a request that may have called unasked stops the job for a review`,
    async (m) => {
      const work = await m.submitRunning();
      await saveSteps(m, work, unguardedRun("started"));
      await end(m, work);
      const { status, review_reason } = await m.row(work.id);
      assert.equal(status, "needs_review");
      assert.match(String(review_reason), /Attempt 1 ended without showing what it did/);
      assert.deepEqual(await stepLines(m, work.id), ["unguarded_run uncertain"]);
    },
  );
}

sqlTest("a late report that it has shown what it did ends the review", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, unguardedRun("started"));
  await ends["a lost lease"]?.end(m, work);
  await saveSteps(m, work, unguardedRun("void"));
  assert.equal((await m.row(work.id))["status"], "queued");
  assert.deepEqual(await stepLines(m, work.id), ["unguarded_run void"]);
});

sqlTest("a call whose connection failed does not stop a job that is to be retried", async (m) => {
  const work = await m.submitRunning({ on_uncertain: "retry" });
  await saveSteps(m, work, callStep("uncertain"));
  await ends["a failure that may pass"]?.end(m, work);
  assert.equal((await m.row(work.id))["status"], "queued");
  assert.deepEqual(await stepLines(m, work.id), ["send void"]);
});

sqlTest("a completed run leaves only calls in doubt that must not be made twice", async (m) => {
  const work = await m.submitRunning();
  const harmless = callStep("started", { item_id: "mcp_2", tool: "find", effect: "none" });
  await saveSteps(m, work, callStep("started"), harmless);
  await m.complete(work);
  assert.deepEqual(await stepLines(m, work.id), ["send uncertain", "find void"]);
});

sqlTest("a result brings its last steps with it", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("started"));
  await view(m, "complete_response_job", {
    ...fenced(work),
    p_response_id: "resp_1",
    p_output: [],
    p_steps: [callStep("finished")],
  });
  assert.deepEqual(await stepLines(m, work.id), ["send finished"]);
});

sqlTest("a cancelled job remembers a call that was in flight", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("started"));
  await m.call("cancel_response_job", { p_job_id: work.id, p_as_service: true });
  assert.deepEqual(await stepLines(m, work.id), ["send uncertain"]);
});

sqlTest("a run that began a call again is quarantined, whatever on_uncertain says", async (m) => {
  const work = await m.submitRunning({ on_uncertain: "retry" });
  await saveSteps(
    m,
    work,
    callStep("started"),
    callStep("started", { item_id: "mcp_2", effect: "none" }),
  );
  const job = await view(m, "quarantine_response_job", {
    ...fenced(work),
    p_error: { code: "repeated_call", message: "Cannot go on" },
  });
  assert.equal(job.status, "needs_review");
  assert.deepEqual(await stepLines(m, work.id), ["send uncertain", "send void"]);
  const [attempt] = await m.attempts(work.id);
  assert.equal(attempt?.["error_code"], "repeated_call");
});

sqlTest("a job that is failed for good but uncertain waits for a person first", async (m) => {
  const work = await m.submitRunning();
  await saveSteps(m, work, callStep("started"));
  const job = await m.fail(work);
  assert.equal(job.status, "needs_review");
  assert.equal(job.error, null);
  const [attempt] = await m.attempts(work.id);
  assert.equal(attempt?.["error_code"], someError.code);
});
