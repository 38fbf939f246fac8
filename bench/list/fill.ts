import type { Sql } from "postgres";

/** The owner of a tenth of all jobs. */
export const userId = "00000000-0000-4000-8000-000000000001";
/** An owner without jobs. */
export const newcomerId = "00000000-0000-4000-8000-000000000fff";

/**
 * Writes `count` jobs of 1,001 owners, one every 10 ms until now, without attempts, which no list of the client reads. A
 * tenth of the newest 10,000 is unfinished, in all statuses: a history grows, but the number of unfinished jobs does not. 2
 * % of the rest failed and 1% were cancelled. Runs as superuser, without triggers, then `vacuum analyze`, as autovacuum
 * would have done by then.
 */
export async function fill(sql: Sql, count: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`set local session_replication_role = replica`;
    await tx.unsafe(`
      insert into durable_responses.jobs (
        id, owner_id, profile, input, query_text, route, created_at, status, finished_from, finished_at, attempt, failures,
        output, output_text, error_code, error_message)
      select
        -- A UUIDv7 of its time, as durable_responses.uuid_v7() makes them.
        (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000' || substr(gen_random_uuid()::text, 20))::uuid,
        case when g % 10 = 0 then '${userId}' else '00000000-0000-4000-8000-' || lpad((1000 + g % 1000)::text, 12, '0') end::uuid,
        case g % 3 when 0 then 'mail' when 1 then 'default' else 'triage' end,
        to_jsonb('What is new in matter ' || g || '?'), 'What is new in matter ' || g || '?', 'bench', at,
        status, case when status is not null then 'running' end, case when status is not null then at + interval '5 s' end,
        case when status is not null then 1 end, case when status is not null then 0 end,
        case when status = 'completed' then '[{"type": "message"}]'::jsonb end,
        case when status = 'completed' then 'Nothing is new in matter ' || g || ', as far as anybody knows.' end,
        case when status = 'failed' then 'openai_policy' end, case when status = 'failed' then 'Cannot answer' end
      from (
        select g, now() - make_interval(secs => (${count} - g) / 100.0) as at,
          case when g > ${count} - 10000 and random() < 0.1 then null when random() < 0.02 then 'failed' when random() < 0.01 then 'cancelled'
            else 'completed' end as status
        from generate_series(1, ${count}) g
      ) made`);
    await tx.unsafe(`
      insert into durable_responses.waits (
        job_id, status, due, since, route, priority, owner_id, owner_key, attempt, worker, background_until, deadline, deadline_left_ms,
        review_reason)
      select id, status, now() + interval '1 hour', created_at, 'bench', 0, owner_id, owner_id, 1,
        case when status = 'running' then 'worker-1' end,
        case when status = 'background' then now() + interval '1 hour' end,
        case when status in ('background', 'queued', 'running') then now() + interval '1 day' end,
        case when status not in ('background', 'queued', 'running') then 1000 end,
        case when status = 'needs_review' then 'Nobody knows' end
      from (
        select id, created_at, owner_id, (array['background', 'queued', 'queued', 'running', 'awaiting_approval',
          'awaiting_tool_output', 'needs_review'])[1 + floor(random() * 7)::integer] as status
        from durable_responses.jobs where status is null
      ) unfinished`);
  });
  await sql`vacuum (analyze) durable_responses.jobs`;
  await sql`vacuum (analyze) durable_responses.waits`;
}
