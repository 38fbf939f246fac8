/**
 * Fills a local stack with generated jobs in every state, to look at in the console:
 * `deno run -A tests/console/seed.ts <superuser's database URL> [count] [owner's id]`.
 */
import postgres, { type Sql } from "postgres";
import { finishedPlots, open, type Plot } from "./seed/plots.ts";
import { createRandom, type Random } from "./seed/random.ts";
import { writeHistory } from "../support/job-history.ts";
import type { Rows } from "./seed/rows.ts";

export interface SeedOptions {
  /** How many jobs. Default: 300. */
  count?: number;
  /** Their owner; null for jobs of a server. Default: null. */
  ownerId?: string | null;
  /** How far back they reach, in hours. Most are recent. Default: 48. */
  hours?: number;
  /** The same seed gives the same jobs, except for owner and times. Default: 1. */
  seed?: number;
}

const longestStoryMs = 2 * 3_600_000;

/** Writes generated jobs, newest first, with their routes and workers. */
export async function seedJobs(sql: Sql, options: SeedOptions = {}): Promise<void> {
  const { count = 300, ownerId = null, hours = 48, seed = 1 } = options;
  const random = createRandom(seed);
  const now = Date.now();
  const rows: Rows = { jobs: [], attempts: [], steps: [] };
  const add = (plot: Plot, at: number) => {
    const scene = { random, ownerId, now };
    const first = plot({ ...scene, at });
    // A long story that starts now would end in the future.
    const isTooLate = Date.parse(String(first.jobs[0]?.updated_at)) > now;
    const made = isTooLate ? plot({ ...scene, at: at - longestStoryMs }) : first;
    rows.jobs.push(...made.jobs);
    rows.attempts.push(...made.attempts);
    rows.steps.push(...made.steps);
  };
  for (const [minutesAgo, plot] of open.slice(0, count)) add(plot, now - minutesAgo * 60_000);
  for (let made = open.length; made < count; made++) {
    // More jobs in recent times.
    const ago = (random.next() ** 1.6) * hours * 3_600_000 + 5_000;
    add(pickFinished(random), now - ago);
  }
  await writeHistory(sql, rows);
  await addRoutes(sql);
}

function pickFinished(random: Random): Plot {
  let left = random.next() * 100;
  for (const [share, plot] of finishedPlots) {
    left -= share;
    if (left < 0) return plot;
  }
  return finishedPlots[0]![1];
}

async function addRoutes(sql: Sql): Promise<void> {
  await sql`
    insert into public.response_routes (
      route, profile, model, tool_servers, breaker, background_failures, last_failure, probe_at,
      paused_until, pause_reason, max_running, typical_ms, created_at, updated_at
    ) values
      ('mail/gpt-6.1-sol/mailbox', 'mail', 'gpt-6.1-sol', '{mailbox}', 'open', 41, 'openai_server_error',
        now() + interval '4 minutes', null, null, null, 7400, now() - interval '9 days', now() - interval '12 seconds'),
      ('default/gpt-6.1-terra', 'default', 'gpt-6.1-terra', '{}', 'closed', 0, null,
        null, null, null, null, 5200, now() - interval '9 days', now() - interval '3 minutes'),
      ('triage/gpt-6.1-terra', 'triage', 'gpt-6.1-terra', '{}', 'closed', 1, 'openai_timeout',
        null, now() + interval '48 seconds', 'openai_rate_limited', 4, 1900, now() - interval '9 days', now() - interval '1 minute')
    on conflict (route) do nothing`;
  await sql`
    insert into public.response_workers (id, kind, started_at, seen_at) values
      ('edge-611', 'edge', now() - interval '71 seconds', now() - interval '2 seconds'),
      ('worker-fra-1', 'process', now() - interval '3 days', now() - interval '4 seconds')
    on conflict (id) do nothing`;
}

if (import.meta.main) {
  const [url, count = "300", owner] = Deno.args;
  if (url === undefined || !URL.canParse(url) || !(Number(count) > 0)) {
    console.error(
      "Usage: deno run -A tests/console/seed.ts <superuser's database URL> [count] [owner's id]",
    );
    Deno.exit(url === "--help" ? 0 : 2);
  }
  const sql = postgres(url, { max: 1 });
  try {
    await seedJobs(sql, { count: Number(count), ownerId: owner ?? null });
    console.log(`Wrote ${count} jobs`);
  } finally {
    await sql.end();
  }
}
