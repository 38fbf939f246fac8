-- The ledger: saving steps, and what becomes of calls that were in flight when an attempt ended.

create or replace function durable_responses.guard_job() returns trigger
language plpgsql set search_path = ''
as $$
begin
  if old.finished_at is not null then
    raise exception using errcode = 'DR409',
      message = format('Cannot change job %s: a %s job is final', old.id, old.status),
      hint = 'Retry it: that makes a new job.';
  end if;
  if old.status is distinct from new.status then
    if not durable_responses.transition_allowed(old.status, new.status) then
      raise exception using errcode = 'DR409',
        message = format('Cannot change job %s from %s to %s: there is no such transition', old.id, old.status, new.status),
        hint = 'See the state diagram in docs/architecture.md.';
    end if;
    -- What belongs to a person's decision goes when the decision is made.
    if old.status = 'awaiting_approval' then
      new.approval_until := null;
    elsif old.status = 'needs_review' then
      new.review_reason := null;
    end if;
  end if;
  new.ready := new.run_at is null or new.run_at <= durable_responses.clock();
  new.updated_at := durable_responses.clock();
  return new;
end;
$$;

create function durable_responses.write_steps(p_job public.response_jobs, p_attempt integer, p_steps jsonb) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_last integer := coalesce((select max(number) from public.response_steps where job_id = p_job.id), 0);
begin
  insert into public.response_steps (
    job_id, number, attempt, item_id, kind, status, effect, server_label, tool, arguments, call_key,
    output, error, item, started_at, finished_at
  )
  select
    p_job.id, v_last + ordinality, p_attempt, s ->> 'item_id', s ->> 'kind', (s ->> 'status')::public.response_step_status,
    (s ->> 'effect')::public.response_effect, s ->> 'server_label', s ->> 'tool', s ->> 'arguments', s ->> 'call_key',
    s ->> 'output', s ->> 'error', nullif(s -> 'item', 'null'), v_now,
    case when s ->> 'status' in ('started', 'uncertain', 'waiting') then null else v_now end
  from jsonb_array_elements(p_steps) with ordinality as given(s, ordinality)
  on conflict (job_id, attempt, item_id) do update set
    status = excluded.status, effect = excluded.effect, arguments = coalesce(excluded.arguments, response_steps.arguments),
    call_key = coalesce(excluded.call_key, response_steps.call_key), output = excluded.output, error = excluded.error,
    item = excluded.item, finished_at = excluded.finished_at
  -- What is settled stays settled: a late repeat of an earlier event changes nothing.
  where response_steps.status = 'started';
end;
$$;
comment on function durable_responses.write_steps(public.response_jobs, integer, jsonb) is
  'Writes steps [{item_id, kind, status, effect?, server_label?, tool?, arguments?, call_key?, output?, error?, item?}], each once per attempt and item.';

create function public.save_response_steps(p_job_id uuid, p_attempt integer, p_steps jsonb) returns boolean
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
  v_late jsonb;
  v_call jsonb;
begin
  select * into v_job from public.response_jobs where id = p_job_id for update;
  if not found then
    raise exception using errcode = 'DR404',
      message = format('Cannot find job %s', p_job_id), hint = 'It may have been pruned: see response_settings.retention_days.';
  end if;
  if v_job.attempt = p_attempt and v_job.status = 'running' then
    perform durable_responses.write_steps(v_job, p_attempt, p_steps);
    return true;
  end if;
  -- Too late to matter for the run, but not for the world: a call that an attempt made while it could not
  -- reach the database is evidence, and the only one. It is kept, and the job stops for a person if its
  -- next attempt may be about to make the same call.
  select jsonb_agg(case when s ->> 'status' = 'started' then s || '{"status": "uncertain"}' else s end) into v_late
  from jsonb_array_elements(p_steps) s
  where s ->> 'effect' = 'once' and s ->> 'status' in ('started', 'uncertain', 'finished');
  if v_late is null or p_attempt > v_job.attempt then
    return false;
  end if;
  perform durable_responses.write_steps(v_job, p_attempt, v_late);
  v_call := v_late -> 0;
  if v_job.on_uncertain = 'review' and (v_job.status = 'running' or (v_job.status = 'queued' and exists (
    select from public.response_steps where job_id = p_job_id and attempt = p_attempt and status = 'uncertain'
  ))) then
    perform durable_responses.settle_calls(v_job, v_job.attempt);
    perform durable_responses.park_for_review(p_job_id, v_job.attempt,
      format('Attempt %s reported late that it had called %s at %s', p_attempt, v_call ->> 'tool', v_call ->> 'server_label'), null);
  end if;
  return false;
end;
$$;
comment on function public.save_response_steps(uuid, integer, jsonb) is
  'Saves the steps of a running attempt as they start and finish. Returns false when the attempt is over; then only calls that must not be made twice are kept, as evidence, and the job goes to needs_review if it may be about to repeat one.';

create or replace function durable_responses.transition_allowed(
  p_from public.response_job_status, p_to public.response_job_status
) returns boolean
language sql immutable set search_path = ''
as $$
  select (p_from::text, p_to::text) in (
    values
      ('background', 'completed'), ('background', 'failed'), ('background', 'cancelled'),
      ('background', 'queued'), ('background', 'awaiting_approval'), ('background', 'needs_review'),
      ('queued', 'running'), ('queued', 'cancelled'), ('queued', 'failed'), ('queued', 'needs_review'),
      ('running', 'completed'), ('running', 'failed'), ('running', 'cancelled'), ('running', 'queued'),
      ('running', 'awaiting_approval'), ('running', 'needs_review'),
      ('awaiting_approval', 'queued'), ('awaiting_approval', 'cancelled'), ('awaiting_approval', 'failed'),
      ('needs_review', 'queued'), ('needs_review', 'cancelled'), ('needs_review', 'completed'),
      ('needs_review', 'failed')
  );
$$;

create function public.warn_response_attempt(p_job_id uuid, p_attempt integer, p_warning text) returns void
language sql set search_path = ''
as $$
  update public.response_attempts set warnings = warnings || left(p_warning, 500)
  where job_id = p_job_id and number = p_attempt and not left(p_warning, 500) = any (warnings);
$$;
comment on function public.warn_response_attempt(uuid, integer, text) is 'Notes something odd about an attempt that did not stop it.';

create function durable_responses.park_for_review(p_job_id uuid, p_attempt integer, p_reason text, p_error jsonb)
returns public.response_jobs
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
begin
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'parked', p_error);
  update public.response_jobs set
    status = 'needs_review', review_reason = p_reason,
    fallback_reason = case status when 'background' then p_error ->> 'code' else fallback_reason end,
    poll_at = null, background_until = null, run_at = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning * into v_job;
  return v_job;
end;
$$;
comment on function durable_responses.park_for_review(uuid, integer, text, jsonb) is
  'Stops a job until a person has said whether a side effect happened.';

create function durable_responses.settle_calls(p_job public.response_jobs, p_attempt integer) returns text
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_call public.response_steps;
begin
  -- Harmless ones are simply made again; so is everything when the profile says retry.
  update public.response_steps set status = 'void', finished_at = v_now
  where job_id = p_job.id and attempt = p_attempt
    and (status = 'started' and effect is distinct from 'once'
      or status in ('started', 'uncertain') and p_job.on_uncertain = 'retry');
  update public.response_steps set status = 'uncertain'
  where job_id = p_job.id and attempt = p_attempt and status = 'started';
  select * into v_call from public.response_steps
  where job_id = p_job.id and attempt = p_attempt and status = 'uncertain' order by number limit 1;
  if found then
    return format('The call of %s at %s was in flight when attempt %s ended: it may or may not have happened',
      coalesce(v_call.tool, 'a tool'), coalesce(v_call.server_label, 'its server'), p_attempt);
  end if;
  return null;
end;
$$;
comment on function durable_responses.settle_calls(public.response_jobs, integer) is
  'For an attempt that ended with calls in flight: harmless ones become void, the others uncertain. Returns what is uncertain, or null.';

create or replace function durable_responses.recover_lost_leases(p_limit integer) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
  v_error jsonb;
  v_uncertain text;
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
    v_uncertain := durable_responses.settle_calls(v_job, v_job.attempt);
    if v_uncertain is not null then
      perform durable_responses.park_for_review(v_job.id, v_job.attempt, v_uncertain, v_error);
    else
      perform durable_responses.end_attempt(v_job.id, v_job.attempt, 'lost', v_error);
      perform durable_responses.requeue_after_failure(v_job, v_error);
    end if;
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;

create or replace function durable_responses.fail_past_deadline(p_limit integer) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
  v_now timestamptz := durable_responses.clock();
  v_count integer := 0;
begin
  for v_job in
    select * from public.response_jobs
    where id in (
      (select id from public.response_jobs
        where status in ('queued', 'awaiting_approval') and deadline <= v_now order by deadline limit p_limit)
      union all
      (select id from public.response_jobs
        where status = 'awaiting_approval' and approval_until <= v_now order by approval_until limit p_limit)
    ) and status in ('queued', 'awaiting_approval')
    for update skip locked
  loop
    if v_job.deadline <= v_now then
      perform durable_responses.finish_failed(v_job.id, durable_responses.deadline_error(v_job));
    else
      perform durable_responses.finish_failed(v_job.id, jsonb_build_object(
        'code', 'approval_expired',
        'message', format('Cannot go on: nobody answered the request for approval within %s s', v_job.approval_ms / 1000),
        'hint', 'Retry the job to be asked again, or raise approval_ms in the profile.'));
    end if;
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;
comment on function durable_responses.fail_past_deadline(integer) is 'Fails waiting jobs whose deadline, or whose request for approval, has passed.';

revoke all on function
  durable_responses.write_steps(public.response_jobs, integer, jsonb),
  public.save_response_steps(uuid, integer, jsonb),
  public.warn_response_attempt(uuid, integer, text),
  durable_responses.park_for_review(uuid, integer, text, jsonb),
  durable_responses.settle_calls(public.response_jobs, integer)
from public, anon, authenticated, service_role;
grant execute on function
  durable_responses.write_steps(public.response_jobs, integer, jsonb),
  public.save_response_steps(uuid, integer, jsonb),
  public.warn_response_attempt(uuid, integer, text),
  durable_responses.park_for_review(uuid, integer, text, jsonb),
  durable_responses.settle_calls(public.response_jobs, integer)
to service_role;
