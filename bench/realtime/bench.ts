import { invoicePlan } from "../../packages/dev/mcp/mailbox.ts";
import type { Sql } from "postgres";
import { type Stack, startStack } from "../../packages/dev/stack.ts";
import type { Bench, BenchOptions, BenchResult } from "../support/bench.ts";
import { until } from "../support/stack.ts";
import { summarize } from "../support/stats.ts";

/** What is announced about a job. Each announcement is a row, and on the platform a billed Realtime message. */
export const realtime: Bench = {
  name: "realtime",
  title: "announcements of a job with two tool calls: watched by nobody, as a job, in a list",
  run: (options) => measureRealtime(options, options.quick ? 3 : 20),
};

const query = "Find the latest email about the invoice and reply that it will be paid on Friday";

type Watch = (sql: Sql, ids: { job?: string; owner: string }) => Promise<unknown>;
interface Variant {
  name: string;
  /** Registered before the job is submitted. */
  before?: Watch;
  /** When its id is known. */
  after?: Watch;
}

const variants: readonly Variant[] = [
  { name: "unwatched" },
  {
    name: "its job is watched",
    after: (sql, { job = "" }) => sql`select public.watch_response_job(${job})`,
  },
  {
    name: "its list is watched",
    before: (sql, { owner }) => sql`select durable_responses.register_watch(null, ${owner}, false)`,
  },
];

/** Runs jobs on the whole stack, one at a time, each variant in turns, and counts the rows of realtime.messages. */
export async function measureRealtime(
  { progress }: BenchOptions,
  jobs: number,
): Promise<BenchResult> {
  const stack = await startStack({ durable: false, plans: { [query]: invoicePlan } });
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 1 });
  try {
    const user = await stack.createUser();
    const measured = variants.map((variant) => ({ ...variant, values: [] as number[] }));
    for (let round = 0; round < jobs; round++) {
      for (const { before, after, values } of measured) {
        await sql`delete from public.response_watches`;
        await before?.(sql, { owner: user.id });
        const first = await announcements(sql);
        const job = await submit(stack, user.token);
        await after?.(sql, { job, owner: user.id });
        await completed(sql, job);
        values.push(await announcements(sql) - first);
      }
      progress(`round ${round + 1} of ${jobs}`);
    }
    const rows = measured.map(({ name, values }) => ({ name, summary: summarize(values) }));
    return {
      value: Math.max(...measured[0]?.values ?? [NaN]),
      line: 0,
      unit: "announcements",
      rows,
      notes: [
        "before watches were registered first, every job was announced: 9.7 on average in a soak",
      ],
    };
  } finally {
    await sql.end();
    await stack.stop();
  }
}

async function submit(stack: Stack, token: string): Promise<string> {
  const answer = await fetch(`${stack.functionsUrl}/respond`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${token}`,
      apikey: stack.publishableKey,
    },
    body: JSON.stringify({ query, profile: "mail" }),
  });
  const job: unknown = await answer.json();
  if (typeof job === "object" && job !== null && "id" in job) return String(job.id);
  throw new Error(`Cannot submit: HTTP ${answer.status} ${JSON.stringify(job)}`);
}

async function completed(sql: Sql, job: string): Promise<void> {
  await until(
    "the job",
    async () => {
      const [row] = await sql`select status from public.response_jobs where id = ${job}`;
      if (row?.["status"] === "failed") throw new Error(`Cannot measure job ${job}: it failed`);
      return row?.["status"] === "completed" || undefined;
    },
    60_000,
    50,
  );
}

async function announcements(sql: Sql): Promise<number> {
  const [row] = await sql`select count(*)::int as n from realtime.messages`;
  return Number(row?.["n"]);
}
