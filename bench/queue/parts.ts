/**
 * `deno run -A bench/queue/parts.ts`: where a job's time goes. CPU of the one Postgres session that does it, ms per job,
 * first as it is and then with one part after the other taken away. CPU, as that hardly depends on what else the machine does.
 */
import type { Sql } from "postgres";
import { claim, type Claimed, complete, nobody, submit, submitOne } from "../flat/claims.ts";
import { startBenchCluster } from "../support/database.ts";
import { cpuOf } from "../support/process.ts";

const jobs = 200;

await using database = await startBenchCluster({ durable: false });
const name = await database.fresh("product");
const sql = database.cluster.connect("supabase_admin", name, { max: 1 });
const [session] = await sql`select pg_backend_pid() as pid`;
const pid = Number(session?.pid);

console.log(
  "                         submit 1  claim 1  complete 1  submit 100 claim 100 complete 100   (ms of CPU a job)",
);
await measure("warm-up");
await measure("as it is");
await sql`alter table public.response_jobs disable trigger response_jobs_announce_new`;
await sql`alter table public.response_jobs disable trigger response_jobs_announce`;
await measure("no announcements");
await dropChecks(sql);
await measure("nor check constraints");
await sql`alter table public.response_jobs disable trigger response_jobs_guard`;
await measure("nor the guard");
await sql.end();
Deno.exit(0);

async function measure(what: string): Promise<void> {
  const one: Claimed = [];
  const many: Claimed = [];
  const columns = [
    await perJob(async () => {
      for (let i = 0; i < jobs; i++) await submitOne(sql);
    }),
    await perJob(async () => {
      for (let i = 0; i < jobs; i++) one.push(...await claim(sql, 1, nobody));
    }),
    await perJob(async () => {
      for (const job of one) await complete(sql, [job]);
    }),
  ];
  columns.push(
    await perJob(async () => {
      for (let i = 0; i < jobs; i += 100) await submit(sql, 100, jobs);
    }),
    await perJob(async () => {
      for (let i = 0; i < jobs; i += 100) many.push(...await claim(sql, 100, nobody));
    }),
    await perJob(async () => {
      for (let i = 0; i < jobs; i += 100) await complete(sql, many.slice(i, i + 100));
    }),
  );
  console.log(what.padEnd(24), columns.map((ms) => ms.toFixed(3).padStart(9)).join(" "));
}

async function perJob(work: () => Promise<void>): Promise<number> {
  const before = await cpuOf(pid);
  await work();
  return (await cpuOf(pid) - before) / jobs;
}

async function dropChecks(owner: Sql): Promise<void> {
  const checks = await owner`
    select conname from pg_constraint where conrelid = 'public.response_jobs'::regclass and contype = 'c'`;
  for (const { conname } of checks) {
    await owner`alter table public.response_jobs drop constraint ${owner(String(conname))}`;
  }
}
