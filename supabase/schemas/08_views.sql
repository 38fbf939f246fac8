-- What people read: response_jobs and response_attempts join what is stored in separate tables by how often it changes.
--
-- Each view is security_invoker and has only columns that are granted to users: one column without a grant would make the
-- whole view fail.
--
-- response_jobs is a union of branches, each in the list's order, so that a page of it is merged from the ends of indexes,
-- whatever the filter: final jobs of each status, and unfinished ones; each for callers who see everything, for those who
-- see one owner's, and for those who see several owners'. One branch for all callers (`sees_all() or owner_id = any (…)`)
-- would use no index. A branch that is not the caller's is not read. bench/list: a page at 1,000,000 jobs.

grant select (id, owner_id, status, profile, input, metadata, idempotency_key, retry_of, priority, max_attempts, on_uncertain,
  created_at, query_text, finished_at, attempt, failures, response_id, fallback_reason, output_text, output, output_parsed,
  usage, error_code, error_message, error_hint) on durable_responses.jobs to authenticated;
grant select (job_id, owner_id, status, due, since, attempt, response_id, failures, deadline, fallback_reason, review_reason, warnings)
  on durable_responses.waits to authenticated;
grant select (job_id, number, mode, response_id, outcome, error_code, error_message, usage, warnings, started_at, finished_at)
  on durable_responses.attempts to authenticated;

do $do$
declare
  v_callers constant text[] := array['(select durable_responses.sees_all())',
    '%s = (select durable_responses.only_owner())', '%s = any ((select durable_responses.several_owners())::uuid[])'];
  -- The status is a literal, so that a filter by another status ends a branch before it is read, with the plan
  -- that PostgREST's prepared statements share for all values too.
  v_final constant text := $$
    (select j.id, j.owner_id, %1$L::text as status, j.profile, j.query_text, j.attempt, j.failures, j.max_attempts,
      j.created_at, j.finished_at as updated_at, j.finished_at, null::timestamptz as run_at, null::timestamptz as answer_until,
      null::timestamptz as deadline, j.fallback_reason, null::text as review_reason, j.error_code, j.error_message, j.error_hint,
      j.output_text, j.output, j.output_parsed, j.usage, j.response_id, j.input, j.metadata, j.idempotency_key, j.retry_of,
      j.priority, j.on_uncertain
    from durable_responses.jobs j
    where j.status = %1$L and %2$s
    order by j.id desc)$$;
  v_unfinished constant text := $$
    (select w.job_id, w.owner_id, w.status, j.profile, j.query_text, w.attempt, w.failures, j.max_attempts,
      j.created_at, w.since, null::timestamptz, case when w.status = 'queued' then w.due end,
      case when w.status not in ('background', 'queued', 'running') then w.due end,
      w.deadline, w.fallback_reason, w.review_reason, null::text, null::text, null::text,
      null::text, null::jsonb, null::jsonb, null::jsonb, w.response_id, j.input, j.metadata, j.idempotency_key, j.retry_of,
      j.priority, j.on_uncertain
    from durable_responses.waits w join durable_responses.jobs j on j.id = w.job_id
    where %1$s
    order by w.job_id desc)$$;
  v_branches text[];
begin
  select array_agg(branch) into v_branches from (
    select format(v_final, s.status, format(caller, 'j.owner_id')) as branch
    from unnest(v_callers) caller, durable_responses.statuses s where s.final
    union all
    select format(v_unfinished, format(caller, 'w.owner_id')) from unnest(v_callers) caller
  ) branches;
  execute 'create view public.response_jobs with (security_invoker = true) as' || array_to_string(v_branches, ' union all ');
end;
$do$;
comment on view public.response_jobs is
  'One row for each job, as its owner may see it. Ids are ordered by time: order by id desc is newest first. Add a job with enqueue_response_job(). Change one only through functions.';
revoke all on public.response_jobs from public, anon, authenticated, service_role;
grant select on public.response_jobs to authenticated, service_role;

create view public.response_jobs_internal with (security_invoker = true) as
  select j.*, j.finished_at as updated_at, null::timestamptz as run_at, null::timestamptz as poll_at,
    null::timestamptz as leased_until, null::text as leased_by, null::timestamptz as answer_until,
    null::timestamptz as background_until, null::timestamptz as deadline, null::bigint as deadline_left_ms,
    null::text as review_reason, null::boolean as ready, null::bigint as min_life_ms, null::integer as stalled_lives,
    null::integer as settle_failures, null::text as settle_error
  from durable_responses.jobs j
  where j.status is not null
union all
  select j.id, j.owner_id, j.profile, j.input, j.request, j.metadata, j.idempotency_key, j.retry_of, j.first_id,
    j.priority, j.route,
    j.max_attempts, j.backoff_base_ms, j.backoff_cap_ms, j.deadline_ms, j.approval_ms, j.review_ms, j.poll_ms,
    j.background_ms, j.once_tools, j.on_uncertain, j.guard, j.settings, j.continued_from, j.created_at, j.query_text, w.status, j.finished_from, j.finished_at, w.attempt, w.failures,
    w.response_id, w.fallback_reason, j.output_text, j.output, j.output_parsed, j.usage, j.error_code, j.error_message, j.error_hint,
    w.since, case when w.status = 'queued' then w.due end, case when w.status = 'background' then w.due end,
    case when w.status = 'running' then w.due end, w.worker,
    case when w.status not in ('background', 'queued', 'running') then w.due end,
    w.background_until, w.deadline, w.deadline_left_ms, w.review_reason, w.ready, w.min_life_ms, w.stalled_lives,
    w.settle_failures, w.settle_error
  from durable_responses.waits w join durable_responses.jobs j on j.id = w.job_id;
comment on view public.response_jobs_internal is
  'response_jobs with everything that is stored, for service_role and the dashboard: leases, polls, budgets, the whole request.';
revoke all on public.response_jobs_internal from public, anon, authenticated, service_role;
grant select on public.response_jobs_internal to service_role;

create view public.response_attempts with (security_invoker = true) as
  select a.job_id, a.number, a.mode, a.response_id, a.outcome, a.error_code, a.error_message, a.usage, a.warnings,
    a.started_at, a.finished_at
  from durable_responses.attempts a
union all
  select w.job_id, w.attempt, case when w.status = 'background' then 'background' else 'synchronous' end, w.response_id,
    null, null, null, null, w.warnings, w.since, null
  from durable_responses.waits w
  where w.status in ('background', 'running');
comment on view public.response_attempts is
  'One row for each attempt at a job, background or synchronous. outcome is null while it runs.';
revoke all on public.response_attempts from public, anon, authenticated, service_role;
grant select on public.response_attempts to authenticated, service_role;

create view public.response_attempts_internal with (security_invoker = true) as
  select a.job_id, a.number, a.mode, a.worker, a.response_id, a.request_id, a.outcome, a.error_code, a.error_type, a.error_message,
    a.usage, a.warnings, a.started_at, a.finished_at, c.attempt is not null as cancel_pending
  from durable_responses.attempts a
    left join durable_responses.upstream_cancels c on c.job_id = a.job_id and c.attempt = a.number
union all
  select w.job_id, w.attempt, case when w.status = 'background' then 'background' else 'synchronous' end, w.worker, w.response_id,
    w.request_id, null, null, null, null, null, w.warnings, w.since, null, false
  from durable_responses.waits w
  where w.status in ('background', 'running');
comment on view public.response_attempts_internal is
  'response_attempts with everything that is stored, for service_role and the dashboard: workers, request ids, cancels that OpenAI has not confirmed.';
revoke all on public.response_attempts_internal from public, anon, authenticated, service_role;
grant select on public.response_attempts_internal to service_role;

-- Views have no foreign keys, so PostgREST is told how to embed: select=*,response_attempts(*),response_steps(*). The same
-- names embed in response_jobs_internal, with what only service_role may read.
create function public.response_attempts(public.response_jobs) returns setof public.response_attempts
language sql stable set search_path = '' rows 3
as $$
  select * from public.response_attempts where job_id = $1.id;
$$;
comment on function public.response_attempts(public.response_jobs) is 'A job''s attempts, for embedding in PostgREST.';
create function public.response_steps(public.response_jobs) returns setof public.response_steps
language sql stable set search_path = '' rows 10
as $$
  -- Column by column: four are not granted to users, who could read none with `select *`.
  select job_id, number, attempt, item_id, kind, status, effect, server_label, tool, run_by, arguments, null::text, null::integer, null::integer, digest, output, error,
    null::jsonb, call_id, answer, answered_by, answered_at, started_at, finished_at
  from public.response_steps where job_id = $1.id;
$$;
comment on function public.response_steps(public.response_jobs) is
  'A job''s steps, for embedding in PostgREST, as users may see them: call_key, call_repeat, round and item are null.';
create function public.response_attempts(public.response_jobs_internal) returns setof public.response_attempts_internal
language sql stable set search_path = '' rows 3
as $$
  select * from public.response_attempts_internal where job_id = $1.id;
$$;
comment on function public.response_attempts(public.response_jobs_internal) is
  'A job''s attempts with everything that is stored, for embedding in PostgREST.';
create function public.response_steps(public.response_jobs_internal) returns setof public.response_steps
language sql stable set search_path = '' rows 10
as $$
  select * from public.response_steps where job_id = $1.id;
$$;
comment on function public.response_steps(public.response_jobs_internal) is
  'A job''s steps with everything that is stored, for embedding in PostgREST.';
revoke execute on function public.response_attempts(public.response_jobs), public.response_steps(public.response_jobs),
  public.response_attempts(public.response_jobs_internal), public.response_steps(public.response_jobs_internal) from public, anon, authenticated;
grant execute on function public.response_attempts(public.response_jobs), public.response_steps(public.response_jobs)
  to authenticated, service_role;
grant execute on function public.response_attempts(public.response_jobs_internal), public.response_steps(public.response_jobs_internal)
  to service_role;
