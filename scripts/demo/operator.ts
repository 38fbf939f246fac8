/** What a scenario changes in SQL, as an operator would. */
import type { Sql } from "postgres";
import type { Timeline } from "./timeline/timeline.ts";

/** Makes pg_cron look for due work every second instead of every ten, so that nobody waits for its tick. */
export async function hurryCron(sql: Sql, timeline: Timeline): Promise<void> {
  await sql`
    select cron.schedule(jobname, '1 seconds', command) from cron.job where jobname = 'durable-responses-wake'`;
  timeline.now({
    actor: "operator",
    tone: "note",
    text: "pg_cron checks for due work every second here (every 10 s by default)",
  });
}
