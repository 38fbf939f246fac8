import type { Sql } from "postgres";
import type { Bench, BenchOptions, BenchResult, Row } from "../support/bench.ts";
import { type BenchCluster, startBenchCluster } from "../support/database.ts";
import { percentile, summarize } from "../support/stats.ts";
import { fill } from "./fill.ts";
import { ask, type Caller, callers, type Question, questions } from "./questions.ts";

export interface ListSizes {
  few: number;
  many: number;
  rounds: number;
}

/** What a page of the list costs as the table grows. */
export const list: Bench = {
  name: "list",
  title: "ms of a page of the list under row security: 1,000,000 jobs against 10,000",
  run: (options) =>
    measureList(
      options,
      options.quick
        ? { few: 10_000, many: 200_000, rounds: 8 }
        : { few: 10_000, many: 1_000_000, rounds: 30 },
    ),
};

interface Table {
  sql: Sql;
  /** The id of a job in the middle. */
  middle: string;
}

interface Asked {
  question: Question;
  caller: Caller;
  few: number[];
  many: number[];
}

/** Runs every query as every caller on both tables in turns. The line is about the worst one. */
export async function measureList(
  { progress }: BenchOptions,
  { few, many, rounds }: ListSizes,
): Promise<BenchResult> {
  await using database = await startBenchCluster({ durable: false });
  const small = await open(database, few);
  const large = await open(database, many);
  progress(`filled: ${few} and ${many} jobs`);
  const asked = questions.flatMap((question) =>
    question.callers.map((caller): Asked => ({
      question,
      caller,
      few: [],
      many: [],
    }))
  );
  // Not counted: PostgREST prepares its queries, and after five runs Postgres may choose one plan for all values.
  const warmUp = 7;
  for (let round = -warmUp; round < rounds; round++) {
    for (const one of asked) {
      const turns = [[small, one.few], [large, one.many]] as const;
      for (
        const [table, taken] of round % 2 === 0 ? turns : turns.toReversed()
      ) {
        const ms = await askAs(table, one);
        if (round >= 0) taken.push(ms);
      }
    }
  }
  await Promise.all([small.sql.end(), large.sql.end()]);
  const lists = asked.filter(({ question }) => question.kind !== "text");
  const texts = asked.filter(({ question }) => question.kind === "text");
  const worst = lists.toSorted((a, b) => ratio(b) - ratio(a));
  return {
    value: ratio(worst[0]),
    line: 2,
    unit: "ms",
    rows: (["time", "status", "owner", "text"] as const).flatMap((kind) =>
      rowsOf(kind, asked.filter(({ question }) => question.kind === kind), {
        few,
        many,
      })
    ),
    notes: [
      `worst: ${worst.slice(0, 3).map(describe).join("; ")}`,
      `by text, which looks at the newest 10,000 jobs that are visible: ${
        texts.map(describe).join("; ")
      }`,
    ],
  };
}

async function open(database: BenchCluster, count: number): Promise<Table> {
  const sql = database.cluster.connect(
    "supabase_admin",
    await database.fresh("product"),
    { max: 1 },
  );
  await fill(sql, count);
  const [row] = await sql`
    select id from durable_responses.jobs order by id offset ${Math.floor(count / 2)} limit 1`;
  return { sql, middle: String(row?.["id"]) };
}

async function askAs(
  { sql, middle }: Table,
  { question, caller }: Asked,
): Promise<number> {
  let ms = 0;
  await sql.begin(async (tx) => {
    const claims = JSON.stringify({
      ...callers[caller],
      role: "authenticated",
    });
    await tx`select set_config('request.jwt.claims', ${claims}, true), set_config('role', 'authenticated', true)`;
    ms = await ask(tx, question, middle);
  });
  return ms;
}

function ratio(asked: Asked | undefined): number {
  return asked ? percentile(asked.many, 50) / percentile(asked.few, 50) : NaN;
}

function describe(asked: Asked): string {
  const { question, caller, few, many } = asked;
  return `${question.name}, ${caller}: ${percentile(many, 50).toFixed(2)} ms against ${
    percentile(few, 50).toFixed(2)
  }, ${ratio(asked).toFixed(2)}×`;
}

function rowsOf(
  kind: Question["kind"],
  asked: Asked[],
  { few, many }: { few: number; many: number },
): Row[] {
  return [
    {
      name: `by ${kind}, ${few} jobs`,
      summary: summarize(asked.flatMap((one) => one.few)),
    },
    {
      name: `by ${kind}, ${many} jobs`,
      summary: summarize(asked.flatMap((one) => one.many)),
    },
  ];
}
