/**
 * One system in a fresh process on a fresh database: `client.ts <system> <url> <postmaster> <jobs> <seconds>`. Prints jobs/s
 * and Postgres' CPU in ms per job for each phase, as JSON. A drain that does not end in time counts what it has done.
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

const [name = "", url = "", postmaster, count, seconds] = Deno.args;
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

function enqueuing(enqueue: (list: QueuedJob[]) => Promise<void>, phase: string) {
  const list = jobsFor(phase);
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

/** Drains, and counts only what the database says is finished. */
async function draining(drain: (total: number, untilMs: number) => Promise<void>) {
  const before = await system.finished();
  return await measure(async () => {
    await drain(jobs, performance.now() + limitMs);
    return async () => await system.finished() - before;
  });
}

await system.start();
const result: Record<string, Measured> = {
  enqueue: await enqueuing(enqueueEach, "single"),
  "one by one": await draining(system.drainOneByOne),
  "enqueue 100": await enqueuing(enqueueBatches, "batch"),
  batches: await draining(system.drainInBatches),
};
console.log(JSON.stringify(result));
Deno.exit(0);
