-- The synchronous half: workers claim due jobs under a lease, renew it while they run, and give the job
-- back. A worker that stops renewing loses its jobs to the next claim; its late writes are fenced off.

create function durable_responses.recover_lost_leases(p_limit integer) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
  v_error jsonb;
  v_count integer := 0;
begin
  for v_job in
    select * from public.response_jobs
    where status = 'running' and leased_until <= durable_responses.clock()
    order by leased_until limit p_limit
    for update skip locked
  loop
    v_error := jsonb_build_object(
      'code', 'worker_lost',
      'message', format('Cannot finish attempt %s: worker %s stopped renewing its lease', v_job.attempt, v_job.leased_by),
      'hint', 'The platform ended the worker (wall clock, CPU, memory or a deploy). See the function''s logs; long runs belong on an off-platform worker.');
    perform durable_responses.end_attempt(v_job.id, v_job.attempt, 'lost', v_error);
    perform durable_responses.requeue_after_failure(v_job, v_error);
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;
comment on function durable_responses.recover_lost_leases(integer) is
  'Takes back running jobs whose worker no longer renews its lease: queued again, or failed when tries are used up.';

create function durable_responses.fail_past_deadline(p_limit integer) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
  v_count integer := 0;
begin
  for v_job in
    select * from public.response_jobs
    where status in ('queued', 'awaiting_approval') and deadline <= durable_responses.clock()
    order by deadline limit p_limit
    for update skip locked
  loop
    perform durable_responses.finish_failed(v_job.id, durable_responses.deadline_error(v_job));
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;
comment on function durable_responses.fail_past_deadline(integer) is 'Fails waiting jobs whose deadline has passed.';

create function public.claim_response_jobs(p_worker text, p_limit integer, p_lease_ms integer default 30000) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_claimed jsonb;
begin
  perform durable_responses.recover_lost_leases(100);
  perform durable_responses.fail_past_deadline(100);
  with due as (
    select id from public.response_jobs
    where status = 'queued' and run_at <= v_now
    order by priority desc, run_at limit p_limit
    for update skip locked
  ), claimed as (
    update public.response_jobs j set
      status = 'running', run_at = null, attempt = j.attempt + 1,
      leased_by = p_worker, leased_until = v_now + make_interval(secs => p_lease_ms / 1000.0)
    from due where j.id = due.id
    returning j.*
  ), attempts as (
    insert into public.response_attempts (job_id, number, mode, worker, started_at)
    select id, attempt, 'synchronous', p_worker, v_now from claimed
  )
  select jsonb_agg(durable_responses.job_work(c::public.response_jobs)) into v_claimed from claimed c;
  return coalesce(v_claimed, '[]'::jsonb);
end;
$$;
comment on function public.claim_response_jobs(text, integer, integer) is
  'Leases up to p_limit due jobs to a worker for p_lease_ms and starts an attempt for each; jobs of dead workers are recovered first. Returns [work].';

create function public.renew_response_leases(p_worker text, p_jobs jsonb, p_lease_ms integer default 30000) returns jsonb
language sql set search_path = ''
as $$
  with held as (
    select (held ->> 'id')::uuid as id, (held ->> 'attempt')::integer as attempt
    from jsonb_array_elements(p_jobs) held
  ), renewed as (
    update public.response_jobs j set
      leased_until = durable_responses.clock() + make_interval(secs => p_lease_ms / 1000.0)
    from held
    where j.id = held.id and j.attempt = held.attempt and j.status = 'running' and j.leased_by = p_worker
    returning j.id
  )
  select coalesce(jsonb_agg(id), '[]'::jsonb) from renewed;
$$;
comment on function public.renew_response_leases(text, jsonb, integer) is
  'Renews the leases on [{id, attempt}] in one call and returns the ids still held; a job that is missing from the answer was cancelled or taken over, and its run must stop.';

create function public.retry_response_later(p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint default null)
returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{running}');
begin
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'failed', p_error);
  v_job := durable_responses.requeue_after_failure(v_job, p_error, p_retry_after_ms);
  return durable_responses.job_view(v_job);
end;
$$;
comment on function public.retry_response_later(uuid, integer, jsonb, bigint) is
  'A synchronous try failed in a way that another try may mend: queued again with backoff and Retry-After, or failed when tries or time are used up.';

create function public.release_response_jobs(p_worker text, p_jobs jsonb) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
  v_count integer := 0;
begin
  for v_job in
    select j.* from public.response_jobs j
    join jsonb_array_elements(p_jobs) held on j.id = (held ->> 'id')::uuid and j.attempt = (held ->> 'attempt')::integer
    where j.status = 'running' and j.leased_by = p_worker
    order by j.id
    for update of j
  loop
    perform durable_responses.end_attempt(v_job.id, v_job.attempt, 'handed_over');
    update public.response_jobs set
      status = 'queued', run_at = durable_responses.clock(), leased_by = null, leased_until = null
    where id = v_job.id;
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;
comment on function public.release_response_jobs(text, jsonb) is
  'Hands over [{id, attempt}]: due again at once, not counted as a failure. For a worker whose time is up. Returns how many.';

create function public.response_work_due() returns boolean
language sql stable set search_path = ''
as $$
  select exists (select from public.response_jobs where status = 'queued' and run_at <= durable_responses.clock())
    or exists (select from public.response_jobs where status = 'running' and leased_until <= durable_responses.clock())
    or exists (select from public.response_jobs where status = 'background' and poll_at <= durable_responses.clock())
    or exists (select from public.response_jobs where status in ('queued', 'awaiting_approval') and deadline <= durable_responses.clock())
    or exists (select from public.response_attempts where cancel_pending);
$$;
comment on function public.response_work_due() is 'True when a worker would find something to do now. Five index probes.';

revoke all on function
  durable_responses.recover_lost_leases(integer),
  durable_responses.fail_past_deadline(integer),
  public.claim_response_jobs(text, integer, integer),
  public.renew_response_leases(text, jsonb, integer),
  public.retry_response_later(uuid, integer, jsonb, bigint),
  public.release_response_jobs(text, jsonb),
  public.response_work_due()
from public, anon, authenticated, service_role;
grant execute on function
  durable_responses.recover_lost_leases(integer),
  durable_responses.fail_past_deadline(integer),
  public.claim_response_jobs(text, integer, integer),
  public.renew_response_leases(text, jsonb, integer),
  public.retry_response_later(uuid, integer, jsonb, bigint),
  public.release_response_jobs(text, jsonb),
  public.response_work_due()
to service_role;
