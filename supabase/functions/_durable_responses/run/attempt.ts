import * as jobs from "../db/jobs.ts";
import { persist } from "../db/persist.ts";
import type { Failure } from "../model/failure.ts";
import type { Work } from "../model/rows.ts";
import { classifyError } from "../openai/classify.ts";
import { judge } from "../openai/result.ts";
import type { RunResult } from "../openai/run.ts";
import { describe, log } from "../platform/log.ts";
import { planOrFailure } from "../profiles/plan.ts";
import type { Profiles } from "../profiles/profile.ts";
import type { Plan } from "../profiles/resolve.ts";
import { stepOf } from "../tools/step-of-item.ts";
import { Tracker } from "../tools/tracker.ts";
import { carriedItems } from "./continuation.ts";
import { type Control, Dialogue } from "./dialogue.ts";
import { liveText } from "./live/live-text.ts";
import { warn } from "./notes.ts";
import { Recorder } from "./recorder.ts";
import { results } from "./results.ts";

type Write = () => Promise<unknown>;

/**
 * Runs one claimed job and writes how it ended. Nothing is thrown: what cannot even be written leaves
 * the lease to run out, and the next worker takes the job.
 */
export async function runAttempt(
  profiles: Profiles,
  work: Work,
  control: Control,
): Promise<void> {
  const { signal } = control.controller;
  const recorder = new Recorder(work, control.controller);
  try {
    const write = await attempt(profiles, work, control, recorder);
    if (write && !await persist(write, signal)) {
      log.warn("result dropped: the job has moved on", { job_id: work.id, attempt: work.attempt });
    }
  } catch (error) {
    log.error("cannot write how the attempt ended; its lease will run out", {
      job_id: work.id,
      attempt: work.attempt,
      error: describe(error),
    });
  } finally {
    await recorder.drain();
  }
}

async function attempt(
  profiles: Profiles,
  work: Work,
  control: Control,
  recorder: Recorder,
): Promise<Write | undefined> {
  try {
    const planned = await planOrFailure(profiles, work);
    if ("failure" in planned) return end(work, planned.failure);
    const { plan } = planned;
    const tracker = new Tracker({
      work,
      rules: plan.sideEffects,
      recorder,
      wantsHandOver: control.wantsHandOver,
      stop: () => control.controller.abort(),
    });
    const text = liveText.open(work);
    const dialogue = new Dialogue({ work, plan, control, tracker, recorder, text });
    const result = await dialogue.run().finally(() => text.close());
    if (recorder.broken !== undefined) return end(work, classifyError(recorder.broken));
    await warnOfUnknownRules(work, tracker);
    return await ending(work, plan, result, tracker, recorder);
  } catch (error) {
    log.error("attempt failed unexpectedly", { job_id: work.id, error: describe(error) });
    return end(work, classifyError(error));
  }
}

async function ending(
  work: Work,
  plan: Plan,
  result: RunResult,
  tracker: Tracker,
  recorder: Recorder,
): Promise<Write | undefined> {
  const { quarantine } = tracker;
  // The ledger is written before the end is: what the run did must be known to whoever goes on.
  const after = (write: Write): Write => async () => {
    await recorder.drain();
    await write();
  };
  if (quarantine) return after(() => jobs.quarantine(work, quarantine));
  if (result.kind === "aborted") return undefined;
  const { requestId } = result;
  if (result.kind === "failed") return after(end(work, withRequestId(result.failure, requestId)));
  const { outcome } = result;
  const verdict = judge(outcome, plan.output);
  if (verdict.kind === "fail") return after(end(work, withRequestId(verdict.failure, requestId)));
  const steps = await recorder.rest();
  if (verdict.kind === "approve") {
    const asked = verdict.requests.map((item) => stepOf(item, tracker.effects));
    return () => jobs.awaitApproval(work, outcome, [...steps, ...asked]);
  }
  const output = [...carriedItems(work.steps), ...outcome.output];
  return () => results.write(work, { outcome, output, parsed: verdict.parsed, requestId, steps });
}

/** What another try may mend is queued again; the rest fails the job. */
function end(work: Work, why: Failure): Write {
  return () => why.class === "transient" ? jobs.retryLater(work, why) : jobs.fail(work, why);
}

function withRequestId(why: Failure, requestId: string | null): Failure {
  return why.requestId || !requestId ? why : { ...why, requestId };
}

async function warnOfUnknownRules(work: Work, tracker: Tracker): Promise<void> {
  const unknown = tracker.effects.unknownRules();
  if (unknown.length > 0) {
    await warn(
      work,
      `side_effects has rules for tools that no server lists: ${unknown.join(", ")}`,
    );
  }
}
