/** Letting time pass for one job, rather than waiting. */
import type { Sql } from "postgres";

const times: Readonly<Record<string, readonly string[]>> = {
  response_jobs: [
    "run_at",
    "poll_at",
    "background_until",
    "leased_until",
    "deadline",
    "approval_until",
  ],
  response_routes: ["paused_until", "probe_at"],
};

/**
 * Moves every time that a job goes by into the past by `ms`, and those of its route, as if so much time had gone by.
 * @param admin a connection as superuser
 */
export async function advance(admin: Sql, jobId: string, ms: number): Promise<void> {
  await admin.begin(async (sql) => {
    // As a replica no trigger runs: the job itself has not been changed, so its updated_at stays.
    await sql`set local session_replication_role = replica`;
    for (const [table, names] of Object.entries(times)) {
      const present = await sql<{ name: string }[]>`
        select column_name as name from information_schema.columns
        where table_schema = 'public' and table_name = ${table} and column_name in ${sql(names)}`;
      if (present.length === 0) continue;
      const moved = present.map(({ name }) => `${name} = ${name} - make_interval(secs => $2)`);
      const which = table === "response_jobs"
        ? "id = $1"
        : "route = (select route from public.response_jobs where id = $1)";
      await sql.unsafe(`update public.${table} set ${moved.join(", ")} where ${which}`, [
        jobId,
        ms / 1000,
      ]);
    }
    const [ready] = await sql`
      select from information_schema.columns
      where table_schema = 'public' and table_name = 'response_jobs' and column_name = 'ready'`;
    if (ready) {
      await sql`
        update public.response_jobs set ready = run_at is null or run_at <= now() where id = ${jobId}`;
    }
  });
}
