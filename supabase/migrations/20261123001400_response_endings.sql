-- How attempts end, now with steps: settling what was in flight, leaving background with what it did,
-- waiting for approvals, handing over, and telling a run that gets nowhere from one that is long.

create or replace function durable_responses.job_work(p_job public.response_jobs) returns jsonb
language sql stable set search_path = ''
as $$
  -- Times go out as what is left, in ms: a worker's clock may differ from the database's.
  select jsonb_build_object(
    'id', p_job.id, 'attempt', p_job.attempt, 'status', p_job.status, 'profile', p_job.profile,
    'input', p_job.input, 'request', p_job.request, 'failures', p_job.failures,
    'response_id', p_job.response_id, 'once_tools', p_job.once_tools, 'on_uncertain', p_job.on_uncertain,
    'deadline_left_ms', floor(extract(epoch from p_job.deadline - durable_responses.clock()) * 1000),
    'background_left_ms', floor(extract(epoch from p_job.background_until - durable_responses.clock()) * 1000),
    'steps', coalesce((
      select jsonb_agg(jsonb_build_object(
        'number', s.number, 'attempt', s.attempt, 'item_id', s.item_id, 'kind', s.kind, 'effect', s.effect,
        'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments, 'call_key', s.call_key,
        'output', s.output, 'error', s.error, 'item', s.item, 'answer', s.answer) order by s.number)
      from public.response_steps s
      where s.job_id = p_job.id and s.status in ('finished', 'failed')
    ), '[]'::jsonb)
  );
$$;
comment on function durable_responses.job_work(public.response_jobs) is
  'A job as a worker needs it: what to run, its fencing token, the steps that are done, and the time that is left.';

create function durable_responses.took_ms(p_job_id uuid, p_attempt integer) returns bigint
language sql stable set search_path = ''
as $$
  select floor(extract(epoch from durable_responses.clock() - started_at) * 1000)
  from public.response_attempts where job_id = p_job_id and number = p_attempt;
$$;
comment on function durable_responses.took_ms(uuid, integer) is 'How long an attempt has been under way, in ms.';

drop function public.fall_back_response_job(uuid, integer, jsonb, bigint);
create function public.fall_back_response_job(
  p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint default 0,
  p_steps jsonb default '[]', p_unknown boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(v_job, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(v_job, p_attempt);
  if p_unknown and v_job.once_tools and v_job.on_uncertain = 'review' then
    v_uncertain := coalesce(v_uncertain,
      'OpenAI may have run this in background and called its tools, but nobody knows: no response could be found');
    perform durable_responses.write_steps(v_job, p_attempt, jsonb_build_array(jsonb_build_object(
      'item_id', 'background_run', 'kind', 'background_run', 'status', 'uncertain')));
  end if;
  perform durable_responses.route_background_failed(v_job.route, p_error ->> 'code');
  perform durable_responses.pause_for(v_job, p_error, p_retry_after_ms);
  if v_uncertain is not null then
    v_job := durable_responses.park_for_review(p_job_id, p_attempt, v_uncertain, p_error);
    return durable_responses.job_view(v_job);
  end if;
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'failed', p_error);
  if v_job.deadline <= durable_responses.clock() then
    v_job := durable_responses.finish_failed(p_job_id, durable_responses.deadline_error(v_job));
  else
    update public.response_jobs set
      status = 'queued', fallback_reason = p_error ->> 'code',
      run_at = durable_responses.clock() + make_interval(secs => coalesce(p_retry_after_ms, 0) / 1000.0),
      response_id = null, poll_at = null, background_until = null
    where id = p_job_id
    returning * into v_job;
  end if;
  return durable_responses.job_view(v_job);
end;
$$;
comment on function public.fall_back_response_job(uuid, integer, jsonb, bigint, jsonb, boolean) is
  'Leaves background for a synchronous run that goes on after p_steps, due at once or after p_retry_after_ms. Goes to needs_review instead when one of them is uncertain, or when p_unknown says that a run may exist of which nothing is known and the tools must not act twice.';

drop function public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text);
create function public.complete_response_job(
  p_job_id uuid, p_attempt integer, p_response_id text, p_output jsonb, p_output_text text default null,
  p_output_parsed jsonb default null, p_usage jsonb default null, p_request_id text default null,
  p_steps jsonb default '[]'
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background,running}');
begin
  perform durable_responses.write_steps(v_job, p_attempt, p_steps);
  update public.response_steps set status = 'void', finished_at = durable_responses.clock()
  where job_id = p_job_id and attempt = p_attempt and status = 'started';
  perform durable_responses.route_succeeded(v_job.route,
    (case v_job.status when 'background' then 'background' else 'synchronous' end)::public.response_mode,
    durable_responses.took_ms(p_job_id, p_attempt));
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'completed', null, p_response_id, p_request_id, p_usage);
  update public.response_jobs set
    status = 'completed', finished_at = durable_responses.clock(), response_id = p_response_id,
    output = p_output, output_text = p_output_text, output_parsed = p_output_parsed, usage = p_usage,
    poll_at = null, background_until = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning * into v_job;
  return durable_responses.job_view(v_job);
end;
$$;
comment on function public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text, jsonb) is
  'Writes the result of the current attempt and its last steps; refused (DR410) for any other attempt.';

drop function public.fail_response_job(uuid, integer, jsonb, boolean);
create function public.fail_response_job(
  p_job_id uuid, p_attempt integer, p_error jsonb, p_cancel_upstream boolean default false, p_steps jsonb default '[]'
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background,running}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(v_job, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(v_job, p_attempt);
  perform durable_responses.pause_for(v_job, p_error, null);
  if p_cancel_upstream then
    update public.response_attempts set cancel_pending = true
    where job_id = p_job_id and number = p_attempt and mode = 'background' and response_id is not null;
  end if;
  -- Even a failure for good waits for a person while a side effect is uncertain: a retry must know.
  if v_uncertain is not null then
    return durable_responses.job_view(durable_responses.park_for_review(p_job_id, p_attempt, v_uncertain, p_error));
  end if;
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'failed', p_error);
  return durable_responses.job_view(durable_responses.finish_failed(p_job_id, p_error));
end;
$$;

comment on function public.fail_response_job(uuid, integer, jsonb, boolean, jsonb) is
  'Fails a job for good: for failures that another try would not mend. p_error {code, message, hint?, type?, request_id?}; p_steps is what the run did before; p_cancel_upstream keeps its background response marked until OpenAI has cancelled it. Goes to needs_review instead while a side effect is uncertain.';

create or replace function public.retry_response_later(p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint default null)
returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{running}');
  v_uncertain text := durable_responses.settle_calls(v_job, p_attempt);
begin
  perform durable_responses.pause_for(v_job, p_error, p_retry_after_ms);
  if v_uncertain is not null then
    return durable_responses.job_view(durable_responses.park_for_review(p_job_id, p_attempt, v_uncertain, p_error));
  end if;
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'failed', p_error);
  v_job := durable_responses.requeue_after_failure(v_job, p_error, p_retry_after_ms);
  return durable_responses.job_view(v_job);
end;
$$;

create function public.quarantine_response_job(p_job_id uuid, p_attempt integer, p_error jsonb) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{running}');
begin
  -- A person looks whatever on_uncertain says: the ledger and the model contradict each other.
  update public.response_steps set
    status = (case effect when 'once' then 'uncertain' else 'void' end)::public.response_step_status,
    finished_at = case when effect is distinct from 'once' then durable_responses.clock() end
  where job_id = p_job_id and attempt = p_attempt and status = 'started';
  return durable_responses.job_view(
    durable_responses.park_for_review(p_job_id, p_attempt, p_error ->> 'message', p_error));
end;
$$;
comment on function public.quarantine_response_job(uuid, integer, jsonb) is
  'The run began a call that the ledger says is done already: stopped, and a person decides.';

create function public.await_response_approval(p_job_id uuid, p_attempt integer, p_response_id text, p_steps jsonb, p_usage jsonb default null)
returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background,running}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(v_job, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(v_job, p_attempt);
  if v_uncertain is not null then
    -- First things first: the next run asks again for what still needs a yes.
    update public.response_steps set status = 'void', finished_at = durable_responses.clock()
    where job_id = p_job_id and attempt = p_attempt and status = 'waiting';
    return durable_responses.job_view(durable_responses.park_for_review(p_job_id, p_attempt, v_uncertain, null));
  end if;
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'parked', null, p_response_id, null, p_usage);
  update public.response_jobs set
    status = 'awaiting_approval',
    approval_until = durable_responses.clock() + make_interval(secs => approval_ms / 1000.0),
    poll_at = null, background_until = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning * into v_job;
  return durable_responses.job_view(v_job);
end;
$$;
comment on function public.await_response_approval(uuid, integer, text, jsonb, jsonb) is
  'The model asked to call a tool that needs a person''s yes: parked, with no worker held. Goes to needs_review instead while a side effect is uncertain.';

drop function public.release_response_jobs(text, jsonb);
create function public.release_response_jobs(p_worker text, p_jobs jsonb, p_full_life_ms bigint default null) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_held jsonb;
  v_job public.response_jobs;
  v_full boolean;
  v_lives integer;
  v_uncertain text;
  v_count integer := 0;
begin
  for v_held in select value from jsonb_array_elements(p_jobs) order by value ->> 'id' loop
    select * into v_job from public.response_jobs
    where id = (v_held ->> 'id')::uuid and attempt = (v_held ->> 'attempt')::integer
      and status = 'running' and leased_by = p_worker
    for update;
    continue when not found;
    v_count := v_count + 1;
    v_full := coalesce((v_held ->> 'full_life')::boolean, false);
    v_uncertain := durable_responses.settle_calls(v_job, v_job.attempt);
    if v_uncertain is not null then
      perform durable_responses.park_for_review(v_job.id, v_job.attempt, v_uncertain, null);
      continue;
    end if;
    perform durable_responses.end_attempt(v_job.id, v_job.attempt, 'handed_over');
    -- Progress is what the next run is spared: not reasoning and messages, which it makes anew, nor a
    -- list of tools that an earlier run had fetched already.
    if exists (
      select from public.response_steps s
      where s.job_id = v_job.id and s.attempt = v_job.attempt and s.status in ('finished', 'failed')
        and s.kind not in ('reasoning', 'message')
        and (s.kind <> 'mcp_list_tools' or not exists (
          select from public.response_steps before
          where before.job_id = v_job.id and before.attempt < v_job.attempt and before.kind = s.kind
            and before.item ->> 'server_label' is not distinct from s.item ->> 'server_label'))
    ) then
      update public.response_jobs set
        status = 'queued', run_at = v_now, leased_by = null, leased_until = null, stalled_lives = 0, min_life_ms = 0
      where id = v_job.id;
      continue;
    end if;
    -- Nothing finished: next time with a whole life; and after two whole lives only with no wall clock.
    v_lives := v_job.stalled_lives + v_full::integer;
    if v_lives < 2 then
      update public.response_jobs set
        status = 'queued', run_at = v_now, leased_by = null, leased_until = null,
        stalled_lives = v_lives, min_life_ms = coalesce(p_full_life_ms, min_life_ms)
      where id = v_job.id;
    elsif exists (select from public.response_workers where kind = 'process' and seen_at > v_now - interval '1 minute') then
      update public.response_jobs set
        status = 'queued', run_at = v_now, leased_by = null, leased_until = null,
        stalled_lives = v_lives, min_life_ms = 9223372036854775807
      where id = v_job.id;
    else
      perform durable_responses.finish_failed(v_job.id, jsonb_build_object(
        'code', 'budget_exceeded',
        'message', format('Cannot finish within a worker''s life: two whole lives (%s s each) finished not a single step',
          round(coalesce(p_full_life_ms, 0) / 1000.0)),
        'hint', 'Make the step shorter (a smaller task, less reasoning, a faster tool), or run an off-platform worker, which has no wall clock: npm run worker; then retry the job.'));
    end if;
  end loop;
  return v_count;
end;
$$;
comment on function public.release_response_jobs(text, jsonb, bigint) is
  'Hands over [{id, attempt, full_life?}]: due again at once, not counted as a failure. One that finished no step in a full life is tried once more on a fresh worker, then fails with budget_exceeded or goes to a worker with no wall clock. Returns how many.';

-- Polling: at the job's own interval, but never later than the moment at which its response counts as stuck
-- or the job is over.
create function durable_responses.next_poll(p_job public.response_jobs, p_after_ms bigint) returns timestamptz
language sql stable set search_path = ''
as $$
  -- least() passes over nulls: a limit that has passed must not bring the poll forward for ever.
  select least(
    durable_responses.clock() + make_interval(secs => p_after_ms / 1000.0),
    case when p_job.background_until > durable_responses.clock() then p_job.background_until end,
    case when p_job.deadline > durable_responses.clock() then p_job.deadline end
  );
$$;
comment on function durable_responses.next_poll(public.response_jobs, bigint) is
  'When to look at a background response next: after p_after_ms, but no later than its budget or the job''s deadline ends.';

create or replace function public.record_background_response(
  p_job_id uuid, p_attempt integer, p_response_id text, p_request_id text default null, p_poll_ms integer default 30000
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
  v_known text;
begin
  select * into v_job from public.response_jobs where id = p_job_id for update;
  if not found then
    raise exception using errcode = 'DR404', message = format('Cannot find job %s', p_job_id);
  end if;
  select response_id into v_known from public.response_attempts where job_id = p_job_id and number = p_attempt;
  if v_job.status = 'background' and v_job.attempt = p_attempt and v_job.response_id is null then
    update public.response_jobs set
      response_id = p_response_id, poll_at = durable_responses.next_poll(v_job, p_poll_ms)
    where id = p_job_id
    returning * into v_job;
  end if;
  if v_known is null then
    -- The job may have moved on while OpenAI was answering (cancelled, or past its accept budget). Then
    -- the response is an orphan that must not run its tools: it stays marked until its cancel is confirmed.
    update public.response_attempts set
      response_id = p_response_id, request_id = p_request_id,
      cancel_pending = v_job.response_id is distinct from p_response_id
    where job_id = p_job_id and number = p_attempt;
  end if;
  return jsonb_build_object(
    'orphaned', v_known is null and v_job.response_id is distinct from p_response_id,
    'job', durable_responses.job_view(v_job));
end;
$$;

drop function public.claim_background_polls(integer, integer);
create function public.claim_background_polls(p_limit integer default 20) returns jsonb
language sql set search_path = ''
as $$
  with due as (
    select id from public.response_jobs
    where status = 'background' and poll_at <= durable_responses.clock()
    order by poll_at limit p_limit
    for update skip locked
  ), claimed as (
    update public.response_jobs j set poll_at = durable_responses.next_poll(j, j.poll_ms)
    from due where j.id = due.id
    returning j.*
  )
  select coalesce(jsonb_agg(durable_responses.job_work(c::public.response_jobs)), '[]'::jsonb) from claimed c;
$$;
comment on function public.claim_background_polls(integer) is
  'Background jobs to look at now, each handed to one caller and due again after its poll_ms. One without response_id has used up its accept budget.';

revoke all on function
  durable_responses.next_poll(public.response_jobs, bigint),
  public.claim_background_polls(integer),
  durable_responses.took_ms(uuid, integer),
  public.fall_back_response_job(uuid, integer, jsonb, bigint, jsonb, boolean),
  public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text, jsonb),
  public.fail_response_job(uuid, integer, jsonb, boolean, jsonb),
  public.quarantine_response_job(uuid, integer, jsonb),
  public.await_response_approval(uuid, integer, text, jsonb, jsonb),
  public.release_response_jobs(text, jsonb, bigint)
from public, anon, authenticated, service_role;
grant execute on function
  durable_responses.next_poll(public.response_jobs, bigint),
  public.claim_background_polls(integer),
  durable_responses.took_ms(uuid, integer),
  public.fall_back_response_job(uuid, integer, jsonb, bigint, jsonb, boolean),
  public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text, jsonb),
  public.fail_response_job(uuid, integer, jsonb, boolean, jsonb),
  public.quarantine_response_job(uuid, integer, jsonb),
  public.await_response_approval(uuid, integer, text, jsonb, jsonb),
  public.release_response_jobs(text, jsonb, bigint)
to service_role;
