/**
 * `deno run -A bench/queue/parts.ts [change.sql …]`: where a job's time goes. Measures the CPU of the one Postgres session
 * that does the work, in ms per job, unchanged and after each file's SQL (a function replaced, a trigger or an index
 * dropped), in turns. CPU time hardly depends on what else the machine does.
 */
import {
  claim,
  type Claimed,
  complete,
  completeOne,
  nobody,
  submit,
  submitOne,
} from "../flat/claims.ts";
import { type BenchCluster, startBenchCluster } from "../support/database.ts";
import { cpuOf } from "../support/process.ts";
import { summarize } from "../support/stats.ts";

const jobs = 400;
const rounds = 7;
const steps = ["submit 1", "claim 1", "complete 1", "submit 100", "claim 100", "complete 100"];

await using database = await startBenchCluster({ durable: false });
const variants = ["as it is", ...Deno.args].map((file) => ({
  file,
  taken: steps.map(() => [] as number[]),
}));
for (let round = 0; round < rounds; round++) {
  for (const { file, taken } of round % 2 === 0 ? variants : variants.toReversed()) {
    const measured = await measure(database, file);
    measured.forEach((ms, i) => taken[i]?.push(ms));
  }
}
console.log("ms of CPU a job".padEnd(28), steps.map((step) => step.padStart(12)).join(" "));
for (const { file, taken } of variants) {
  const cells = taken.map((values) => summarize(values).median.toFixed(4).padStart(12));
  console.log((file.split("/").at(-1) ?? file).padEnd(28), cells.join(" "));
}
Deno.exit(0);

async function measure(database: BenchCluster, file: string): Promise<number[]> {
  const name = await database.fresh("product");
  const sql = database.cluster.connect("supabase_admin", name, { max: 1 });
  if (file !== "as it is") await sql.unsafe(await Deno.readTextFile(file));
  const [session] = await sql`select pg_backend_pid() as pid`;
  const perJob = async (work: () => Promise<void>) => {
    const before = await cpuOf(Number(session?.pid));
    await work();
    return (await cpuOf(Number(session?.pid)) - before) / jobs;
  };
  const lap = async () => {
    const one: Claimed = [];
    const many: Claimed = [];
    const each = async (step: number, work: () => Promise<unknown>) => {
      for (let i = 0; i < jobs; i += step) await work();
    };
    return [
      await perJob(() => each(1, () => submitOne(sql))),
      await perJob(() => each(1, async () => one.push(...await claim(sql, 1, nobody)))),
      await perJob(() => each(1, () => completeOne(sql, one.pop()))),
      await perJob(() => each(100, () => submit(sql, 100, jobs))),
      await perJob(() => each(100, async () => many.push(...await claim(sql, 100, nobody)))),
      await perJob(() => each(100, () => complete(sql, many.splice(0, 100)))),
    ];
  };
  // The first lap fills the session's caches.
  await lap();
  const measured = await lap();
  await sql.end();
  await database.drop(name);
  return measured;
}
