import { PgBoss } from "pg-boss";
import { batchSize, callerCount, inParallel, type QueuedJob, type QueueSystem } from "../system.ts";

const queue = "bench";
const output = { text: "ok" };

/**
 * pg-boss. Tuned: `fetch` and `complete` in a tight loop without a polling interval, and `insert` for many jobs. Defaults:
 * `work` as in its README.
 */
export function pgBoss(url: string, tuned: boolean): QueueSystem {
  const boss = new PgBoss({
    connectionString: url,
    max: callerCount,
    // On by default. Tuned runs turn the monitors off.
    ...(tuned && { supervise: false, schedule: false }),
  });
  boss.on("error", (error) => console.error(error));
  const asJob = ({ key, payload }: QueuedJob) => ({ data: payload, singletonKey: key });

  async function drain(batchSize: number, total: number, untilMs: number) {
    let done = 0;
    await inParallel(callerCount, async () => {
      if (done >= total || performance.now() > untilMs) return false;
      const jobs = await boss.fetch(queue, { batchSize });
      if (jobs.length === 0) return done < total;
      await boss.complete(queue, jobs.map(({ id }) => id), output);
      done += jobs.length;
      return true;
    });
  }
  async function work(total: number, untilMs: number) {
    let done = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, untilMs - performance.now());
    const id = await boss.work(queue, (jobs) => {
      done += jobs.length;
      if (done >= total) resolve();
      return Promise.resolve(output);
    });
    await promise;
    clearTimeout(timer);
    await boss.offWork(queue, { id, wait: true });
  }

  return {
    async start() {
      await boss.start();
      // Policy `short` is what makes a singletonKey unique among waiting jobs.
      await boss.createQueue(queue, { policy: "short" });
    },
    async enqueue(job) {
      await boss.send(queue, job.payload, { singletonKey: job.key });
    },
    async enqueueMany(jobs) {
      await boss.insert(queue, jobs.map(asJob));
    },
    drainOneByOne: (total, untilMs) => tuned ? drain(1, total, untilMs) : work(total, untilMs),
    drainInBatches: (total, untilMs) =>
      tuned ? drain(batchSize, total, untilMs) : work(total, untilMs),
    async finished() {
      const { rows } = await boss.getDb().executeSql(
        "select count(*)::int as n from pgboss.job where state = 'completed'",
      );
      return Number(rows[0]?.n);
    },
  };
}
