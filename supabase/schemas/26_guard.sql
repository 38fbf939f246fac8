-- The guard in background. A background response asks before each call that must not be made twice, as a synchronous run
-- does, and ends when it has asked. The run continues in further attempts:
--
--   background n    completes with its requests; they are answered here, and the job is queued      (continue_response_job)
--   running n + 1   a worker writes the calls as started, and sends the answers in a request of its own  (save_response_steps)
--   background n + 2  the response to that request                                                  (continue_in_background)
--
-- The attempt that sends the yes writes the call's row, and hands it to the attempt whose response makes the call, in the
-- transaction that starts that attempt. Whichever of the two ends without the call's result finds it started (settle_calls).
--
-- The worker may be lost between the call's row and the record of the response. Then nobody knows whether OpenAI has the yes.
-- With the row, the worker has marked the wait (continuing). So n + 2 starts without an id, and waits until the background
-- budget ends, like any response that nobody recorded:
--   * its webhook names n + 2, before or after the lease expires: it is the attempt's response   (adopt_background_response)
--   * the worker was only slow, and records it late                                                  (continue_in_background)
--   * the worker was only slow, and has not sent it: the calls are void, the job is queued            (withdraw_continuation)
--   * nothing comes: the calls are uncertain, and a person decides                                    (fall_back_response_job)
-- In none of these does another worker get the job while the yes may be on its way.

create function durable_responses.is_guarded(p_job durable_responses.jobs) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return p_job.guard = 'always'
    and not coalesce((select ignores_approval from public.response_routes where route = p_job.route), false);
end;
$$;
comment on function durable_responses.is_guarded(durable_responses.jobs) is
  'Whether the only calls that a background run of the job can have made, of those that must not be made twice, are those that had their yes.';

create function durable_responses.background_to_continue(p_wait durable_responses.waits) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  -- The last background attempt that asked for something. Later ones did not: their steps would show it.
  return (
    select jsonb_build_object('attempt', a.number, 'response_id', a.response_id)
    from durable_responses.attempts a
    where a.job_id = p_wait.job_id and a.mode = 'background' and a.outcome in ('continued', 'suspended')
      and exists (
        select from public.response_routes r
        where r.route = p_wait.route and (r.breaker = 'closed'
            -- A probe: while the breaker is not closed, no other job is accepted in background.
            or r.breaker = 'half_open' and coalesce(r.opened_at < (
              select j.created_at from durable_responses.jobs j where j.id = p_wait.job_id), true))
          and (r.paused_until is null or r.paused_until <= durable_responses.clock()))
    order by a.number desc limit 1);
end;
$$;
comment on function durable_responses.background_to_continue(durable_responses.waits) is
  'The background response after which a run may continue in background: {attempt, response_id}; null if there is none, or if its route is not healthy and the job is no probe.';

create function durable_responses.answer_as_guard(p_job_id uuid, p_attempt integer, p_answers jsonb) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  update public.response_steps s set
    status = 'finished', finished_at = v_now, answer = p_answers -> s.item_id, answered_by = 'guard', answered_at = v_now
  where s.job_id = p_job_id and s.attempt = p_attempt and s.status = 'waiting' and p_answers ? s.item_id;
end;
$$;
comment on function durable_responses.answer_as_guard(uuid, integer, jsonb) is
  'Answers the requests of an attempt that need no person: {<item_id>: {approve, reason?}}. Requests without an answer keep waiting.';

create function public.continue_response_job(
  p_job_id uuid, p_attempt integer, p_response_id text, p_steps jsonb, p_answers jsonb, p_usage jsonb default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(p_job_id, p_attempt);
  if v_uncertain is not null then
    -- The review comes first: the next run asks again.
    update public.response_steps set status = 'void', finished_at = v_now
    where job_id = p_job_id and attempt = p_attempt and status = 'waiting' and kind = 'mcp_approval_request';
    perform durable_responses.end_attempt(v_wait, 'suspended', null, p_response_id, null, nullif(p_usage, 'null'));
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain);
    return durable_responses.job_view(p_job_id);
  end if;
  perform durable_responses.answer_as_guard(p_job_id, p_attempt, p_answers);
  -- The next run asks again about requests without an answer.
  update public.response_steps set status = 'void', finished_at = v_now
  where job_id = p_job_id and attempt = p_attempt and status = 'waiting' and kind = 'mcp_approval_request';
  perform durable_responses.end_attempt(v_wait, 'continued', null, p_response_id, null, nullif(p_usage, 'null'));
  perform durable_responses.route_answered(v_wait.route, durable_responses.ms_between(v_wait.since, v_now));
  perform durable_responses.requeue(v_wait);
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.continue_response_job(uuid, integer, text, jsonb, jsonb, jsonb) is
  'A background response asked before calls that need no person, or asked for calls of ours (steps with run_by, waiting): the job is queued for a worker, which makes these calls and sends the answers. p_answers: {<item_id>: {approve, reason?}}, for requests among p_steps. For the breaker it is neither a success nor a failure.';

create function durable_responses.await_continuation(
  p_wait durable_responses.waits, p_response_id text, p_request_id text default null, p_poll_ms integer default null,
  p_error jsonb default null
) returns void
language plpgsql set search_path = ''
as $$
declare
  v_job durable_responses.jobs;
begin
  select * into v_job from durable_responses.jobs where id = p_wait.job_id;
  perform durable_responses.end_attempt(p_wait, 'continued', p_error);
  update public.response_steps set attempt = p_wait.attempt + 1
  where job_id = p_wait.job_id and attempt = p_wait.attempt and status = 'started';
  p_wait.background_until := durable_responses.clock() + make_interval(secs => v_job.background_ms / 1000.0);
  update durable_responses.waits set
    status = 'background', attempt = p_wait.attempt + 1, request_id = p_request_id,
    background_until = p_wait.background_until, due = durable_responses.next_poll(p_wait, v_job.poll_ms)
  where job_id = p_wait.job_id
  returning * into p_wait;
  if p_response_id is not null then
    perform durable_responses.assign_response(p_wait, p_response_id, p_request_id, coalesce(p_poll_ms, v_job.poll_ms));
  end if;
  perform durable_responses.announce_jobs(array[p_wait.job_id]);
end;
$$;
comment on function durable_responses.await_continuation(durable_responses.waits, text, text, integer, jsonb) is
  'The running attempt ends as continued: the response to its last request is the next attempt, and takes over the started calls. p_response_id: null if nobody knows whether OpenAI has the request; the id of another attempt''s response is treated as null. p_error: {code, message}, why the attempt could not record it.';

create function public.continue_in_background(
  p_job_id uuid, p_attempt integer, p_response_id text, p_request_id text default null, p_poll_ms integer default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_orphaned boolean := false;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if p_response_id is not null and public.is_response_of_another(p_job_id, p_attempt + 1, p_response_id) then
    -- Reading it would show what an earlier response did, and cancelling it could end another job's.
    p_response_id := null;
  end if;
  if v_wait.attempt = p_attempt and v_wait.status = 'running' then
    perform durable_responses.await_continuation(v_wait, p_response_id, p_request_id, p_poll_ms);
  elsif p_response_id is not null and exists (
    -- The lease expired first: the next attempt waits, or has waited, for exactly this response.
    select from durable_responses.waits
    where job_id = p_job_id and attempt = p_attempt + 1 and status = 'background' and response_id is null
    union all
    select from durable_responses.attempts
    where job_id = p_job_id and number = p_attempt + 1 and mode = 'background' and response_id is null
  ) then
    return public.record_background_response(p_job_id, p_attempt + 1, p_response_id, p_request_id,
      coalesce(p_poll_ms, (select poll_ms from durable_responses.jobs where id = p_job_id))) - 'upstream';
  elsif p_response_id is not null and not exists (
    -- Its webhook may have arrived first.
    select from durable_responses.waits where job_id = p_job_id and attempt = p_attempt + 1 and response_id = p_response_id
    union all
    select from durable_responses.attempts where job_id = p_job_id and number = p_attempt + 1 and response_id = p_response_id
  ) and (
    exists (select from durable_responses.jobs where id = p_job_id)
    or exists (select from durable_responses.tombstones where job_id = p_job_id)
  ) then
    -- The job has moved on. The ledger has the response's calls as started by the attempt that ended.
    v_orphaned := true;
    perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, p_response_id);
  end if;
  return jsonb_build_object('orphaned', v_orphaned, 'job', durable_responses.job_or_deleted(p_job_id, p_attempt));
end;
$$;
comment on function public.continue_in_background(uuid, integer, text, text, integer) is
  'A run continues in background as the next attempt, which takes over the started calls. p_response_id: null if OpenAI''s answer to the request could not be read; the id of another attempt''s response is treated as null. Returns {orphaned, job}. orphaned: the job has moved on, and the response must be cancelled.';

create function public.record_background_failure(p_job_id uuid, p_attempt integer, p_error jsonb) returns void
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
begin
  perform durable_responses.route_background_failed(v_wait.route, p_error ->> 'code');
  update durable_responses.waits set
    fallback_reason = p_error ->> 'code', warnings = warnings || left(p_error ->> 'message', 500), continuing = false
  where job_id = p_job_id;
end;
$$;
comment on function public.record_background_failure(uuid, integer, jsonb) is
  'A run could not continue in background, and continues in its worker instead.';

create function public.withdraw_continuation(p_job_id uuid, p_attempt integer, p_steps jsonb) returns boolean
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if v_wait.attempt = p_attempt and v_wait.status = 'running' then
    perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
    update durable_responses.waits set continuing = false where job_id = p_job_id;
    return true;
  elsif v_wait.attempt = p_attempt + 1 and v_wait.status = 'background' and v_wait.response_id is null then
    -- The lease expired first, and the job waits for a response that does not exist.
    perform durable_responses.write_steps(p_job_id, v_wait.attempt, p_steps);
    perform durable_responses.end_attempt(v_wait, 'handed_over');
    perform durable_responses.requeue(v_wait);
    return true;
  end if;
  if exists (
    select from durable_responses.attempts where job_id = p_job_id and number = p_attempt + 1 and response_id is not null
  ) then
    -- The response exists, whatever OpenAI has answered: it shows the outcome of the calls.
    return false;
  end if;
  -- The job was ended or held otherwise, maybe as the attempt that waited for the response and took its calls over. That they
  -- were not made may end a review.
  select coalesce(max(s.attempt), p_attempt) into p_attempt from public.response_steps s
  where s.job_id = p_job_id and s.attempt = p_attempt + 1
    and s.item_id in (select step ->> 'item_id' from jsonb_array_elements(p_steps) step);
  return public.save_response_steps(p_job_id, p_attempt, p_steps);
end;
$$;
comment on function public.withdraw_continuation(uuid, integer, jsonb) is
  'The request that was to continue a run in background has not been sent, or OpenAI has refused it. p_steps: its calls, as void. If the job waits for its response already, it is queued. Returns false if the job has moved on otherwise.';

create function public.record_ignored_approval(p_job_id uuid, p_attempt integer, p_detail text) returns void
language plpgsql set search_path = ''
as $$
begin
  perform public.warn_response_attempt(p_job_id, p_attempt, p_detail);
  update public.response_routes r set
    ignores_approval = true, ignores_approval_since = durable_responses.clock(), updated_at = durable_responses.clock()
  from durable_responses.jobs j
  where j.id = p_job_id and r.route = j.route and not r.ignores_approval;
end;
$$;
comment on function public.record_ignored_approval(uuid, integer, text) is
  'A call that must not be made twice was made without the required yes: from now on, nothing on this route counts as guarded.';

revoke execute on function durable_responses.is_guarded(durable_responses.jobs),
  durable_responses.background_to_continue(durable_responses.waits),
  durable_responses.answer_as_guard(uuid, integer, jsonb),
  durable_responses.await_continuation(durable_responses.waits, text, text, integer, jsonb),
  public.continue_response_job(uuid, integer, text, jsonb, jsonb, jsonb),
  public.continue_in_background(uuid, integer, text, text, integer), public.record_background_failure(uuid, integer, jsonb),
  public.withdraw_continuation(uuid, integer, jsonb),
  public.record_ignored_approval(uuid, integer, text) from public, anon, authenticated;
grant execute on function durable_responses.is_guarded(durable_responses.jobs),
  durable_responses.background_to_continue(durable_responses.waits),
  durable_responses.answer_as_guard(uuid, integer, jsonb),
  durable_responses.await_continuation(durable_responses.waits, text, text, integer, jsonb),
  public.continue_response_job(uuid, integer, text, jsonb, jsonb, jsonb),
  public.continue_in_background(uuid, integer, text, text, integer), public.record_background_failure(uuid, integer, jsonb),
  public.withdraw_continuation(uuid, integer, jsonb),
  public.record_ignored_approval(uuid, integer, text) to service_role;
