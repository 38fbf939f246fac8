-- Leases: renewing, handing over, taking back a lost worker's jobs, failing late jobs, and retrying.

create function durable_responses.backoff_ms(p_failures integer, p_base_ms integer, p_cap_ms integer) returns integer
language plpgsql set search_path = ''
as $$
begin
  -- Full jitter: anywhere up to the exponential step, so that jobs that failed together do not come back together; never 0, so that
  -- no retry is due within the call that asked for it.
  -- 2^20 bounds the power before it is capped.
  return 1 + floor(random() * least(p_cap_ms, p_base_ms * power(2, least(greatest(p_failures, 1), 20) - 1)))::integer;
end;
$$;
comment on function durable_responses.backoff_ms(integer, integer, integer) is
  'Delay in ms before the next attempt after so many failures: exponential, capped, full jitter.';

create function durable_responses.requeue_after_failure(p_wait durable_responses.waits, p_error jsonb, p_retry_after_ms bigint default null) returns void
language plpgsql set search_path = ''
as $$
declare
  v_job durable_responses.jobs;
  v_due timestamptz;
begin
  select * into v_job from durable_responses.jobs where id = p_wait.job_id;
  p_wait.failures := p_wait.failures + 1;
  if p_wait.failures >= v_job.max_attempts then
    perform durable_responses.finish(p_wait, 'failed', p_error || jsonb_build_object(
      'message', format('%s (failed attempts: %s of at most %s)', p_error ->> 'message', p_wait.failures, v_job.max_attempts)));
    return;
  end if;
  -- A Retry-After is a floor; the jitter is added to it, so that waiting jobs do not all come back at once.
  v_due := durable_responses.clock() + durable_responses.bounded_delay(p_retry_after_ms)
    + make_interval(secs => durable_responses.backoff_ms(p_wait.failures, v_job.backoff_base_ms, v_job.backoff_cap_ms) / 1000.0);
  if v_due >= p_wait.deadline then
    perform durable_responses.finish(p_wait, 'failed', jsonb_build_object(
      'code', 'deadline_exceeded',
      'message', format('Cannot try again before the deadline %s: the last attempt failed with %s: %s',
        to_char(p_wait.deadline at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), p_error ->> 'code', p_error ->> 'message'),
      'hint', coalesce(p_error ->> 'hint', 'Fix what failed, then retry the job.')));
    return;
  end if;
  perform durable_responses.requeue(p_wait, v_due);
end;
$$;
comment on function durable_responses.requeue_after_failure(durable_responses.waits, jsonb, bigint) is
  'After a failed synchronous attempt: queue again with backoff, or fail when attempts or time are used up.';

create function durable_responses.recover_lost_leases(p_limit integer) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_error jsonb;
  v_uncertain text;
  v_count integer := 0;
  v_lost text[] := array[]::text[];
begin
  for v_wait in
    select * from durable_responses.waits
    where status = 'running' and not ready and due <= durable_responses.clock()
    order by due limit p_limit
    for no key update skip locked
  loop
    v_error := jsonb_build_object(
      'code', 'worker_lost',
      'message', format('Cannot finish attempt %s: worker %s stopped renewing its lease', v_wait.attempt, v_wait.worker),
      'hint', 'Whatever ran it was ended: a function (run-jobs, or one that answers a caller or a webhook) by the platform''s wall clock, CPU or memory limit or by a deploy, or a worker process. See its logs. Run long jobs on an off-platform worker');
    v_count := v_count + 1;
    v_lost := v_lost || v_wait.worker;
    if v_wait.continuing then
      -- OpenAI may have the request, and its response may act (26_guard.sql).
      perform durable_responses.await_continuation(v_wait, null, p_error => v_error);
      continue;
    end if;
    v_uncertain := durable_responses.settle_calls(v_wait.job_id, v_wait.attempt);
    if v_uncertain is not null then
      perform durable_responses.end_attempt(v_wait, 'suspended', v_error);
      perform durable_responses.hold(v_wait, 'needs_review', v_uncertain);
    else
      perform durable_responses.end_attempt(v_wait, 'lost', v_error);
      perform durable_responses.requeue_after_failure(v_wait, v_error);
    end if;
  end loop;
  -- They no longer count against max_workers: after a crash, a backlog would wake none for a minute. A worker that is alive
  -- counts again with its next claim. Workers come before waits in the lock order, so nothing waits for their rows here.
  delete from public.response_workers where id in (
    select id from public.response_workers where id = any (v_lost) order by id for update skip locked);
  return v_count;
end;
$$;
comment on function durable_responses.recover_lost_leases(integer) is
  'Takes back running jobs whose worker no longer renews its lease. They are queued again, wait for the response that was to continue them, are held for review, or fail if their attempts are used up.';

create function durable_responses.fail_overdue(p_limit integer) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_late record;
  v_count integer := 0;
begin
  for v_late in
    select w as wait, s.expired_code, s.expired_hint from durable_responses.waits w join durable_responses.statuses s on s.status = w.status
    where w.job_id in (
      (select job_id from durable_responses.waits where ready and deadline <= v_now order by deadline limit p_limit)
      union all
      (select d.job_id from durable_responses.statuses e cross join lateral (
        select job_id from durable_responses.waits where status = e.status and not ready and due <= v_now order by due limit p_limit) d
      where e.clock_stops)
    ) and (w.ready and w.deadline <= v_now or s.clock_stops and w.due <= v_now)
    for update of w skip locked
  loop
    if v_late.expired_code is null then
      perform durable_responses.finish(v_late.wait, 'failed', durable_responses.deadline_error(v_late.wait));
    else
      perform durable_responses.finish(v_late.wait, 'failed', jsonb_build_object(
        'code', v_late.expired_code,
        'message', format('Cannot continue: the job was %s since %s and nobody answered until %s', (v_late.wait).status,
          to_char((v_late.wait).since at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          to_char((v_late.wait).due at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
        'hint', v_late.expired_hint));
    end if;
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$$;
comment on function durable_responses.fail_overdue(integer) is
  'Fails jobs that waited for a worker past their deadline, and jobs whose question nobody answered in time.';

create function durable_responses.promote_delayed(p_limit integer) returns void
language plpgsql set search_path = ''
as $$
begin
  update durable_responses.waits set ready = true, ready_xid = pg_current_xact_id()
  where job_id in (
    select job_id from durable_responses.waits
    where status = 'queued' and not ready and due <= durable_responses.clock()
    order by due limit p_limit
    for no key update skip locked
  );
end;
$$;
comment on function durable_responses.promote_delayed(integer) is 'Makes waiting jobs whose time has come ready to be claimed.';

create function public.renew_response_leases(p_worker text, p_jobs jsonb, p_lease_ms integer default 30000) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_held uuid[];
begin
  update public.response_workers set seen_at = v_now where id = p_worker;
  -- Locked in the order of their ids, each once, so that two calls with the same jobs cannot deadlock. And locked before the
  -- update, not by it: a statement that meets a row's old version a second time, while it has locked the new one, can wait for
  -- a transaction between the two (while a watch has locked the old one).
  select array_agg(job_id) into v_held
  from (
    select w.job_id
    from (select distinct id, attempt from jsonb_to_recordset(p_jobs) as r (id uuid, attempt integer)) g
      join durable_responses.waits w on w.job_id = g.id and w.attempt = g.attempt and w.status = 'running' and w.worker = p_worker
    order by w.job_id
    for no key update of w
  ) held;
  update durable_responses.waits set due = v_now + make_interval(secs => p_lease_ms / 1000.0) where job_id = any (v_held);
  return coalesce(to_jsonb(v_held), '[]');
end;
$$;
comment on function public.renew_response_leases(text, jsonb, integer) is
  'Renews the leases of jobs [{id, attempt}]. Returns the ids that the worker still leases; the others were taken over.';

create function durable_responses.made_progress(p_job_id uuid, p_attempt integer) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  -- Progress is work that the next run need not repeat: not reasoning and messages, which it produces again, nor a list of
  -- tools that an earlier run had fetched already.
  return exists (
    select from public.response_steps s
    where s.job_id = p_job_id and s.attempt = p_attempt and s.status in ('finished', 'failed')
      and s.kind not in ('reasoning', 'message')
      and (s.kind <> 'mcp_list_tools' or not exists (
        select from public.response_steps before
        where before.job_id = p_job_id and before.attempt < p_attempt and before.kind = s.kind
          and before.item ->> 'server_label' is not distinct from s.item ->> 'server_label')));
end;
$$;
comment on function durable_responses.made_progress(uuid, integer) is 'Whether an attempt finished a step that the next one need not repeat.';

create function public.release_response_jobs(p_worker text, p_jobs jsonb, p_full_life_ms bigint default null) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_held record;
  v_wait durable_responses.waits;
  v_uncertain text;
  v_count integer := 0;
begin
  for v_held in
    select * from jsonb_to_recordset(p_jobs) as g (id uuid, attempt integer, full_life boolean) order by id
  loop
    select * into v_wait from durable_responses.waits
    where job_id = v_held.id and attempt = v_held.attempt and status = 'running' and worker = p_worker
    for update;
    continue when not found;
    v_count := v_count + 1;
    if v_wait.continuing then
      -- With an error, as for a lost worker: that nobody knows the response says nothing about the route.
      perform durable_responses.await_continuation(v_wait, null, p_error => jsonb_build_object(
        'code', 'worker_lost',
        'message', format('Cannot record the response that continues attempt %s: worker %s ended first', v_wait.attempt, p_worker)));
      continue;
    end if;
    v_uncertain := durable_responses.settle_calls(v_wait.job_id, v_wait.attempt);
    if v_uncertain is not null then
      perform durable_responses.end_attempt(v_wait, 'suspended');
      perform durable_responses.hold(v_wait, 'needs_review', v_uncertain);
      continue;
    end if;
    perform durable_responses.end_attempt(v_wait, 'handed_over');
    if durable_responses.made_progress(v_wait.job_id, v_wait.attempt) then
      v_wait.stalled_lives := 0;
      v_wait.min_life_ms := 0;
      perform durable_responses.requeue(v_wait);
      continue;
    end if;
    -- Nothing was finished: next time with a whole life, and after two whole lives only without a wall clock.
    v_wait.stalled_lives := v_wait.stalled_lives + coalesce(v_held.full_life, false)::integer;
    if v_wait.stalled_lives < 2 then
      v_wait.min_life_ms := coalesce(p_full_life_ms, v_wait.min_life_ms);
      perform durable_responses.requeue(v_wait);
    elsif exists (
      select from public.response_workers where kind = 'process' and seen_at > durable_responses.clock() - interval '1 minute'
    ) then
      v_wait.min_life_ms := 9223372036854775807;
      perform durable_responses.requeue(v_wait);
    else
      perform durable_responses.finish(v_wait, 'failed', jsonb_build_object(
        'code', 'budget_exceeded',
        'message', format('Cannot finish within a worker''s life: two whole lives (%s s each) finished not a single step',
          round(coalesce(p_full_life_ms, 0) / 1000.0)),
        'hint', 'Make the step shorter (a smaller task, less reasoning, a faster tool), or run an off-platform worker, which has no wall clock: npx durable-responses worker; then retry the job.'));
    end if;
  end loop;
  return v_count;
end;
$$;
comment on function public.release_response_jobs(text, jsonb, bigint) is
  'A worker hands over its unfinished jobs: [{id, attempt, full_life}]. full_life: the job had a whole worker life. Returns how many it still leased.';

create function public.sign_off_response_worker(p_worker text) returns boolean
language plpgsql set search_path = ''
as $$
begin
  delete from public.response_workers where id in (
    select id from public.response_workers
    where id = p_worker or seen_at < durable_responses.clock() - interval '1 hour'
    order by id for update);
  return public.response_work_due();
end;
$$;
comment on function public.sign_off_response_worker(text) is 'A worker signs off. Returns whether work is left for a successor.';

create function public.response_work_due() returns boolean
language plpgsql stable set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  return exists (
      select from public.response_routes r
      where (r.paused_until is null or r.paused_until <= v_now)
        and exists (select from durable_responses.waits w where w.route = r.route and w.ready)
    )
    or (select deadline from durable_responses.waits where ready and deadline <= v_now order by deadline limit 1) is not null
    or (select d.due from durable_responses.statuses s cross join lateral (
        select due from durable_responses.waits where status = s.status and not ready and due <= v_now order by due limit 1) d
      limit 1) is not null
    or (select due from durable_responses.upstream_cancels where due <= v_now order by due limit 1) is not null
    or (select due from durable_responses.unread_webhooks where due <= v_now order by due limit 1) is not null
    or (select d.due from durable_responses.doubts d
      where d.due <= v_now and (
        exists (select from durable_responses.profiles where was_made_after_ms is not null)
        or not exists (select from durable_responses.profiles))
      order by d.due limit 1) is not null
    or (select due from durable_responses.sent_files where due <= v_now order by due limit 1) is not null;
end;
$$;
comment on function public.response_work_due() is
  'Whether a worker would find something to do now: ready jobs, lost leases, polls, deadlines, expired questions, cancels, unread webhooks, calls in doubt, files to remove.';

revoke execute on function durable_responses.backoff_ms(integer, integer, integer),
  durable_responses.requeue_after_failure(durable_responses.waits, jsonb, bigint), durable_responses.recover_lost_leases(integer),
  durable_responses.fail_overdue(integer), durable_responses.promote_delayed(integer),
  durable_responses.made_progress(uuid, integer),
  public.renew_response_leases(text, jsonb, integer), public.release_response_jobs(text, jsonb, bigint),
  public.sign_off_response_worker(text), public.response_work_due() from public, anon, authenticated;
grant execute on function durable_responses.backoff_ms(integer, integer, integer),
  durable_responses.requeue_after_failure(durable_responses.waits, jsonb, bigint), durable_responses.recover_lost_leases(integer),
  durable_responses.fail_overdue(integer), durable_responses.promote_delayed(integer),
  durable_responses.made_progress(uuid, integer),
  public.renew_response_leases(text, jsonb, integer), public.release_response_jobs(text, jsonb, bigint),
  public.sign_off_response_worker(text), public.response_work_due() to service_role;
