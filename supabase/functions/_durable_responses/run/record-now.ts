/** Writes to the ledger that something else must wait for. */
import * as jobs from "../db/jobs.ts";
import { persist } from "../db/persist.ts";
import type { Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import type { RunStop } from "./run-stop.ts";
import type { StepWriter } from "./step-writer.ts";

/**
 * Writes steps before the things that they announce may start. If the database is away, it waits: nothing has been done yet.
 * @param continuing whether what is announced is the request that continues the run in background
 * @returns false if the run must stop: the attempt has ended, or the worker is ending
 */
export async function recordNow(
  { work, stop, stepWriter }: { work: Work; stop: RunStop; stepWriter: StepWriter },
  steps: Step[],
  continuing = false,
): Promise<boolean> {
  if (steps.length === 0 && !continuing) return true;
  const { signal } = stop;
  await stepWriter.drain();
  let current = false;
  const save = async () => current = await jobs.saveSteps(work, steps, continuing);
  try {
    return !signal.aborted && await persist(save, signal) && current;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
