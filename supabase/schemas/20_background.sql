-- Background: recording the response, finding the job of a webhook, polling, falling back.

create function durable_responses.next_poll(p_wait durable_responses.waits, p_after_ms bigint) returns timestamptz
language plpgsql stable set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  -- least() ignores nulls: a limit that has passed must not keep bringing the poll forward.
  return least(
    v_now + make_interval(secs => p_after_ms / 1000.0),
    case when p_wait.background_until > v_now then p_wait.background_until end,
    case when p_wait.deadline > v_now then p_wait.deadline end
  );
end;
$$;
comment on function durable_responses.next_poll(durable_responses.waits, bigint) is
  'When to poll a background response next: after p_after_ms, but no later than its budget or the job''s deadline ends.';

create function durable_responses.job_or_deleted(p_job_id uuid, p_attempt integer) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  if exists (select from durable_responses.jobs where id = p_job_id) then
    return durable_responses.job_view(p_job_id);
  end if;
  if not exists (select from durable_responses.tombstones where job_id = p_job_id) then
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
  return jsonb_build_object('id', p_job_id, 'status', 'cancelled', 'attempt', p_attempt);
end;
$$;
comment on function durable_responses.job_or_deleted(uuid, integer) is
  'A job as its owner may see it. A deleted one counts as cancelled: its response is still ours. Refuses (DR404) a job that never was.';

create function public.is_response_of_another(p_job_id uuid, p_attempt integer, p_response_id text) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  -- Of other jobs, only background responses: the others are not stored at OpenAI, and nothing is asked about them by id.
  return exists (
      select from durable_responses.waits where response_id = p_response_id and (job_id <> p_job_id or attempt <> p_attempt))
    or exists (
      select from durable_responses.attempts
      where response_id = p_response_id and mode = 'background' and (job_id <> p_job_id or number <> p_attempt))
    or exists (
      select from durable_responses.attempts where job_id = p_job_id and number <> p_attempt and response_id = p_response_id);
end;
$$;
comment on function public.is_response_of_another(uuid, integer, text) is
  'Whether a response id belongs to another attempt, of this job or of another one. As the id of this attempt''s response it is useless: whoever asks for it reads, or cancels, another response.';

create function durable_responses.assign_response(
  p_wait durable_responses.waits, p_response_id text, p_request_id text, p_poll_ms integer
) returns void
language plpgsql set search_path = ''
as $$
begin
  if public.is_response_of_another(p_wait.job_id, p_wait.attempt, p_response_id) then
    return;
  end if;
  update durable_responses.waits set
    response_id = p_response_id, request_id = p_request_id, due = durable_responses.next_poll(p_wait, p_poll_ms)
  where job_id = p_wait.job_id;
exception
  -- Another job got the same id at this moment, or the id is too long for an index.
  when unique_violation or program_limit_exceeded then
    null;
end;
$$;
comment on function durable_responses.assign_response(durable_responses.waits, text, text, integer) is
  'Writes the id of the response that a background job waits for, and when to poll it. An id that is of no use is treated as missing: the job waits for the webhook.';

create function public.record_background_response(
  p_job_id uuid, p_attempt integer, p_response_id text, p_request_id text default null, p_poll_ms integer default 30000
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_orphaned jsonb;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if v_wait.status = 'background' and v_wait.attempt = p_attempt then
    if v_wait.response_id is null then
      perform durable_responses.assign_response(v_wait, p_response_id, p_request_id, p_poll_ms);
    end if;
  elsif not public.is_response_of_another(p_job_id, p_attempt, p_response_id) then
    -- The job has moved on while OpenAI was answering (cancelled, or past its accept budget). The response is then an
    -- orphan that must not run its tools: the cancel is repeated until OpenAI confirms it.
    update durable_responses.attempts set response_id = p_response_id, request_id = p_request_id
    where job_id = p_job_id and number = p_attempt and mode = 'background' and response_id is null;
    if found or exists (select from durable_responses.tombstones where job_id = p_job_id) then
      perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, p_response_id);
      v_orphaned := durable_responses.upstream(p_job_id, p_attempt, p_response_id);
    end if;
  end if;
  return jsonb_build_object(
    'orphaned', v_orphaned is not null, 'upstream', v_orphaned, 'job', durable_responses.job_or_deleted(p_job_id, p_attempt));
end;
$$;
comment on function public.record_background_response(uuid, integer, text, text, integer) is
  'OpenAI has accepted the background request. Returns {orphaned, upstream, job}. orphaned: the attempt has ended meanwhile, or the job was deleted; the response, upstream as claim_pending_cancels() returns it, must be cancelled. The id of another attempt''s response is treated as missing.';

create function public.claim_background_job(
  p_response_id text, p_poll_ms integer default 30000, p_schema_major integer default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_ended record;
begin
  perform durable_responses.check_schema_major(p_schema_major);
  -- Pushing the poll back keeps the poller away while the webhook settles the job; if the webhook's worker dies, the poll
  -- comes one interval later.
  update durable_responses.waits w set due = durable_responses.next_poll(w, p_poll_ms)
  where response_id = p_response_id and status = 'background'
  returning * into v_wait;
  if found then
    return jsonb_build_object('known', true, 
      'work', (select work from durable_responses.work where job_id = v_wait.job_id), 'abandoned', null);
  end if;
  select a.job_id, a.number, a.outcome into v_ended
  from durable_responses.attempts a
  where a.response_id = p_response_id and a.mode = 'background'
  order by a.started_at desc limit 1;
  if not found then
    return jsonb_build_object('known', false, 'work', null, 'abandoned', null);
  end if;
  -- A response that nobody waits for may have continued anyway: what it did must be recorded. If one is over, a server whose ids
  -- repeat may have given its id to a response that nobody has recorded: only its metadata can tell.
  return jsonb_build_object(
    'known', v_ended.outcome not in ('completed', 'continued') or not exists (
      select from durable_responses.waits where status = 'background' and not ready and response_id is null),
    'work', null,
    'abandoned', case when v_ended.outcome not in ('completed', 'continued') then
      durable_responses.upstream(v_ended.job_id, v_ended.number, p_response_id) end);
end;
$$;
comment on function public.claim_background_job(text, integer, integer) is
  'A webhook came. Returns {known, work, abandoned}. work: null if no job waits for this response. known: whether it is surely one of ours. abandoned: a response whose attempt ended without it, as claim_pending_cancels() returns it.';

create function public.adopt_background_response(
  p_job_id uuid, p_attempt integer, p_response_id text, p_poll_ms integer default 30000, p_instead_of text default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_attempt integer;
  v_other text;
begin
  -- The response may arrive before the worker that asked for it has recorded it, or after that worker died.
  -- A run that could not continue in background has a reason recorded, and continues in its worker.
  if exists (
    select from durable_responses.waits
    where job_id = p_job_id and attempt = p_attempt - 1 and status = 'running' and (continuing or fallback_reason is null)
  ) then
    perform public.continue_in_background(p_job_id, p_attempt - 1, p_response_id);
  end if;
  if not exists (
    select from durable_responses.waits where job_id = p_job_id and attempt = p_attempt and status = 'background'
    union all
    select from durable_responses.attempts where job_id = p_job_id and number = p_attempt and mode = 'background'
  ) then
    if exists (select from durable_responses.tombstones where job_id = p_job_id) then
      -- The response of a deleted job is still ours.
      v_attempt := p_attempt;
    else
      -- The attempt that sent the yes was ended from outside before it recorded the response: the job was cancelled, or held for
      -- review. The ledger has the response's calls as started by that attempt, and as uncertain since it ended.
      select number into v_attempt from durable_responses.attempts
      where job_id = p_job_id and number = p_attempt - 1 and mode = 'synchronous'
        -- The response of a synchronous run names its own attempt: it is not lost.
        and not exists (select from durable_responses.attempts where job_id = p_job_id and response_id = p_response_id);
    end if;
    if v_attempt is null then
      return jsonb_build_object('known', false, 'work', null, 'abandoned', null);
    end if;
    perform durable_responses.request_upstream_cancel(p_job_id, v_attempt, p_response_id);
    return jsonb_build_object('known', true, 'work', null,
      'abandoned', durable_responses.upstream(p_job_id, v_attempt, p_response_id));
  end if;
  select response_id into v_other from (
    select response_id from durable_responses.waits where job_id = p_job_id and attempt = p_attempt
    union all
    select response_id from durable_responses.attempts where job_id = p_job_id and number = p_attempt
  ) recorded where response_id <> p_response_id limit 1;
  -- A create may be answered with an id that is nobody's. Whoever calls this finds out whose the other response is.
  if v_other is not null and v_other is distinct from p_instead_of then
    return jsonb_build_object('known', false, 'work', null, 'abandoned', null, 'other', v_other, 'twin', case
      when not exists (select from durable_responses.waits where job_id = p_job_id and attempt = p_attempt and status = 'background')
      then durable_responses.upstream(p_job_id, p_attempt, p_response_id) end);
  elsif v_other is not null then
    update durable_responses.waits set response_id = null
    where job_id = p_job_id and attempt = p_attempt and status = 'background' and response_id = v_other;
    if not found then
      return jsonb_build_object('known', true, 'work', null,
        'abandoned', durable_responses.upstream(p_job_id, p_attempt, p_response_id));
    end if;
  end if;
  perform public.record_background_response(p_job_id, p_attempt, p_response_id, null, p_poll_ms);
  -- An id that another attempt has cannot be recorded, but whoever has read the response can settle the job.
  if exists (
    select from durable_responses.waits
    where job_id = p_job_id and attempt = p_attempt and status = 'background' and response_id is null
  ) then
    return jsonb_build_object('known', true, 'work', (select work from durable_responses.work where job_id = p_job_id), 'abandoned', null);
  end if;
  return public.claim_background_job(p_response_id, p_poll_ms);
end;
$$;
comment on function public.adopt_background_response(uuid, integer, text, integer, text) is
  'Assigns a response that OpenAI accepted but nobody recorded to the attempt named in its metadata. If that attempt never began, because the job was cancelled, held for review or deleted meanwhile, it is abandoned, and cancelled until that is confirmed. p_instead_of: the id that the attempt has, which is not that of its response. Returns {known, work, abandoned} as claim_background_job() does; other: the id that the attempt has, if it is another one, and nothing was done; twin: this response as an abandoned one, if the attempt has ended.';

create function public.claim_background_polls(p_limit integer default 20) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_wait durable_responses.waits;
  v_work jsonb := '[]'::jsonb;
begin
  for v_wait in
    select * from durable_responses.waits
    where status = 'background' and not ready and due <= v_now
    order by due limit p_limit
    for no key update skip locked
  loop
    -- The poller settles jobs that are past their deadline. A minute later the job fails here: nothing that OpenAI answers
    -- may keep a job from ending.
    if v_wait.deadline <= v_now - interval '1 minute' then
      if v_wait.response_id is not null then
        perform durable_responses.request_upstream_cancel(v_wait.job_id, v_wait.attempt, v_wait.response_id);
      end if;
      perform durable_responses.settle_calls(v_wait.job_id, v_wait.attempt);
      perform durable_responses.end_attempt(v_wait, 'failed', durable_responses.deadline_error(v_wait));
      perform durable_responses.finish(v_wait, 'failed', durable_responses.deadline_error(v_wait));
    else
      update durable_responses.waits w set due = durable_responses.next_poll(w, j.poll_ms)
      from durable_responses.jobs j
      where w.job_id = v_wait.job_id and j.id = w.job_id;
      v_work := v_work || (select work::jsonb from durable_responses.work where job_id = v_wait.job_id);
    end if;
  end loop;
  return jsonb_build_object('work', v_work, 'webhooks', durable_responses.claim_unread_webhooks(p_limit));
end;
$$;
comment on function public.claim_background_polls(integer) is
  'Returns {work, webhooks}. work: background jobs that are due to be polled, the longest-waiting first. webhooks: ids of responses that a webhook has reported, and that could not be read (38_unread_webhooks.sql). Each job is returned again after its interval until it is settled, and fails a minute after its deadline, whatever OpenAI answers.';

create function public.fall_back_response_job(
  p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint default 0, p_steps jsonb default '[]',
  p_unknown boolean default false, p_cancel_upstream boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background}');
  v_job durable_responses.jobs;
  v_uncertain text;
begin
  select * into v_job from durable_responses.jobs where id = p_job_id;
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(p_job_id, p_attempt);
  -- A cancel is only a request: the response is read again until it has ended.
  if (p_cancel_upstream or p_unknown) and v_wait.response_id is not null then
    perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, v_wait.response_id);
  end if;
  if p_unknown and v_job.once_tools and v_job.on_uncertain = 'review' and not durable_responses.is_guarded(v_job) then
    v_uncertain := coalesce(v_uncertain, case when v_wait.response_id is null
      then 'OpenAI may have run this in background and called its tools, but nobody knows: no response could be found'
      else format('OpenAI has run this in background and may have called its tools: %s', p_error ->> 'message') end);
    perform durable_responses.write_steps(p_job_id, p_attempt, jsonb_build_array(jsonb_build_object(
      'item_id', 'unguarded_run', 'kind', 'unguarded_run', 'status', 'uncertain', 'effect', 'once')));
  end if;
  -- A worker that was lost, or ended, as it handed a yes over says nothing about the route, nor does a request that was too long.
  if not v_wait.failure_counted and p_error ->> 'code' not in ('openai_invalid_request', 'request_too_large') and (v_wait.response_id is not null or not exists (
    select from durable_responses.attempts
    where job_id = p_job_id and number = p_attempt - 1 and outcome = 'continued' and error_code = 'worker_lost'
  )) then
    perform durable_responses.route_background_failed(v_wait.route, p_error ->> 'code');
  end if;
  perform durable_responses.pause_for(p_job_id, p_error, p_retry_after_ms);
  if v_uncertain is not null then
    perform durable_responses.end_attempt(v_wait, 'suspended', p_error);
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain, p_error);
  else
    perform durable_responses.end_attempt(v_wait, 'failed', p_error);
    if v_wait.deadline <= durable_responses.clock() then
      perform durable_responses.finish(v_wait, 'failed', durable_responses.deadline_error(v_wait));
    else
      v_wait.fallback_reason := p_error ->> 'code';
      perform durable_responses.requeue(v_wait, durable_responses.clock() + durable_responses.bounded_delay(p_retry_after_ms));
    end if;
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.fall_back_response_job(uuid, integer, jsonb, bigint, jsonb, boolean, boolean) is
  'The background attempt failed: the job is queued for a synchronous one, or held for review while a call is in doubt. p_unknown: a background run may exist about which nothing is known; with the guard, it can only have made the calls that had a yes. p_cancel_upstream: its response may still run, and must be cancelled.';

create function public.record_settle_failure(
  p_job_id uuid, p_attempt integer, p_error text, p_after_ms bigint default null, p_failed_code text default null
) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_failures integer;
  v_route text;
begin
  if p_failed_code is not null then
    update durable_responses.waits set failure_counted = true
    where job_id = p_job_id and attempt = p_attempt and status = 'background' and not failure_counted
    returning route into v_route;
    perform durable_responses.route_background_failed(v_route, p_failed_code);
  end if;
  update durable_responses.waits w set
    settle_failures = w.settle_failures + 1, settle_error = left(p_error, 1000),
    due = case when p_after_ms is null then w.due else least(
      durable_responses.clock() + durable_responses.bounded_delay(p_after_ms),
      case when w.background_until > durable_responses.clock() then w.background_until end,
      case when w.deadline > durable_responses.clock() then w.deadline end) end
  where w.job_id = p_job_id and w.attempt = p_attempt and w.status = 'background'
  returning w.settle_failures into v_failures;
  return v_failures;
end;
$$;
comment on function public.record_settle_failure(uuid, integer, text, bigint, text) is
  'A background response could not be settled. Counts it, stores why, and polls again after p_after_ms if given. p_failed_code: it has failed, and only what it did is not known: the breaker counts that once. Returns the count; null if the attempt has ended.';

create function durable_responses.bounded_delay(p_ms bigint) returns interval
language plpgsql stable set search_path = ''
as $$
begin
  return make_interval(secs => least(greatest(coalesce(p_ms, 0), 0) / 1000.0, (select max_delay_s from public.response_settings)));
end;
$$;
comment on function durable_responses.bounded_delay(bigint) is
  'A delay that OpenAI asked for, in ms, never longer than response_settings.max_delay_s.';

revoke execute on function durable_responses.next_poll(durable_responses.waits, bigint),
  durable_responses.bounded_delay(bigint),
  durable_responses.job_or_deleted(uuid, integer),
  public.is_response_of_another(uuid, integer, text),
  durable_responses.assign_response(durable_responses.waits, text, text, integer),
  public.record_background_response(uuid, integer, text, text, integer),
  public.claim_background_job(text, integer, integer),
  public.adopt_background_response(uuid, integer, text, integer, text),
  public.claim_background_polls(integer),
  public.fall_back_response_job(uuid, integer, jsonb, bigint, jsonb, boolean, boolean),
  public.record_settle_failure(uuid, integer, text, bigint, text) from public, anon, authenticated;
grant execute on function durable_responses.next_poll(durable_responses.waits, bigint),
  durable_responses.bounded_delay(bigint),
  durable_responses.job_or_deleted(uuid, integer),
  public.is_response_of_another(uuid, integer, text),
  durable_responses.assign_response(durable_responses.waits, text, text, integer),
  public.record_background_response(uuid, integer, text, text, integer),
  public.claim_background_job(text, integer, integer),
  public.adopt_background_response(uuid, integer, text, integer, text),
  public.claim_background_polls(integer),
  public.fall_back_response_job(uuid, integer, jsonb, bigint, jsonb, boolean, boolean),
  public.record_settle_failure(uuid, integer, text, bigint, text) to service_role;
