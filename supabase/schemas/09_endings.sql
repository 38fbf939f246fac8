-- The few ways in which a job's state is written. Every API function ends in one of these. Each expects its caller to have
-- locked the wait row (find_wait or lock_attempt), so two of them never run at once for one job.

create function durable_responses.lock_attempt(p_job_id uuid, p_attempt integer, p_statuses text[]) returns durable_responses.waits
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_job record;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if found and v_wait.attempt = p_attempt and v_wait.status = any (p_statuses) then
    return v_wait;
  end if;
  select status, attempt into v_job from durable_responses.jobs where id = p_job_id;
  if not found then
    if exists (select from durable_responses.tombstones where job_id = p_job_id) then
      raise exception using errcode = 'DR410', hint = 'Discard this result.',
        message = format('Cannot write as attempt %s of job %s: the job was deleted', p_attempt, p_job_id);
    end if;
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
  raise exception using errcode = 'DR410',
    message = format('Cannot write as attempt %s of job %s: the job is %s at attempt %s',
      p_attempt, p_job_id, coalesce(v_wait.status, v_job.status), coalesce(v_wait.attempt, v_job.attempt)),
    hint = 'Another worker has taken over the job. Discard this result.';
end;
$$;
comment on function durable_responses.lock_attempt(uuid, integer, text[]) is
  'Locks a job''s wait for a write by an attempt. Refuses (DR410) an attempt that has ended. This is the fence.';

create function durable_responses.end_attempt(
  p_wait durable_responses.waits, p_outcome text, p_error jsonb default null,
  p_response_id text default null, p_request_id text default null, p_usage jsonb default null
) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_wait.status not in ('background', 'running') then
    return;
  end if;
  if p_outcome = 'failed' and p_error ->> 'code' is null then
    raise exception using errcode = 'check_violation', constraint = 'attempts_failed_has_code', schema = 'durable_responses',
      table = 'attempts', message = format('Cannot fail attempt %s of job %s without an error code', p_wait.attempt, p_wait.job_id);
  end if;
  insert into durable_responses.attempts (
    job_id, number, mode, worker, response_id, request_id, outcome, error_code, error_type, error_message, usage, warnings,
    started_at, finished_at)
  values (
    p_wait.job_id, p_wait.attempt, case p_wait.status when 'background' then 'background' else 'synchronous' end, p_wait.worker,
    coalesce(p_response_id, p_wait.response_id), coalesce(p_request_id, p_error ->> 'request_id', p_wait.request_id), p_outcome,
    p_error ->> 'code', left(p_error ->> 'type', 200), left(p_error ->> 'message', 2000), p_usage, p_wait.warnings,
    p_wait.since, durable_responses.clock());
end;
$$;
comment on function durable_responses.end_attempt(durable_responses.waits, text, jsonb, text, text, jsonb) is
  'Writes the row of the current attempt, if there is one. p_error: {code, message, hint?, type?, request_id?}. The wait row is moved or deleted by the caller, in the same transaction.';

create function durable_responses.finish(
  p_wait durable_responses.waits, p_status text, p_error jsonb default null
) returns void
language plpgsql set search_path = ''
as $$
begin
  update durable_responses.jobs set
    status = p_status, finished_from = p_wait.status, finished_at = durable_responses.clock(),
    attempt = p_wait.attempt, failures = p_wait.failures, fallback_reason = p_wait.fallback_reason,
    response_id = p_wait.response_id,
    error_code = p_error ->> 'code', error_message = left(p_error ->> 'message', 2000), error_hint = left(p_error ->> 'hint', 2000)
  where id = p_wait.job_id;
  delete from durable_responses.waits where job_id = p_wait.job_id;
  perform durable_responses.announce_jobs(array[p_wait.job_id]);
end;
$$;
comment on function durable_responses.finish(durable_responses.waits, text, jsonb) is
  'Makes a job failed (p_error: {code, message, hint?}) or cancelled. complete_response_jobs() makes it completed.';

create function durable_responses.requeue(p_wait durable_responses.waits, p_due timestamptz default null) returns void
language plpgsql set search_path = ''
as $$
begin
  update durable_responses.waits set
    status = 'queued', due = coalesce(p_due, durable_responses.clock()), failures = p_wait.failures,
    stalled_lives = p_wait.stalled_lives, min_life_ms = p_wait.min_life_ms, fallback_reason = p_wait.fallback_reason
  where job_id = p_wait.job_id;
  perform durable_responses.announce_jobs(array[p_wait.job_id]);
end;
$$;
comment on function durable_responses.requeue(durable_responses.waits, timestamptz) is
  'Queues a job, to run no earlier than p_due. Takes failures, stalled_lives, min_life_ms and fallback_reason from p_wait.';

create function durable_responses.doubt(p_job_id uuid, p_code text default null) returns void
language plpgsql set search_path = ''
as $$
declare
  -- As long as no worker has registered its profiles, nobody knows whether this one can find out: one will be asked.
  v_after_ms constant bigint := case when exists (select from durable_responses.profiles) then (
    select p.was_made_after_ms
    from durable_responses.jobs j join durable_responses.profiles p on p.name = j.profile where j.id = p_job_id) else 120000 end;
  -- If the model insists on a call that was made, that it was made is no news.
  v_due constant timestamptz := case when p_code is distinct from 'repeated_call'
    then durable_responses.clock() + make_interval(secs => v_after_ms / 1000.0) end;
begin
  -- Whatever was asked about an earlier review, its answer is refused from now on.
  update durable_responses.doubts d set
    due = case when d.reviews < 3 then v_due end, tries = 0, reviews = d.reviews + 1, token = gen_random_uuid()
  where d.job_id = p_job_id;
  if not found and v_due is not null then
    insert into durable_responses.doubts (job_id, due) values (p_job_id, v_due);
  end if;
end;
$$;
comment on function durable_responses.doubt(uuid, text) is
  'A job is held for review with this error, if any: its profile is asked after a while, if it can find out whether calls in doubt were made.';

create function durable_responses.hold(p_wait durable_responses.waits, p_status text, p_reason text, p_error jsonb default null) returns void
language plpgsql set search_path = ''
as $$
begin
  update durable_responses.waits w set
    status = p_status,
    due = durable_responses.clock() + make_interval(secs => (
      select case p_status when 'needs_review' then j.review_ms else j.approval_ms end
      from durable_responses.jobs j where j.id = w.job_id) / 1000.0),
    review_reason = p_reason,
    fallback_reason = case w.status when 'background' then coalesce(p_error ->> 'code', w.fallback_reason) else w.fallback_reason end
  where job_id = p_wait.job_id;
  if p_status = 'needs_review' then
    perform durable_responses.doubt(p_wait.job_id, p_error ->> 'code');
  end if;
  perform durable_responses.announce_jobs(array[p_wait.job_id]);
end;
$$;
comment on function durable_responses.hold(durable_responses.waits, text, text, jsonb) is
  'Holds a job until somebody has answered: awaiting_approval, awaiting_tool_output, or needs_review (with a reason). In a review, the profile is asked first, if it can find out.';

create function durable_responses.deadline_error(p_wait durable_responses.waits) returns jsonb
language sql immutable set search_path = ''
as $$
  select jsonb_build_object(
    'code', 'deadline_exceeded',
    'message', format('Cannot finish the job: its deadline was %s and it was still %s',
      to_char(p_wait.deadline at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), p_wait.status)
      || case when p_wait.settle_failures > 0
        then format('; its response could not be settled %s times, the last time because: %s', p_wait.settle_failures, p_wait.settle_error)
        else '' end,
    'hint', 'Raise budgets.deadline_ms in the profile, or look in the attempts for what took so long; then retry the job.');
$$;
comment on function durable_responses.deadline_error(durable_responses.waits) is 'The error of a job whose deadline has passed.';

revoke execute on function durable_responses.doubt(uuid, text), durable_responses.lock_attempt(uuid, integer, text[]),
  durable_responses.end_attempt(durable_responses.waits, text, jsonb, text, text, jsonb),
  durable_responses.finish(durable_responses.waits, text, jsonb),
  durable_responses.requeue(durable_responses.waits, timestamptz),
  durable_responses.hold(durable_responses.waits, text, text, jsonb),
  durable_responses.deadline_error(durable_responses.waits) from public, anon, authenticated;
grant execute on function durable_responses.doubt(uuid, text), durable_responses.lock_attempt(uuid, integer, text[]),
  durable_responses.end_attempt(durable_responses.waits, text, jsonb, text, text, jsonb),
  durable_responses.finish(durable_responses.waits, text, jsonb),
  durable_responses.requeue(durable_responses.waits, timestamptz),
  durable_responses.hold(durable_responses.waits, text, text, jsonb),
  durable_responses.deadline_error(durable_responses.waits) to service_role;
