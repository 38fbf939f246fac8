-- The outcome of an attempt: a result, a question, a failure, or a call in doubt.

create function public.complete_response_jobs(p_results jsonb) returns jsonb
language plpgsql set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
  set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_jobs uuid[];
  v_attempts integer[];
  v_routes text[];
  v_modes text[];
  v_took bigint[];
  v_steps record;
  v_route record;
begin
  -- In the order of their ids, so that two calls with the same jobs cannot deadlock.
  with given as materialized (
    -- One that is named twice counts once.
    select distinct on (job_id, attempt) * from jsonb_to_recordset(p_results) as r (
      job_id uuid, attempt integer, response_id text, output jsonb, output_text text, output_parsed jsonb,
      usage jsonb, request_id text)
    order by job_id, attempt
  ), gone as (
    -- Returns the columns that are needed below: joining them again would be nested loops, the square of the batch.
    delete from durable_responses.waits w using given g
    where w.job_id = g.job_id and w.attempt = g.attempt and w.status in ('background', 'running')
    returning w.job_id, w.attempt, w.status, w.route, w.failures, w.fallback_reason, w.worker, w.warnings, w.since,
      case w.status when 'background' then 'background' else 'synchronous' end as mode,
      coalesce(g.response_id, w.response_id) as response_id, coalesce(g.request_id, w.request_id) as request_id,
      g.output, g.output_text, nullif(g.output_parsed, 'null') as output_parsed, nullif(g.usage, 'null') as usage
  ), written as (
    update durable_responses.jobs j set
      status = 'completed', finished_from = x.status, finished_at = v_now, attempt = x.attempt, failures = x.failures,
      fallback_reason = x.fallback_reason, response_id = x.response_id,
      output = x.output, output_text = x.output_text, output_parsed = x.output_parsed, usage = x.usage
    from gone x
    where j.id = x.job_id
  ), ended as (
    insert into durable_responses.attempts (
      job_id, number, mode, worker, response_id, request_id, outcome, usage, warnings, started_at, finished_at)
    select job_id, attempt, mode, worker, response_id, request_id, 'completed', usage, warnings, since, v_now from gone
  )
  select array_agg(job_id), array_agg(attempt), array_agg(route), array_agg(mode),
    array_agg(floor(extract(epoch from v_now - since) * 1000))
  into v_jobs, v_attempts, v_routes, v_modes, v_took
  from gone;
  if v_jobs is null then
    return '[]';
  end if;

  -- Most runs have saved everything before they end.
  if jsonb_path_exists(p_results, '$[*].steps[*]') then
    for v_steps in
      select r.job_id, r.attempt, r.steps from jsonb_to_recordset(p_results) as r (job_id uuid, attempt integer, steps jsonb)
      where (r.job_id, r.attempt) in (select * from unnest(v_jobs, v_attempts)) and jsonb_array_length(r.steps) > 0
      order by r.job_id
    loop
      perform durable_responses.write_steps(v_steps.job_id, v_steps.attempt, v_steps.steps);
    end loop;
  end if;
  -- A response may end with a call in flight. If it must not be made twice, the ledger says that nobody knows its outcome.
  update public.response_steps s set
    status = case when s.effect = 'once' and j.on_uncertain = 'review' then 'uncertain' else 'void' end,
    finished_at = case when s.effect is distinct from 'once' or j.on_uncertain = 'retry' then v_now end
  from unnest(v_jobs, v_attempts) w (job_id, attempt)
    join durable_responses.jobs j on j.id = w.job_id
  where s.job_id = w.job_id and s.attempt = w.attempt and s.status = 'started';

  for v_route in
    select r.route, w.mode, w.took
    from (
      select route, mode, avg(took)::bigint as took from unnest(v_routes, v_modes, v_took) each (route, mode, took)
      group by route, mode) w
      join public.response_routes r on r.route = w.route
    where case w.mode
      when 'background' then r.breaker <> 'closed' or r.background_failures > 0 or r.paused_until <= v_now
      -- A sample is enough for an average; a write by every call would make all of them wait for one row.
      else r.paused_until <= v_now or r.typical_ms is null or random() < 0.1
    end
    order by r.route
  loop
    perform durable_responses.route_succeeded(v_route.route, v_route.mode, v_route.took);
  end loop;
  perform durable_responses.announce_jobs(v_jobs);
  return to_jsonb(v_jobs);
end;
$$;
comment on function public.complete_response_jobs(jsonb) is
  'Writes results [{job_id, attempt, response_id, output, output_text?, output_parsed?, usage?, request_id?, steps?}]. Returns the ids of the jobs that took their result; for the others, the attempt had ended.';

create function public.complete_response_job(
  p_job_id uuid, p_attempt integer, p_response_id text, p_output jsonb, p_output_text text default null,
  p_output_parsed jsonb default null, p_usage jsonb default null, p_request_id text default null, p_steps jsonb default '[]'
) returns json
language plpgsql set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_wait durable_responses.waits;
  v_job durable_responses.jobs;
  v_mode text;
  v_started boolean;
  v_watched boolean;
  v_learns boolean;
begin
  -- The same as complete_response_jobs() does for many. For one job, simple statements cost half as much.
  delete from durable_responses.waits
  where job_id = p_job_id and attempt = p_attempt and status in ('background', 'running')
  returning * into v_wait;
  if not found then
    -- Refuses, and says why.
    perform durable_responses.lock_attempt(p_job_id, p_attempt, '{}');
  end if;
  v_mode := case v_wait.status when 'background' then 'background' else 'synchronous' end;
  p_usage := nullif(p_usage, 'null');
  update durable_responses.jobs set
    status = 'completed', finished_from = v_wait.status, finished_at = v_now, attempt = p_attempt, failures = v_wait.failures,
    fallback_reason = v_wait.fallback_reason, response_id = coalesce(p_response_id, v_wait.response_id),
    output = p_output, output_text = p_output_text, output_parsed = nullif(p_output_parsed, 'null'), usage = p_usage
  where id = p_job_id
  returning * into v_job;
  if p_steps <> '[]' then
    perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  end if;
  -- What else there may be to do, in the same look; after the wait was locked, as watches are read (12_announcements.sql).
  insert into durable_responses.attempts (
    job_id, number, mode, worker, response_id, request_id, outcome, usage, warnings, started_at, finished_at)
  values (
    p_job_id, p_attempt, v_mode, v_wait.worker, v_job.response_id, coalesce(p_request_id, v_wait.request_id), 'completed', p_usage,
    v_wait.warnings, v_wait.since, v_now)
  returning
    exists (select from public.response_steps where job_id = p_job_id and attempt = p_attempt and status = 'started'),
    exists (select from public.response_watches where watched_until > now()),
    (select case v_mode
      when 'background' then r.breaker <> 'closed' or r.background_failures > 0 or r.paused_until <= v_now
      else r.paused_until <= v_now or r.typical_ms is null or random() < 0.1
    end from public.response_routes r where r.route = v_wait.route)
  into v_started, v_watched, v_learns;
  if v_started then
    update public.response_steps set
      status = case when effect = 'once' and v_job.on_uncertain = 'review' then 'uncertain' else 'void' end,
      finished_at = case when effect is distinct from 'once' or v_job.on_uncertain = 'retry' then v_now end
    where job_id = p_job_id and attempt = p_attempt and status = 'started';
  end if;
  if v_learns then
    perform durable_responses.route_succeeded(v_wait.route, v_mode, durable_responses.ms_between(v_wait.since, v_now));
  end if;
  if v_watched then
    perform durable_responses.announce_jobs(array[p_job_id]);
  end if;
  return durable_responses.job_view(v_job, null);
end;
$$;
comment on function public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text, jsonb) is
  'Writes the result of one attempt. Refuses (DR410) an attempt that has ended.';

create function durable_responses.status_while_asked(p_job_id uuid) returns text
language plpgsql stable set search_path = ''
as $$
begin
  -- People first: their answer may settle a call that the caller would otherwise be asked to make.
  return (
    select case when bool_or(kind = 'mcp_approval_request') then 'awaiting_approval' else 'awaiting_tool_output' end
    from public.response_steps
    where job_id = p_job_id and status = 'waiting' and run_by is distinct from 'worker'
    having count(*) > 0);
end;
$$;
comment on function durable_responses.status_while_asked(uuid) is
  'The status of a job that waits for somebody outside: awaiting_approval while a person is asked, else awaiting_tool_output; null when nobody is asked.';

create function durable_responses.continue_when_answered(p_wait durable_responses.waits) returns void
language plpgsql set search_path = ''
as $$
declare
  v_asked constant text := durable_responses.status_while_asked(p_wait.job_id);
begin
  if v_asked is null then
    perform durable_responses.requeue(p_wait);
  elsif v_asked <> p_wait.status then
    perform durable_responses.hold(p_wait, v_asked, null);
  end if;
end;
$$;
comment on function durable_responses.continue_when_answered(durable_responses.waits) is
  'Several may have been asked at once: the run continues when the last has answered.';

create function public.suspend_response_job(
  p_job_id uuid, p_attempt integer, p_response_id text, p_steps jsonb, p_usage jsonb default null, p_answers jsonb default '{}'
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background,running}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(p_job_id, p_attempt);
  perform durable_responses.end_attempt(v_wait, 'suspended', null, p_response_id, null, nullif(p_usage, 'null'));
  if v_uncertain is not null then
    -- The review comes first: the next run asks again for what still needs a yes.
    update public.response_steps set status = 'void', finished_at = durable_responses.clock()
    where job_id = p_job_id and attempt = p_attempt and status = 'waiting' and kind = 'mcp_approval_request';
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain);
  else
    perform durable_responses.answer_as_guard(p_job_id, p_attempt, p_answers);
    if p_response_id is not null then
      -- As for a response that completes: OpenAI answers again.
      perform durable_responses.route_answered(v_wait.route, durable_responses.ms_between(v_wait.since, durable_responses.clock()));
    end if;
    perform durable_responses.hold(v_wait, coalesce(durable_responses.status_while_asked(p_job_id), 'awaiting_approval'), null);
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.suspend_response_job(uuid, integer, text, jsonb, jsonb, jsonb) is
  'The model asked to call tools that need a person''s yes, or that the caller makes: the job waits, without a worker. p_answers, {<item_id>: {approve, reason?}}: answers that need no person; they are sent with the person''s. If a call is in doubt, the job is held for review instead.';

create function durable_responses.may_retry_refused_key(p_wait durable_responses.waits, p_error jsonb) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return p_error ->> 'code' = 'openai_auth_failed' and p_error ->> 'status' = '401'
    and p_wait.failures + 1 < (select max_attempts from durable_responses.jobs where id = p_wait.job_id)
    and not exists (
      select from durable_responses.attempts where job_id = p_wait.job_id and error_code = 'openai_key_refused')
    -- A key that OpenAI calls incorrect gets another try only if it worked a moment ago.
    and (p_error ->> 'type' is distinct from 'invalid_api_key' or exists (
      select from durable_responses.jobs
      where status = 'completed' and finished_at > durable_responses.clock() - interval '15 minutes'));
end;
$$;
comment on function durable_responses.may_retry_refused_key(durable_responses.waits, jsonb) is
  'Whether OpenAI refused the key with a 401 for the first time in this job: valid keys are refused once in thousands of requests.';

create function public.fail_response_job(
  p_job_id uuid, p_attempt integer, p_error jsonb, p_cancel_upstream boolean default false, p_steps jsonb default '[]'
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background,running}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(p_job_id, p_attempt);
  if v_uncertain is null and durable_responses.may_retry_refused_key(v_wait, p_error) then
    perform durable_responses.end_attempt(v_wait, 'failed', p_error || '{"code": "openai_key_refused"}');
    if v_wait.status = 'background' then
      v_wait.fallback_reason := 'openai_key_refused';
    end if;
    perform durable_responses.requeue_after_failure(v_wait, p_error);
    return durable_responses.job_view(p_job_id);
  end if;
  perform durable_responses.pause_for(p_job_id, p_error, null);
  if p_cancel_upstream and v_wait.response_id is not null then
    perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, v_wait.response_id);
  end if;
  -- Even a permanent failure waits for a person while a side effect is uncertain, because a retry must know the outcome.
  if v_uncertain is not null then
    perform durable_responses.end_attempt(v_wait, 'suspended', p_error);
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain, p_error);
  else
    perform durable_responses.end_attempt(v_wait, 'failed', p_error);
    perform durable_responses.finish(v_wait, 'failed', p_error);
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.fail_response_job(uuid, integer, jsonb, boolean, jsonb) is
  'The attempt failed permanently: the job fails, or is held for review while a call is in doubt. p_error: {code, message, hint?, type?, request_id?}.';

create function public.retry_response_later(p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint default null) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
  v_uncertain constant text := durable_responses.settle_calls(p_job_id, p_attempt);
begin
  perform durable_responses.pause_for(p_job_id, p_error, p_retry_after_ms);
  if v_uncertain is not null then
    perform durable_responses.end_attempt(v_wait, 'suspended', p_error);
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain);
  else
    perform durable_responses.end_attempt(v_wait, 'failed', p_error);
    perform durable_responses.requeue_after_failure(v_wait, p_error, p_retry_after_ms);
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.retry_response_later(uuid, integer, jsonb, bigint) is
  'The attempt failed and may succeed later: queued again with backoff, at least p_retry_after_ms from now.';

create function public.quarantine_response_job(p_job_id uuid, p_attempt integer, p_error jsonb, p_steps jsonb default '[]') returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background,running}');
begin
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  -- A person decides, whatever on_uncertain says: the ledger and the model contradict each other.
  update public.response_steps set
    status = case when effect = 'once' then 'uncertain' when run_by is not null then 'waiting' else 'void' end,
    finished_at = case when effect is distinct from 'once' and run_by is null then durable_responses.clock() end
  where job_id = p_job_id and attempt = p_attempt and status = 'started';
  perform durable_responses.end_attempt(v_wait, 'suspended', p_error);
  perform durable_responses.hold(v_wait, 'needs_review', p_error ->> 'message', p_error);
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.quarantine_response_job(uuid, integer, jsonb, jsonb) is
  'Stops an attempt and holds the job for review: a call was repeated, or may have been made.';

revoke execute on function durable_responses.may_retry_refused_key(durable_responses.waits, jsonb), durable_responses.status_while_asked(uuid),
  durable_responses.continue_when_answered(durable_responses.waits), public.complete_response_jobs(jsonb),
  public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text, jsonb),
  public.suspend_response_job(uuid, integer, text, jsonb, jsonb, jsonb), public.fail_response_job(uuid, integer, jsonb, boolean, jsonb),
  public.retry_response_later(uuid, integer, jsonb, bigint), public.quarantine_response_job(uuid, integer, jsonb, jsonb)
  from public, anon, authenticated;
grant execute on function durable_responses.may_retry_refused_key(durable_responses.waits, jsonb), durable_responses.status_while_asked(uuid),
  durable_responses.continue_when_answered(durable_responses.waits), public.complete_response_jobs(jsonb),
  public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text, jsonb),
  public.suspend_response_job(uuid, integer, text, jsonb, jsonb, jsonb), public.fail_response_job(uuid, integer, jsonb, boolean, jsonb),
  public.retry_response_later(uuid, integer, jsonb, bigint), public.quarantine_response_job(uuid, integer, jsonb, jsonb) to service_role;
