import type { BenchCluster } from "../support/database.ts";
import { claim, complete, nobody, submit } from "./claims.ts";
import { owners } from "./fill.ts";

const tickMs = 100;

export interface Load {
  /** The time of each claim, in ms. */
  claims: number[];
  /** Jobs that waited when the time was up. */
  backlog: number;
}

/**
 * Submits, claims and completes jobs at a fixed rate: first freely, then while a transaction holds a snapshot, so that no
 * dead row version can be removed. Claims are timed in both phases.
 */
export async function measureSnapshot(
  database: BenchCluster,
  perSecond: number,
  seconds: number,
): Promise<{ free: Load; held: Load }> {
  const name = await database.fresh("product");
  const holder = database.cluster.connect("postgres", name, { max: 1 });
  await load(database, name, perSecond, Math.min(3, seconds));
  const free = await load(database, name, perSecond, seconds);
  const held = await holder.begin("isolation level repeatable read", async (tx) => {
    await tx`select count(*) from durable_responses.jobs`;
    return await load(database, name, perSecond, seconds);
  });
  await holder.end();
  await database.drop(name);
  return { free, held };
}

async function load(
  database: BenchCluster,
  name: string,
  perSecond: number,
  seconds: number,
): Promise<Load> {
  const sql = database.cluster.connect("postgres", name, { max: 2 });
  const batch = Math.ceil((perSecond * tickMs) / 1000);
  const until = performance.now() + seconds * 1000;
  const claims: number[] = [];
  let submitted = 0;
  let done = 0;
  const producer = async () => {
    const began = performance.now();
    while (performance.now() < until) {
      // By the clock, so that a slow submit does not lower the rate.
      const due = ((performance.now() - began) / 1000) * perSecond;
      if (submitted < due) {
        await submit(sql, batch, owners);
        submitted += batch;
      } else {
        await new Promise((resolve) => setTimeout(resolve, tickMs / 4));
      }
    }
  };
  const consumer = async () => {
    let after = nobody;
    while (performance.now() < until) {
      const began = performance.now();
      const jobs = await claim(sql, batch, after);
      claims.push(performance.now() - began);
      if (jobs.length > 0) await complete(sql, jobs);
      after = jobs.at(-1)?.owner_key ?? nobody;
      done += jobs.length;
      if (jobs.length < batch) await new Promise((resolve) => setTimeout(resolve, tickMs / 4));
    }
  };
  await Promise.all([producer(), consumer()]);
  const backlog = submitted - done;
  // The next load starts with nothing waiting.
  for (let jobs = await claim(sql, 500, nobody); jobs.length > 0;) {
    await complete(sql, jobs);
    jobs = await claim(sql, 500, nobody);
  }
  await sql.end();
  return { claims, backlog };
}
