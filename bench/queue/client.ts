/**
 * One system in a fresh process on a fresh database: `client.ts <system> <url> <jobs> <seconds>`. Prints
 * jobs/s of each phase as JSON. A drain that does not end within the seconds counts what it has done.
 */
import { graphileWorker } from "./systems/graphile.ts";
import { ours } from "./systems/ours.ts";
import { pgBoss } from "./systems/pg-boss.ts";
import { batchSize, callerCount, inParallel, type QueuedJob, type QueueSystem } from "./system.ts";

const systems: Record<string, (url: string) => QueueSystem> = {
  "durable-responses": ours,
  "pg-boss": (url) => pgBoss(url, true),
  "pg-boss defaults": (url) => pgBoss(url, false),
  "graphile-worker": (url) => graphileWorker(url, true),
  "graphile-worker defaults": (url) => graphileWorker(url, false),
};

const [name = "", url = "", count, seconds] = Deno.args;
const make = systems[name];
if (!make) throw new Error(`Cannot measure '${name}': there is no such system`);
const system = make(url);
const jobs = Number(count);
const limitMs = Number(seconds) * 1000;

const jobsFor = (phase: string): QueuedJob[] =>
  Array.from({ length: jobs }, (_, i) => ({
    key: `${phase}-${i}`,
    payload: {
      query: `What is new since yesterday? ${i} ${"x".repeat(200)}`,
      metadata: { n: String(i) },
    },
  }));

/** Enqueues, and resolves to jobs per second. */
async function enqueueRate(enqueue: (list: QueuedJob[]) => Promise<void>, phase: string) {
  const list = jobsFor(phase);
  const began = performance.now();
  await enqueue(list);
  return list.length / ((performance.now() - began) / 1000);
}

async function enqueueEach(list: QueuedJob[]) {
  let next = 0;
  await inParallel(callerCount, async () => {
    const job = list[next++];
    if (job) await system.enqueue(job);
    return job !== undefined;
  });
}

async function enqueueBatches(list: QueuedJob[]) {
  let next = 0;
  await inParallel(callerCount, async () => {
    const batch = list.slice(next, next + batchSize);
    next += batchSize;
    if (batch.length > 0) await system.enqueueMany(batch);
    return batch.length > 0;
  });
}

/** Drains, and resolves to jobs per second, counting only what the database says is finished. */
async function drainRate(drain: (total: number, untilMs: number) => Promise<void>) {
  const before = await system.finished();
  const began = performance.now();
  await drain(jobs, began + limitMs);
  const seconds = (performance.now() - began) / 1000;
  return (await system.finished() - before) / seconds;
}

await system.start();
const result = {
  enqueue: await enqueueRate(enqueueEach, "single"),
  "one by one": await drainRate(system.drainOneByOne),
  "enqueue 100": await enqueueRate(enqueueBatches, "batch"),
  batches: await drainRate(system.drainInBatches),
};
console.log(JSON.stringify(result));
Deno.exit(0);
