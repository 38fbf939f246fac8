import type { Sql } from "postgres";
// @ts-types="./deadline.d.ts"
import { deadline } from "deno-std/async/deadline.js";
import { startStack } from "../../packages/dev/stack.ts";
import { allBlows, type Blow, openaiFaults } from "./faults.ts";
import { type Accepted, submitAll } from "./load.ts";
import { Random } from "./random.ts";
import { isFinalOrPaused } from "../../supabase/functions/_durable_responses/model/status.ts";
import { duplicates, type JobRow, judge, readJobs, type Verdict } from "./verdict.ts";

export interface ChaosOptions {
  jobs: number;
  seed: number;
  progress: (line: string) => void;
}

export interface ChaosResult {
  verdict: Verdict;
  blows: number;
  seconds: number;
  /** What is wrong, one line each, for whoever has to find out why. */
  odd: string[];
}

const wallClockMs = 8_000;
/** After the load, faults stop, and this is how long all may take to come to rest, ms, and more per job. */
const restMs = 90_000;
const restPerJobMs = 150;

/** Longest that one blow may take, ms. */
const blowMs = 20_000;
/** Longest wait for what OpenAI still does at the end, ms. */
const idleMs = 15_000;
/** Longest wait for one read, ms. */
const readMs = 5_000;

/** Runs the load under faults, lets everything come to rest, and counts. */
export async function runChaos({ jobs, seed, progress }: ChaosOptions): Promise<ChaosResult> {
  const started = performance.now();
  const stack = await startStack({
    wallClockMs: wallClockMs,
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
  let storm: ReturnType<typeof startStorm> | undefined;
  try {
    const admin = stack.database.connect("supabase_admin", "postgres", { max: 2 });
    await admin`select cron.alter_job(jobid, schedule := '1 seconds') from cron.job where jobname = 'durable-responses-wake'`;
    await admin`update response_settings set probe_interval_s = 2, quota_pause_s = 2`;
    stack.openai?.faults.set([...openaiFaults]);
    stack.openai?.webhooks.faults.set([
      { kind: "lose", probability: 0.1 },
      { kind: "double", probability: 0.1 },
      { kind: "delay", ms: 800, probability: 0.1 },
      { kind: "disorder", holdMs: 300, probability: 0.05 },
      { kind: "forge", probability: 0.05 },
    ]);
    storm = startStorm(stack, new Random(seed), progress);
    const { blows } = storm;
    const accepted = await submitAll(stack, jobs, new Random(seed + 1), (done) => {
      if (done % 50 === 0) progress(`  ${done} accepted, ${blows()} blows`);
    });
    // The storm goes on over the running jobs, not only over their submission.
    await untilRest(() => readJobs(admin), jobs * 0.3, 20_000, () => {});
    await storm.stop();
    stack.openai?.faults.set([{ kind: "background-works", match: { background: true } }]);
    stack.openai?.webhooks.faults.clear();
    await untilRest(() => readJobs(admin), 0, restMs + jobs * restPerJobMs, progress);
    await untilIdle(stack, progress);
    const rows = await readJobs(admin);
    const verdict = judge(accepted, rows, stack.mailbox);
    const odd = await explain(admin, rows, duplicates(accepted, stack.mailbox));
    await admin.end({ timeout: 1 });
    return {
      verdict,
      blows: blows(),
      seconds: Math.round((performance.now() - started) / 1000),
      odd,
    };
  } finally {
    await storm?.stop();
    await stack.stop();
  }
}

/** What OpenAI still does might send an email. A stuck response whose id was lost on its way never ends, nor acts. */
async function untilIdle(stack: Stack, progress: (line: string) => void): Promise<void> {
  try {
    await deadline(stack.openai?.idle() ?? Promise.resolve(), idleMs);
  } catch (error) {
    progress(
      `  not everything at OpenAI has ended: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** What is wrong, with what happened to those jobs: the beginning of finding out why. */
async function explain(sql: Sql, rows: JobRow[], twice: Accepted[]): Promise<string[]> {
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
  for (const { id, mark } of twice) await tell(id, `sent ${mark} twice`);
  for (const row of rows.filter((row) => !isFinalOrPaused(row))) {
    await tell(row.id, `not at rest, ${row.status}`);
  }
  for (const row of rows.filter((row) => row.error_code === "worker_error")) {
    await tell(row.id, "worker_error");
  }
  return lines;
}

type Stack = Awaited<ReturnType<typeof startStack>>;

/** Draws blow after blow until it is stopped; every fault that is under way then ends first. */
function startStorm(stack: Stack, random: Random, progress: (line: string) => void) {
  let going = true;
  let count = 0;
  const storm = async () => {
    while (going) {
      await new Promise((resolve) => setTimeout(resolve, random.between(150, 900)));
      const blow = draw(random);
      try {
        await deadline(blow.strike(stack, random), blowMs);
        count++;
      } catch (error) {
        // A blow may hit what another has just taken down.
        progress(
          `  ${blow.name} missed or hung: ${error instanceof Error ? error.message : error}`,
        );
      }
    }
  };
  const ended = storm();
  return {
    blows: () => count,
    stop: async () => {
      going = false;
      await ended;
    },
  };
}

function draw(random: Random): Blow {
  const total = allBlows.reduce((sum, blow) => sum + blow.weight, 0);
  let left = random.next() * total;
  return allBlows.find((blow) => (left -= blow.weight) < 0) ?? allBlows[0];
}

/** Waits until at most `moving` jobs are not at rest, or so long. */
async function untilRest(
  read: () => Promise<JobRow[]>,
  moving: number,
  timeoutMs: number,
  progress: (line: string) => void,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (let told = 0; performance.now() < until;) {
    const left = await countMoving(read);
    if (left <= moving) return;
    if (performance.now() - told > 5_000) {
      told = performance.now();
      progress(`  ${left} jobs under way`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** A database that is down just now has all of them under way. */
async function countMoving(read: () => Promise<JobRow[]>): Promise<number> {
  try {
    return (await deadline(read(), readMs)).filter((row) => !isFinalOrPaused(row)).length;
  } catch (error) {
    if (
      error instanceof Error &&
      /CONN|EPIPE|57P0|closed|ended|recovery|starting up|timeout/i.test(
        `${error.message} ${"code" in error ? error.code : ""}`,
      )
    ) return Infinity;
    throw error;
  }
}
