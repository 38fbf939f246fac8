import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import type { Sql } from "postgres";
import { type Stack, startStack } from "../../packages/dev/stack.ts";
import { isFinalOrPaused } from "../../supabase/functions/_durable_responses/model/status.ts";
import { callRespond } from "./call.ts";
import { deafModel } from "./deaf-model.ts";
import { heldByReason } from "./held.ts";
import { type Load, submitAll } from "./load.ts";
import { makeNotes, readNotes } from "./notes.ts";
import { Random } from "./random.ts";
import { startStorm, type Storm, untilIdle, untilRest } from "./storm.ts";
import {
  duplicates,
  type JobRow,
  judge,
  lostEmails,
  readJobs,
  type Sent,
  unwantedEmails,
  type Verdict,
} from "./verdict.ts";
import type { Wish } from "./wish.ts";

export interface ChaosOptions extends Load {
  /** The share of background responses that succeed, 0 to 1. */
  works: number;
  seed: number;
  progress: (line: string) => void;
}

export interface ChaosResult {
  verdict: Verdict;
  /** How many jobs are held for review, by reason. */
  held: Record<string, number>;
  blows: number;
  seconds: number;
  /** What is wrong, one line each, for whoever investigates. */
  odd: string[];
}

/** Short, so that workers end in the middle of their work. */
const usualWallClockMs = 8_000;
/**
 * How long everything may take to come to rest after the load and the faults, in ms, and how much longer for each job.
 */
const restMs = 90_000;
const restPerJobMs = 150;
/** How long to wait for a route to be marked before the storm, in ms. */
const learnMs = 30_000;

/** Runs the load under faults, lets everything come to rest, and counts. */
export async function runChaos(
  { works, seed, progress, ...load }: ChaosOptions,
): Promise<ChaosResult> {
  const started = performance.now();
  await using parts = new AsyncDisposableStack();
  const { stack, sql } = await startTarget(parts);
  await learnWhoIsDeaf(stack, sql);
  const storm = startStorm(stack, new Random(seed), progress, works);
  parts.defer(() => storm.stop());
  const accepted = await submitAll(stack, load, new Random(seed + 1), (done) => {
    if (done % 50 === 0) progress(`  ${done} accepted, ${storm.blows()} blows`);
  });
  // The storm continues while the jobs run, not only while they are submitted.
  await untilRest(sql, { moving: load.jobs * 0.3, timeoutMs: 20_000 });
  const timeoutMs = restMs + load.jobs * restPerJobMs;
  const result = await comeToRest({ stack, sql, storm, timeoutMs, progress }, accepted);
  return { ...result, seconds: Math.round((performance.now() - started) / 1000) };
}

/** A stack with short times, in which a worker's life, a lease and a pause end within a run. */
export async function startTarget(parts: AsyncDisposableStack, wallClockMs = usualWallClockMs) {
  const stack = await startStack({
    wallClockMs,
    packages: "bundled",
    profiles: new URL("./profiles.ts", import.meta.url).pathname,
    env: { DURABLE_RESPONSES_LEASE_S: "2" },
    openaiTimings: {
      queuedMs: 10,
      backgroundFailAfterMs: 60,
      stepMs: 60,
      deltaMs: 1,
      argumentsMs: 1,
      webhookDelayMs: 5,
    },
  });
  parts.defer(() => stack.stop());
  const sql = stack.database.connect("supabase_admin", "postgres", { max: 2 });
  parts.defer(() => sql.end({ timeout: 1 }));
  await sql`select cron.alter_job(jobid, schedule := '1 seconds') from cron.job where jobname = 'durable-responses-wake'`;
  await sql`update response_settings set probe_interval_s = 2, quota_pause_s = 2`;
  await makeNotes(sql, stack);
  return { stack, sql };
}

/**
 * A route is marked by its first call without our yes. A run that is lost before that may act twice, which nobody can
 * foresee (docs/reliability.md). So the storm starts after the route is marked.
 */
async function learnWhoIsDeaf(stack: Stack, sql: Sql): Promise<void> {
  stack.openai?.faults.set([
    { kind: "background-works", match: { background: true } },
    { kind: "ignore-approval", match: { model: deafModel } },
  ]);
  const { token } = await stack.createUser();
  const body = {
    query: `[[plan: ${findEmail("invoice")}; ${replyToEmail("before the storm")}]] Reply`,
    profile: "mail-deaf",
  };
  const answer = await callRespond(stack, token, "", { body });
  if (answer.status !== 202) {
    throw new Error(
      `Cannot begin: a query was answered ${answer.status} ${JSON.stringify(answer.body)}`,
    );
  }
  const until = performance.now() + learnMs;
  while (performance.now() < until) {
    const [row] = await sql<{ done: boolean }[]>`
      select exists (select from response_routes where profile = 'mail-deaf' and ignores_approval)
        and not exists (select from response_jobs_internal where finished_at is null) as done`;
    if (row?.done) {
      // These jobs are not part of the count.
      await sql`delete from durable_responses.jobs`;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Cannot begin: a call without its yes did not mark its route in ${learnMs} ms`);
}

export interface Stormy {
  stack: Stack;
  sql: Sql;
  storm: Storm;
  timeoutMs: number;
  progress: (line: string) => void;
}

/** Ends the storm, lets everything come to rest, and counts. */
export async function comeToRest(
  { stack, sql, storm, timeoutMs, progress }: Stormy,
  wishes: readonly Wish[],
): Promise<Omit<ChaosResult, "seconds">> {
  await storm.stop();
  // What could not be found out in the storm is asked again.
  await sql`update durable_responses.doubts set tries = 0, due = now() where due is not null and tries > 0`;
  await untilRest(sql, { moving: 0, timeoutMs, progress });
  await untilIdle(stack, progress);
  const rows = await readJobs(sql);
  const held = await heldByReason(sql);
  const sent = [...stack.mailbox.sent, ...await readNotes(sql)];
  return {
    verdict: judge(wishes, rows, sent),
    held,
    blows: storm.blows(),
    odd: await explain(sql, rows, wishes, sent),
  };
}

/** What is wrong, with the history of the jobs concerned, as a start for an investigation. */
async function explain(
  sql: Sql,
  rows: readonly JobRow[],
  wishes: readonly Wish[],
  sent: Sent,
): Promise<string[]> {
  const lines: string[] = [];
  const tell = async (id: string, why: string) => {
    lines.push(`${id}: ${why}`);
    const events = await sql<{ at: Date; attempt: number; event: string; detail: string }[]>`
      select at, attempt, event, detail from response_timeline where job_id = ${id} order by at, attempt`;
    for (const { at, attempt, event, detail } of events) {
      lines.push(
        `    ${at.toISOString().slice(14, 23)} ${attempt} ${event} ${detail ?? ""}`.slice(0, 200),
      );
    }
  };
  const byId = new Map(rows.map((row) => [row.id, row]));
  const wrong: [Wish[], string][] = [
    [duplicates(wishes, sent), "sent twice"],
    [lostEmails(wishes.filter(({ deleted }) => !deleted), byId, sent), "never sent"],
    [unwantedEmails(wishes, sent), "sent, which nobody wanted"],
  ];
  for (const [of, why] of wrong) {
    for (const { ids, mark } of of) {
      for (const id of ids) await tell(id, `${mark} ${why}`);
    }
  }
  for (const row of rows.filter((row) => !isFinalOrPaused(row))) {
    await tell(row.id, `not at rest, ${row.status}`);
  }
  for (const row of rows.filter((row) => row.error_code === "worker_error")) {
    await tell(row.id, "worker_error");
  }
  return lines;
}
