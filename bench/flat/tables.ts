import type { Sql } from "postgres";
import type { BenchCluster } from "../support/database.ts";
import { claim, nobody } from "./claims.ts";
import { fill } from "./fill.ts";

export interface TableSizes {
  /** Jobs waiting in the "empty" table, so that claims find some. */
  few: number;
  waiting: number;
  finished: number;
}

/** Milliseconds of each single claim, from an empty, a waiting and a finished table in turns. */
export async function measureTables(
  database: BenchCluster,
  sizes: TableSizes,
  claims: number,
  progress: (line: string) => void,
): Promise<Record<"empty" | "waiting" | "finished", number[]>> {
  const tables = {
    empty: await open(database, { few: sizes.few }),
    waiting: await open(database, { waiting: sizes.waiting }),
    finished: await open(database, { few: sizes.few, finished: sizes.finished }),
  };
  progress(`filled: ${sizes.waiting} waiting, ${sizes.finished} finished`);
  const taken = { empty: [] as number[], waiting: [] as number[], finished: [] as number[] };
  const names = ["empty", "waiting", "finished"] as const;
  const after = { empty: nobody, waiting: nobody, finished: nobody };
  const warmUp = Math.min(30, Math.floor(claims / 4));
  for (let i = 0; i < claims + warmUp; i++) {
    for (const name of i % 2 === 0 ? names : names.toReversed()) {
      const began = performance.now();
      const [job] = await claim(tables[name].sql, 1, after[name]);
      const ms = performance.now() - began;
      if (!job) {
        throw new Error(`Cannot measure a claim from '${name}': nothing waits there any more`);
      }
      after[name] = job.owner_key;
      if (i >= warmUp) taken[name].push(ms);
    }
  }
  for (const { name, sql } of Object.values(tables)) {
    await sql.end();
    await database.drop(name);
  }
  return taken;
}

async function open(
  database: BenchCluster,
  rows: { few?: number; waiting?: number; finished?: number },
): Promise<{ name: string; sql: Sql }> {
  const name = await database.fresh("product");
  const sql = database.cluster.connect("supabase_admin", name, { max: 1 });
  if (rows.finished !== undefined) await fill(sql, "finished", rows.finished);
  await fill(sql, "waiting", rows.waiting ?? rows.few ?? 0);
  return { name, sql };
}
