/**
 * One system in a fresh process on a fresh database: `client.ts <system> <url> <postmaster> <jobs> <seconds> [warm]`. Prints, for each
 * phase, jobs/s and Postgres' CPU in ms a job as JSON. A drain that does not end within the seconds counts what it has done.
 */
import { cpuOfFamily } from "../support/processes.ts";
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

const [name = "", url = "", postmaster, count, seconds, warmUp] = Deno.args;
const make = systems[name];
if (!make) throw new Error(`Cannot measure '${name}': there is no such system`);
const system = make(url);
const jobs = Number(count);
/** A system that polls every 2 s drains little in this time, and has little to warm up. */
const warmUpLimitMs = 1000;

const jobsFor = (name: string, jobs: number): QueuedJob[] =>
  Array.from({ length: jobs }, (_, i) => ({
    key: `${name}-${i}`,
    payload: {
      query: `What is new since yesterday? ${i} ${"x".repeat(200)}`,
      metadata: { n: String(i) },
    },
  }));

interface Measured {
  perSecond: number;
  cpuMs: number;
}

/** Times `work`, which returns how many jobs it did. */
async function measure(work: () => Promise<() => number | Promise<number>>): Promise<Measured> {
  const before = await cpuOfFamily(Number(postmaster));
  const began = performance.now();
  const done = await work();
  const seconds = (performance.now() - began) / 1000;
  const cpuMs = await cpuOfFamily(Number(postmaster)) - before;
  const number = await done();
  return { perSecond: number / seconds, cpuMs: cpuMs / number };
}

function enqueuing(enqueue: (list: QueuedJob[]) => Promise<void>, name: string, jobs: number) {
  const list = jobsFor(name, jobs);
  return measure(async () => {
    await enqueue(list);
    return () => list.length;
  });
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

/** Drains, counting only what the database says is finished. */
async function draining(drain: QueueSystem["drainOneByOne"], jobs: number, limitMs: number) {
  const before = await system.finished();
  return await measure(async () => {
    await drain(jobs, performance.now() + limitMs);
    return async () => await system.finished() - before;
  });
}

/** `single` jobs one at a time, then `batched` jobs in batches. */
async function lap(name: string, single: number, batched: number, limitMs: number) {
  return {
    enqueue: await enqueuing(enqueueEach, `${name}-single`, single),
    "one by one": await draining(system.drainOneByOne, single, limitMs),
    "enqueue 100": await enqueuing(enqueueBatches, `${name}-batch`, batched),
    batches: await draining(system.drainInBatches, batched, limitMs),
  };
}

await system.start();
// In production, connections live for hours, so what each does only once (parsing, plans, compiling the client's code) is no
// part of a job. Therefore every caller takes part in a first lap, which is not counted.
if (warmUp) await lap("warm-up", 25 * callerCount, 2 * callerCount * batchSize, warmUpLimitMs);
console.log(JSON.stringify(await lap("measured", jobs, jobs, Number(seconds) * 1000)));
Deno.exit(0);
