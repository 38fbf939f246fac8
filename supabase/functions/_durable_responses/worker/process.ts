/** A worker as a plain process. */
import { log } from "../platform/log.ts";
import { unlimitedLife } from "./life.ts";
import { newWorkerId } from "./worker-id.ts";
import { Worker, type WorkerOptions } from "./worker.ts";

/** How often an idle process looks for work, in ms: it has no cron to wake it. */
const idleMs = 1_000;
/** How long a drain may take before the runs are cut, in ms. Container platforms kill after 30 s or less. */
const drainMs = 25_000;

/**
 * Serves the queue until SIGTERM or SIGINT. Then it claims nothing more, each run ends at its next boundary between items,
 * and what still runs after drainMs is cut and handed over.
 */
export async function serveQueue(options: Omit<WorkerOptions, "id" | "life">): Promise<void> {
  const worker = new Worker({ id: newWorkerId(), life: unlimitedLife, ...options });
  const ending = Promise.withResolvers<void>();
  let draining = false;
  const drain = () => {
    if (draining) return;
    draining = true;
    log.info("draining", { worker: worker.id });
    worker.drain();
    Deno.unrefTimer(setTimeout(() => void worker.stop(), drainMs));
    ending.resolve();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, drain);
  log.info("serving", { worker: worker.id, concurrency: options.concurrency });
  while (!draining) {
    await worker.run();
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([
      ending.promise,
      new Promise((resolve) => timer = setTimeout(resolve, idleMs)),
    ]);
    clearTimeout(timer);
  }
  await worker.signOff();
  log.info("drained", { worker: worker.id });
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.removeSignalListener(signal, drain);
}
