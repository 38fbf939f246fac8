import { claim, complete, nobody, submit } from "../flat/claims.ts";
import { startBenchCluster } from "../support/database.ts";
import { cpuOf } from "../support/process.ts";

/** What one job costs Postgres from submit to completion. */
export interface JobCost {
  /** Write-ahead log, in bytes. */
  wal: number;
  /** Tables and indexes of the project, in bytes. */
  disk: number;
  /** Rows in realtime.messages. */
  announcements: number;
  /** CPU of the one session that did it all, in ms. */
  cpuMs: number;
}

/** Submits, claims and completes `jobs` jobs of 1,000 owners, each with its own call, and divides. */
export async function measureCost(jobs: number): Promise<JobCost> {
  await using database = await startBenchCluster({ durable: false });
  const name = await database.fresh("product");
  const sql = database.cluster.connect("supabase_admin", name, { max: 1 });
  const run = async (count: number) => {
    for (let i = 0; i < count; i++) await submit(sql, 1, 1_000);
    let after = nobody;
    for (let i = 0; i < count; i++) {
      const claimed = await claim(sql, 1, after);
      after = claimed[0]?.owner_key ?? nobody;
      await complete(sql, claimed);
    }
  };
  const read = async () => {
    const [row] = await sql`
      select pg_backend_pid() as pid,
        pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal,
        (select sum(pg_total_relation_size(name::regclass)) from unnest(array['jobs', 'waits', 'attempts', 'idempotency_keys']) part,
          format('durable_responses.%I', part) name)::float8 as disk,
        (select count(*) from realtime.messages)::float8 as announcements`;
    return {
      wal: Number(row?.wal),
      disk: Number(row?.disk),
      announcements: Number(row?.announcements),
      cpuMs: await cpuOf(Number(row?.pid)),
    };
  };
  await run(50);
  // After a checkpoint, the first change of each page logs the full page. The run is too short for another checkpoint.
  await sql`checkpoint`;
  const before = await read();
  await run(jobs);
  const after = await read();
  await sql.end();
  return {
    wal: (after.wal - before.wal) / jobs,
    disk: (after.disk - before.disk) / jobs,
    announcements: (after.announcements - before.announcements) / jobs,
    cpuMs: (after.cpuMs - before.cpuMs) / jobs,
  };
}
