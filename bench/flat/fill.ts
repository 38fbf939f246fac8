import type { Sql } from "postgres";

export const owners = 1_000;

/**
 * Writes `count` jobs of 1,000 owners straight into the table, as superuser and with triggers off: what is
 * measured is the claim, not how they came. Then `vacuum analyze`, as autovacuum would have done by then.
 */
export async function fill(
  sql: Sql,
  kind: "waiting" | "finished",
  count: number,
): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx`
      insert into public.response_routes (route, profile, model, created_at, updated_at)
      values ('bench', 'bench', '', now(), now()) on conflict do nothing`;
    await tx`
      insert into public.response_jobs (
        owner_id, status, profile, route, input, attempt, deadline, run_at, output, output_text,
        created_at, updated_at, finished_at)
      select
        ('00000000-0000-0000-0000-' || lpad(to_hex(1 + g % ${owners}::int), 12, '0'))::uuid,
        (case when ${
      kind === "waiting"
    } then 'queued' else 'completed' end)::public.response_job_status,
        'bench', 'bench', '"What is new?"', (${kind === "finished"})::int, now() + interval '1 day',
        case when ${kind === "waiting"} then now() - make_interval(secs => 1 + g % 3600) end,
        case when ${kind === "finished"} then '[{"type": "message"}]'::jsonb end,
        case when ${kind === "finished"} then 'ok' end,
        now() - interval '1 hour', now(), case when ${kind === "finished"} then now() end
      from generate_series(1, ${count}::int) g`;
  });
  await sql`vacuum (analyze) public.response_jobs`;
}
