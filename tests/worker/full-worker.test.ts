/** A worker whose places are all taken still does what needs no place. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { advance } from "../support/job-state.ts";
import { readJob } from "../support/jobs.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";

const theStack = stackForFile({
  ...onTestProfiles,
  maxWorkers: 1,
  env: { DURABLE_RESPONSES_CONCURRENCY: "1" },
});

Deno.test("it polls a background job whose webhook is lost, and ends it, while a run takes its only place", async () => {
  const { openai, sql, submit, fresh, finished, wake } = theStack();
  openai.webhooks.faults.set([{ kind: "lose" }]);
  openai.faults.set([{ kind: "background-works" }]);
  const lost = await submit(fresh("plain"), "[[plan: text done]]");
  assert.equal(lost.body.status, "background");
  const long = await submit(fresh("direct"), "[[plan: sleep 8s; text done]]", {
    background: true,
  });
  const isFirstRun = async () => {
    const { status, attempt } = await readJob(sql, long.id);
    return status === "running" && attempt === 1;
  };
  await eventually("the run has the place", isFirstRun);
  await advance(sql, lost.id, 31_000);
  await wake();
  assert.equal((await finished(lost.id)).status, "completed");
  assert.ok(await isFirstRun(), "not only once its place was free");
});
