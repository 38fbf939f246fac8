-- The background half of a job's life: recording what OpenAI accepted, looking after it, settling it.
-- A background response is watched from two sides, the webhook and the poll; both settle it through the
-- same fenced functions, so whichever comes first wins and the other finds nothing to do.

create function public.record_background_response(
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
      response_id = p_response_id,
      poll_at = durable_responses.clock() + make_interval(secs => p_poll_ms / 1000.0)
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
comment on function public.record_background_response(uuid, integer, text, text, integer) is
  'Records the response id that OpenAI gave to a background attempt. Returns {orphaned, job}: orphaned when the job has moved on meanwhile, and the response is to be cancelled at OpenAI.';

create function public.claim_background_job(p_response_id text, p_poll_ms integer default 30000) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
begin
  -- Pushing poll_at on keeps the poller away while the webhook settles the job; if the webhook's worker
  -- dies, the poll comes one interval later.
  update public.response_jobs set
    poll_at = durable_responses.clock() + make_interval(secs => p_poll_ms / 1000.0)
  where response_id = p_response_id and status = 'background'
  returning * into v_job;
  if found then
    return jsonb_build_object('known', true, 'work', durable_responses.job_work(v_job));
  end if;
  return jsonb_build_object('work', null, 'known',
    exists (select from public.response_attempts where response_id = p_response_id));
end;
$$;
comment on function public.claim_background_job(text, integer) is
  'For the webhook: the background job of a response. Returns {known, work}: work is null when it is settled already, known is false when no attempt has recorded this response.';

create function public.adopt_background_response(p_job_id uuid, p_attempt integer, p_response_id text, p_poll_ms integer default 30000)
returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_result jsonb;
begin
  if not exists (select from public.response_attempts where job_id = p_job_id and number = p_attempt and mode = 'background') then
    return jsonb_build_object('known', false, 'work', null);
  end if;
  v_result := public.record_background_response(p_job_id, p_attempt, p_response_id, null, p_poll_ms);
  return public.claim_background_job(p_response_id, p_poll_ms);
end;
$$;
comment on function public.adopt_background_response(uuid, integer, text, integer) is
  'Gives a response that OpenAI accepted but nobody recorded back to the attempt named in its metadata. Returns {known, work} as claim_background_job() does.';

create function public.claim_background_polls(p_limit integer default 20, p_poll_ms integer default 30000) returns jsonb
language sql set search_path = ''
as $$
  with due as (
    select id from public.response_jobs
    where status = 'background' and poll_at <= durable_responses.clock()
    order by poll_at limit p_limit
    for update skip locked
  ), claimed as (
    update public.response_jobs j set
      poll_at = durable_responses.clock() + make_interval(secs => p_poll_ms / 1000.0)
    from due where j.id = due.id
    returning j.*
  )
  select coalesce(jsonb_agg(durable_responses.job_work(c::public.response_jobs)), '[]'::jsonb) from claimed c;
$$;
comment on function public.claim_background_polls(integer, integer) is
  'Background jobs to look at now, each handed to one caller and due again after p_poll_ms. One without response_id has used up its accept budget.';

create function public.fall_back_response_job(p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint default 0)
returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background}');
begin
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
comment on function public.fall_back_response_job(uuid, integer, jsonb, bigint) is
  'Leaves background for a synchronous run, due at once or after p_retry_after_ms; p_error {code, message, type?, request_id?} says why.';

create function public.complete_response_job(
  p_job_id uuid, p_attempt integer, p_response_id text, p_output jsonb, p_output_text text default null,
  p_output_parsed jsonb default null, p_usage jsonb default null, p_request_id text default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background,running}');
begin
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
comment on function public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text) is
  'Writes the result of the current attempt; refused (DR410) for any other attempt.';

create function public.fail_response_job(
  p_job_id uuid, p_attempt integer, p_error jsonb, p_cancel_upstream boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background,running}');
begin
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'failed', p_error);
  if p_cancel_upstream then
    update public.response_attempts set cancel_pending = true
    where job_id = p_job_id and number = p_attempt and mode = 'background' and response_id is not null;
  end if;
  v_job := durable_responses.finish_failed(p_job_id, p_error);
  return durable_responses.job_view(v_job);
end;
$$;
comment on function public.fail_response_job(uuid, integer, jsonb, boolean) is
  'Fails a job for good: for failures that another try would not mend. p_error {code, message, hint?, type?, request_id?}; p_cancel_upstream keeps its background response marked until OpenAI has cancelled it.';

create function public.claim_pending_cancels(p_limit integer default 20) returns jsonb
language sql stable set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object('job_id', job_id, 'attempt', number, 'response_id', response_id)), '[]'::jsonb)
  from (
    select job_id, number, response_id from public.response_attempts where cancel_pending limit p_limit
  ) pending;
$$;
comment on function public.claim_pending_cancels(integer) is
  'Background responses to cancel at OpenAI: [{job_id, attempt, response_id}]. Cancelling twice is safe, so nothing is locked.';

create function public.confirm_upstream_cancel(p_job_id uuid, p_attempt integer) returns void
language sql set search_path = ''
as $$
  update public.response_attempts set cancel_pending = false where job_id = p_job_id and number = p_attempt;
$$;
comment on function public.confirm_upstream_cancel(uuid, integer) is 'OpenAI has confirmed that this background response is cancelled or over.';

revoke all on function
  public.record_background_response(uuid, integer, text, text, integer),
  public.claim_background_job(text, integer),
  public.adopt_background_response(uuid, integer, text, integer),
  public.claim_background_polls(integer, integer),
  public.fall_back_response_job(uuid, integer, jsonb, bigint),
  public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text),
  public.fail_response_job(uuid, integer, jsonb, boolean),
  public.claim_pending_cancels(integer),
  public.confirm_upstream_cancel(uuid, integer)
from public, anon, authenticated, service_role;
grant execute on function
  public.record_background_response(uuid, integer, text, text, integer),
  public.claim_background_job(text, integer),
  public.adopt_background_response(uuid, integer, text, integer),
  public.claim_background_polls(integer, integer),
  public.fall_back_response_job(uuid, integer, jsonb, bigint),
  public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text),
  public.fail_response_job(uuid, integer, jsonb, boolean),
  public.claim_pending_cancels(integer),
  public.confirm_upstream_cancel(uuid, integer)
to service_role;
