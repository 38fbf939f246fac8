/**
 * One system in a fresh process on a fresh database: `client.ts <system> <url> <jobs> <seconds>`. Prints
 * jobs/s of each phase as JSON. A drain that does not end within the seconds counts what it has done.
 */
import { graphileWorker } from "./systems/graphile.ts";
import { ours } from "./systems/ours.ts";
import { pgBoss } from "./systems/pg-boss.ts";
import { BATCH, CALLERS, inParallel, type QueuedJob, type QueueSystem } from "./system.ts";

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
    payload: { query: `What is new since yesterday? ${i} ${"x".repeat(200)}`, metadata: { n: String(i) } },
  }));

/** Jobs per second of `phase`, which resolves to how many it did. */
async function rate(phase: () => Promise<number>): Promise<number> {
  const began = performance.now();
  const done = await phase();
  return done / ((performance.now() - began) / 1000);
}

async function enqueueEach(list: QueuedJob[]) {
  let next = 0;
  await inParallel(CALLERS, async () => {
    const job = list[next++];
    if (job) await system.enqueue(job);
    return job !== undefined;
  });
  return list.length;
}

async function enqueueBatches(list: QueuedJob[]) {
  let next = 0;
  await inParallel(CALLERS, async () => {
    const batch = list.slice(next, next + BATCH);
    next += BATCH;
    if (batch.length > 0) await system.enqueueMany(batch);
    return batch.length > 0;
  });
  return list.length;
}

/** Lets a drain run, and checks what it says against what the database says. */
async function drain(run: (total: number, untilMs: number) => Promise<number>) {
  const before = await system.finished();
  let done = 0;
  const perSecond = await rate(async () => {
    done = await run(jobs, performance.now() + limitMs);
    return done;
  });
  const finished = await system.finished() - before;
  if (finished !== done) {
    throw new Error(`Cannot trust ${name}: it says ${done} done, the database ${finished}`);
  }
  return perSecond;
}

await system.start();
const result = {
  enqueue: await rate(() => enqueueEach(jobsFor("single"))),
  "one by one": await drain(system.drainOneByOne),
  "enqueue 100": await rate(() => enqueueBatches(jobsFor("batch"))),
  batches: await drain(system.drainInBatches),
};
console.log(JSON.stringify(result));
Deno.exit(0);
