import { Logger, makeWorkerUtils, run, type Runner, type WorkerUtils } from "graphile-worker";
import postgres from "postgres";
import { callerCount, type QueuedJob, type QueueSystem } from "../system.ts";

const task = "bench";
const logger = new Logger(() => () => {});

/** The settings behind the numbers on https://worker.graphile.org/docs/performance. */
const batched = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};
const unbatched = { concurrentJobs: callerCount, maxPoolSize: callerCount };

/** graphile-worker: `addJob`, `addJobs` and `run`. It deletes finished jobs and stores no result. */
export function graphileWorker(url: string, tuned: boolean): QueueSystem {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  let utils: WorkerUtils;
  let added = 0;

  async function waiting() {
    const [row] = await sql`select count(*)::int as n from graphile_worker._private_jobs`;
    return Number(row?.n);
  }
  async function drain(
    settings: typeof batched | typeof unbatched,
    total: number,
    untilMs: number,
  ) {
    let done = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, untilMs - performance.now());
    const runner: Runner = await run({
      connectionString: url,
      logger,
      noHandleSignals: true,
      preset: { worker: tuned ? settings : {} },
      taskList: { [task]: () => Promise.resolve() },
    });
    // A job counts when its completion is committed.
    runner.events.on("job:complete", () => {
      if (++done >= total) resolve();
    });
    await promise;
    clearTimeout(timer);
    await runner.stop();
  }

  return {
    async start() {
      utils = await makeWorkerUtils({
        connectionString: url,
        logger,
        preset: { worker: { maxPoolSize: callerCount } },
      });
      await utils.migrate();
    },
    async enqueue({ key, payload }) {
      await utils.addJob(task, payload, { jobKey: key });
      added++;
    },
    async enqueueMany(jobs: QueuedJob[]) {
      await utils.addJobs(
        jobs.map(({ key, payload }) => ({ identifier: task, payload, jobKey: key })),
      );
      added += jobs.length;
    },
    drainOneByOne: (total, untilMs) => drain(unbatched, total, untilMs),
    drainInBatches: (total, untilMs) => drain(batched, total, untilMs),
    finished: async () => added - await waiting(),
  };
}
