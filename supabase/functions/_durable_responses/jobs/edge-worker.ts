/** The worker of the function `run-jobs`, which loads this after its answer. */
import { environment } from "../platform/environment.ts";
import type { Profiles } from "../profiles/profile.ts";
import { lifeOf } from "../worker/life.ts";
import { Worker } from "../worker/worker.ts";
import { reconcileBackground } from "./reconcile.ts";
import { sendYesFor } from "./send-yes.ts";
import { settleAnswer } from "./settle-answer.ts";
import { wakeWorker } from "./wake.ts";

/** A worker with the limits of this isolate. */
export function edgeWorker(profiles: Profiles, id: string): Worker {
  const { wallClockMs, concurrency, leaseMs } = environment();
  return new Worker({
    id,
    profiles,
    reconcile: () => reconcileBackground(profiles, sendYesFor(profiles)),
    wakeAnother: wakeWorker,
    settleAnswer: (key, response) => settleAnswer(profiles, key, response),
    life: lifeOf(wallClockMs),
    concurrency,
    leaseMs,
  });
}
