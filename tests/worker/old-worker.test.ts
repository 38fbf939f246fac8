/** A worker whose time is nearly up by its own settings, in an isolate that the platform lets live longer and shares. */
import assert from "node:assert/strict";
import { functionsAreDone } from "../e2e/background/at-openai.ts";
import { eventually } from "../support/eventually.ts";
import { readJob } from "../support/jobs.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";

const believedMs = 3_000;
const theStack = stackForFile({
  ...onTestProfiles,
  wallClockMs: 60_000,
  maxWorkers: 1,
  env: { DURABLE_RESPONSES_WALL_CLOCK_S: String(believedMs / 1_000) },
});

Deno.test("its request for a successor reaches itself: it ends, and a new isolate runs the job", async () => {
  const { stack, proxy, sql, submit, fresh, finished, wake } = theStack();
  const early = await submit(fresh("direct"), "Say hello", { background: true });
  await finished(early.id);
  await eventually(
    "the worker to be too old to start a run",
    () => stack.edge.workers().some((w) => w.function === "run-jobs" && w.ageMs > believedMs),
  );
  const from = proxy.paths.length;
  const { id } = await submit(fresh("direct"), "Say hello", { background: true });
  for (const _ of [1, 2]) {
    await wake();
    await functionsAreDone(theStack());
  }
  assert.equal((await readJob(sql, id)).status, "queued");
  const signOffs = proxy.paths.slice(from).filter((path) =>
    path.endsWith("/sign_off_response_worker")
  );
  // One for the nudge, and one for each time that cron runs.
  assert.ok(signOffs.length <= 3, `${signOffs.length} times`);

  await stack.edge.kill("run-jobs");
  await wake();
  assert.equal((await finished(id)).status, "completed");
});
