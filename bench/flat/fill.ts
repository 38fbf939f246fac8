import type { Sql } from "postgres";

export const owners = 1_000;

/**
 * Writes `count` jobs of 1,000 owners directly into the tables, as superuser and without triggers, because the bench
 * measures the claim and not how the jobs got there. Then runs `vacuum analyze`, as autovacuum would have done by then.
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
    const owner = tx`
      ('00000000-0000-0000-0000-' || lpad(to_hex(1 + g % ${owners}::int), 12, '0'))::uuid`;
    if (kind === "finished") {
      await tx`
        insert into durable_responses.jobs (
          owner_id, profile, route, input, query_text, created_at,
          status, finished_from, finished_at, attempt, failures, output, output_text)
        select ${owner}, 'bench', 'bench', '"What is new?"', 'What is new?', now() - interval '1 hour',
          'completed', 'running', now(), 1, 0, '[{"type": "message"}]', 'ok'
        from generate_series(1, ${count}::int) g`;
    } else {
      await tx`
        with made as (
          insert into durable_responses.jobs (owner_id, profile, route, input, query_text, created_at)
          select ${owner}, 'bench', 'bench', '"What is new?"', 'What is new?', now() - interval '1 hour'
          from generate_series(1, ${count}::int) g
          returning id, owner_id
        )
        insert into durable_responses.waits (
          job_id, status, due, since, route, priority, owner_id, owner_key, ready, ready_xid, deadline)
        select id, 'queued', now() - make_interval(secs => 1 + floor(random() * 3600)), now(), 'bench', 0, owner_id, owner_id,
          true, pg_current_xact_id(), now() + interval '1 day'
        from made`;
    }
  });
  await sql`vacuum (analyze) durable_responses.jobs, durable_responses.waits`;
}
