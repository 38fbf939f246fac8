-- Internals: the clock, the table of transitions and its guard, the shapes of a job as JSON, and the
-- few state changes that several public functions share. Nothing here is exposed by PostgREST.

create function durable_responses.clock() returns timestamptz
language sql stable set search_path = ''
as $$
  -- Transaction time; a test may pin it for its session. No API role can set it: PostgREST exposes no way to.
  select coalesce(nullif(current_setting('durable_responses.now', true), '')::timestamptz, now());
$$;
comment on function durable_responses.clock() is
  'The time every function goes by: now(), or the setting durable_responses.now where a test pins it.';

create function durable_responses.transition_allowed(
  p_from public.response_job_status, p_to public.response_job_status
) returns boolean
language sql immutable set search_path = ''
as $$
  select (p_from::text, p_to::text) in (
    values
      ('background', 'completed'), ('background', 'failed'), ('background', 'cancelled'),
      ('background', 'queued'), ('background', 'awaiting_approval'), ('background', 'needs_review'),
      ('queued', 'running'), ('queued', 'cancelled'), ('queued', 'failed'),
      ('running', 'completed'), ('running', 'failed'), ('running', 'cancelled'), ('running', 'queued'),
      ('running', 'awaiting_approval'), ('running', 'needs_review'),
      ('awaiting_approval', 'queued'), ('awaiting_approval', 'cancelled'), ('awaiting_approval', 'failed'),
      ('needs_review', 'queued'), ('needs_review', 'cancelled'), ('needs_review', 'completed'),
      ('needs_review', 'failed')
  );
$$;
comment on function durable_responses.transition_allowed(public.response_job_status, public.response_job_status) is
  'The lifecycle of a job, as data. The diagram in docs/architecture.md is drawn from it.';

create function durable_responses.guard_job() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if old.finished_at is not null then
    raise exception using errcode = 'DR409',
      message = format('Cannot change job %s: a %s job is final', old.id, old.status),
      hint = 'Retry it: that makes a new job.';
  end if;
  if old.status is distinct from new.status
    and not durable_responses.transition_allowed(old.status, new.status) then
    raise exception using errcode = 'DR409',
      message = format('Cannot change job %s from %s to %s: there is no such transition', old.id, old.status, new.status),
      hint = 'See the state diagram in docs/architecture.md.';
  end if;
  new.updated_at := durable_responses.clock();
  return new;
end;
$$;
comment on function durable_responses.guard_job() is
  'Refuses every change of a final job and every transition that is not in the table.';
create trigger response_jobs_guard before update on public.response_jobs
  for each row execute function durable_responses.guard_job();

create function durable_responses.backoff_ms(p_failures integer, p_base_ms integer, p_cap_ms integer) returns integer
language sql volatile set search_path = ''
as $$
  -- Full jitter: anywhere between 0 and the exponential step, so that jobs that failed together do not
  -- come back together. 2^20 bounds the power before it is capped.
  select floor(random() * least(p_cap_ms, p_base_ms * power(2, least(greatest(p_failures, 1), 20) - 1)))::integer;
$$;
comment on function durable_responses.backoff_ms(integer, integer, integer) is
  'Delay in ms before the next try after so many failures: exponential, capped, full jitter.';

create function durable_responses.job_view(p_job public.response_jobs) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_job.id, 'status', p_job.status, 'profile', p_job.profile, 'metadata', p_job.metadata,
    'attempt', p_job.attempt, 'response_id', p_job.response_id, 'fallback_reason', p_job.fallback_reason,
    'run_at', p_job.run_at, 'deadline', p_job.deadline, 'retry_of', p_job.retry_of,
    'output_text', p_job.output_text, 'output', p_job.output, 'output_parsed', p_job.output_parsed,
    'usage', p_job.usage,
    'error', case when p_job.error_code is not null then
      jsonb_build_object('code', p_job.error_code, 'message', p_job.error_message)
        || case when p_job.error_hint is null then '{}'::jsonb else jsonb_build_object('hint', p_job.error_hint) end
    end,
    'created_at', p_job.created_at, 'updated_at', p_job.updated_at, 'finished_at', p_job.finished_at
  );
$$;
comment on function durable_responses.job_view(public.response_jobs) is
  'A job as its owner may see it: the body of GET /respond/:id.';

create function durable_responses.job_work(p_job public.response_jobs) returns jsonb
language sql stable set search_path = ''
as $$
  -- Times go out as what is left, in ms: a worker's clock may differ from the database's.
  select jsonb_build_object(
    'id', p_job.id, 'attempt', p_job.attempt, 'status', p_job.status, 'profile', p_job.profile,
    'input', p_job.input, 'request', p_job.request, 'failures', p_job.failures,
    'response_id', p_job.response_id,
    'deadline_left_ms', floor(extract(epoch from p_job.deadline - durable_responses.clock()) * 1000),
    'background_left_ms', floor(extract(epoch from p_job.background_until - durable_responses.clock()) * 1000)
  );
$$;
comment on function durable_responses.job_work(public.response_jobs) is
  'A job as a worker needs it: what to run, its fencing token, and the time that is left.';

create function durable_responses.lock_job(
  p_job_id uuid, p_attempt integer, p_statuses public.response_job_status[]
) returns public.response_jobs
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
begin
  select * into v_job from public.response_jobs where id = p_job_id for update;
  if not found then
    raise exception using errcode = 'DR404',
      message = format('Cannot find job %s', p_job_id), hint = 'It may have been pruned: see response_settings.retention_days.';
  end if;
  if v_job.attempt <> p_attempt or not v_job.status = any (p_statuses) then
    raise exception using errcode = 'DR410',
      message = format('Cannot write as attempt %s of job %s: the job is %s at attempt %s',
        p_attempt, p_job_id, v_job.status, v_job.attempt),
      hint = 'Somebody else has taken the job over; drop what you have.';
  end if;
  return v_job;
end;
$$;
comment on function durable_responses.lock_job(uuid, integer, public.response_job_status[]) is
  'Locks a job for a write by an attempt; refuses (DR410) any attempt that is no longer current. This is the fence.';

create function durable_responses.end_attempt(
  p_job_id uuid, p_attempt integer, p_outcome public.response_attempt_outcome,
  p_error jsonb default null, p_response_id text default null, p_request_id text default null,
  p_usage jsonb default null
) returns void
language sql set search_path = ''
as $$
  update public.response_attempts set
    outcome = p_outcome,
    error_code = p_error ->> 'code',
    error_type = left(p_error ->> 'type', 200),
    error_message = left(p_error ->> 'message', 2000),
    response_id = coalesce(p_response_id, response_id),
    request_id = coalesce(p_request_id, p_error ->> 'request_id', request_id),
    usage = coalesce(p_usage, usage),
    finished_at = durable_responses.clock()
  where job_id = p_job_id and number = p_attempt and outcome is null;
$$;
comment on function durable_responses.end_attempt(uuid, integer, public.response_attempt_outcome, jsonb, text, text, jsonb) is
  'Ends an attempt once. p_error: {code, message, hint?, type?, request_id?}.';

create function durable_responses.finish_failed(p_job_id uuid, p_error jsonb) returns public.response_jobs
language sql set search_path = ''
as $$
  update public.response_jobs set
    status = 'failed', finished_at = durable_responses.clock(),
    error_code = p_error ->> 'code', error_message = left(p_error ->> 'message', 2000),
    error_hint = left(p_error ->> 'hint', 2000),
    poll_at = null, background_until = null, run_at = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning *;
$$;
comment on function durable_responses.finish_failed(uuid, jsonb) is 'Makes a job failed. p_error: {code, message, hint?}.';

create function durable_responses.deadline_error(p_job public.response_jobs) returns jsonb
language sql immutable set search_path = ''
as $$
  select jsonb_build_object(
    'code', 'deadline_exceeded',
    'message', format('Cannot finish the job: its deadline was %s and it was still %s',
      to_char(p_job.deadline at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), p_job.status),
    'hint', 'Raise budgets.deadline_ms in the profile, or look in the attempts for what took so long; then retry the job.');
$$;
comment on function durable_responses.deadline_error(public.response_jobs) is 'The error of a job whose deadline has passed.';

create function durable_responses.requeue_after_failure(
  p_job public.response_jobs, p_error jsonb, p_retry_after_ms bigint default null
) returns public.response_jobs
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_run_at timestamptz;
  v_job public.response_jobs;
begin
  if p_job.failures + 1 >= p_job.max_attempts then
    return durable_responses.finish_failed(p_job.id, p_error || jsonb_build_object(
      'message', format('%s (attempt %s of %s)', p_error ->> 'message', p_job.failures + 1, p_job.max_attempts)));
  end if;
  -- A Retry-After is a floor; the jitter goes on top, so that waiting jobs do not all come back at once.
  v_run_at := v_now + make_interval(secs => (
    coalesce(p_retry_after_ms, 0)
    + durable_responses.backoff_ms(p_job.failures + 1, p_job.backoff_base_ms, p_job.backoff_cap_ms)) / 1000.0);
  if v_run_at >= p_job.deadline then
    return durable_responses.finish_failed(p_job.id, jsonb_build_object(
      'code', 'deadline_exceeded',
      'message', format('Cannot try again before the deadline %s: the last try failed with %s: %s',
        to_char(p_job.deadline at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), p_error ->> 'code', p_error ->> 'message'),
      'hint', coalesce(p_error ->> 'hint', 'Mend what failed, then retry the job.')));
  end if;
  update public.response_jobs set
    status = 'queued', run_at = v_run_at, failures = failures + 1, leased_by = null, leased_until = null
  where id = p_job.id
  returning * into v_job;
  return v_job;
end;
$$;
comment on function durable_responses.requeue_after_failure(public.response_jobs, jsonb, bigint) is
  'After a failed synchronous try: queue again with backoff, or fail when tries or time are used up.';

revoke all on all functions in schema durable_responses from public, anon, authenticated;
grant execute on all functions in schema durable_responses to service_role;
