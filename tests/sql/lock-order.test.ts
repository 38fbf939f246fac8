/**
 * One lock order (supabase/schemas/01_schema.sql): a storm of everything that locks more than one row. There is no deadlock,
 * no failure but refusals, and every job is still consistent.
 */
import assert from "node:assert/strict";
import postgres, { type Sql } from "postgres";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { callFunction } from "../support/function-call.ts";
import { isLong } from "../support/long.ts";
import type { Machine } from "../support/machine.ts";
import { sqlTest } from "../support/sql-test.ts";
import {
  bigActions,
  KnownJobs,
  pick,
  smallActions,
  type StormAction,
  stormFiles,
} from "../support/storm.ts";
import { put } from "./files/support.ts";

const clientCount = 16;
const stormMs = isLong ? 60_000 : 10_000;
const stormName = "storm";

/** How often each action succeeded, and how often it was refused. */
type Counts = Map<string, { done: number; refused: number }>;

/** Any action. Half of the time it is a big one, the same for all clients for half a second, one big one after the other. */
function nextAction(): [string, StormAction] {
  const big = Object.entries(bigActions);
  const focus = big[Math.floor(performance.now() / 500) % big.length];
  const chance = Math.random();
  const action = chance < 0.5 ? focus : pick(chance < 0.75 ? big : Object.entries(smallActions));
  assert.ok(action);
  return action;
}

/** One client: one action after the other, on its own connection, until `end`. */
async function client(sql: Sql, known: KnownJobs, end: number, counts: Counts): Promise<void> {
  const claims = JSON.stringify({ sub: known.owner });
  await sql`select set_config('application_name', ${stormName}, false)`;
  await sql`set deadlock_timeout = '50ms'`;
  await sql`select set_config('request.jwt.claims', ${claims}, false)`;
  await sql`set role service_role`;
  while (performance.now() < end) {
    const [name, action] = nextAction();
    const count = counts.get(name) ?? { done: 0, refused: 0 };
    counts.set(name, count);
    try {
      await action((called, args) => callFunction(sql, `public.${called}`, args), known);
      count.done++;
    } catch (error) {
      if (!(error instanceof postgres.PostgresError)) throw error;
      // Half of these calls are meant to be refused. 40001: a file is just being removed.
      assert.match(
        error.code,
        /^(?:DR4..|40001)$/,
        `${name}: ${error.code} ${error.message} ${error.detail}`,
      );
      count.refused++;
    }
  }
}

/** Watches the owner's list, so that watches lock rows and every change is announced. */
async function watchList({ db }: Machine, owner: string, end: number): Promise<void> {
  while (performance.now() < end) {
    await db.asUser(owner, (sql) => sql`select public.watch_response_jobs()`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Sets and removes limits, so that claims sometimes count under their lock. Ends pauses at once. */
async function changeLimits(sql: Sql, end: number): Promise<void> {
  for (let limited = false; performance.now() < end; limited = !limited) {
    await sql`update public.response_settings set max_running = ${limited ? 1000 : null}`;
    await sql`update public.response_routes set breaker = 'closed', probe_at = null, background_failures = 0`;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** What pg_cron runs as the owner, each statement in its own transaction. */
async function sweep(sql: Sql, end: number): Promise<void> {
  while (performance.now() < end) {
    await sql`select public.run_response_deletions()`;
    await sql`select public.prune_response_jobs()`;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function deadlocks({ db }: Machine): Promise<number> {
  const [row] = await db.owner`
    select deadlocks::int from pg_stat_database where datname = current_database()`;
  return z.object({ deadlocks: z.number() }).parse(row).deadlocks;
}

sqlTest(
  `${stormMs / 1000} s of everything at once, in every order: no deadlock`,
  async (machine) => {
    const { db } = machine;
    const known = new KnownJobs(await db.createUser());
    for (const name of stormFiles) {
      await put(machine, "response_files", `${known.owner}/${name}`);
    }
    await db
      .owner`update public.response_settings set max_unfinished_per_user = null, max_delay_s = 1`;
    const connections = Array.from(
      { length: clientCount },
      () => db.cluster.connect("supabase_admin", db.name, { max: 1 }),
    );
    const counts: Counts = new Map();
    const end = performance.now() + stormMs;
    try {
      await Promise.all([
        ...connections.map((sql) => client(sql, known, end, counts)),
        watchList(machine, known.owner, end),
        changeLimits(db.owner, end),
        sweep(db.owner, end),
      ]);
    } finally {
      await Promise.all(connections.map((sql) => sql.end({ timeout: 5 })));
    }
    // A session reports its statistics at the latest when it ends.
    await eventually("the end of the sessions", async () => {
      const [row] = await db.owner`
      select count(*)::int as left from pg_stat_activity where application_name = ${stormName}`;
      return row?.["left"] === 0;
    });
    assert.equal(await deadlocks(machine), 0);
    // It really was a storm: every action was tried, and each big one succeeded at least once.
    for (const name of Object.keys(smallActions)) assert.ok(counts.has(name), name);
    for (const name of Object.keys(bigActions)) assert.ok(counts.get(name)?.done, name);
    // Every job is final, or waits for exactly one thing.
    const torn = await db.owner`
    select j.id, j.status, w.status as wait from durable_responses.jobs j
      left join durable_responses.waits w on w.job_id = j.id
    where (j.status is null) <> (w.job_id is not null)`;
    assert.deepEqual([...torn], []);
  },
);
