-- Running in place: the function that has a job in its hands runs it, if the rules of a claim allow it.
--
--   * A caller waits: one call accepts the job and leases it to the function that answers. It was never queued, and its row
--     appears as running.                                                                          (start_response_job)
--   * A background response asked before calls that need no person: one call answers and leases the job to the function that
--     has read it, which sends the answers at once.                                        (continue_response_job_in_place)
--
-- The rules are those of claim_response_work(): the job's deadline, a route's pause, its probe, limits, and what is left of the worker's life
-- compared with how long such runs usually take. (To send answers takes no time.) If places are limited, jobs that already
-- wait go first. If a rule says no, the job is queued like any other. A worker of kind `inline` does not count against
-- max_workers.

create function durable_responses.may_run_now(p_wait durable_responses.waits, p_life_ms bigint, p_full_life_ms bigint) returns boolean
language plpgsql stable set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_life constant bigint := coalesce(p_life_ms, 9223372036854775807);
  v_route record;
  v_allowed integer;
  v_in_all integer;
begin
  -- A claim fails jobs that are past their deadline before it takes any.
  if not p_wait.ready or p_wait.min_life_ms > v_life or p_wait.deadline <= v_now then
    return false;
  end if;
  select r.paused_until, r.max_running, r.typical_ms, s.max_running as max_in_all into v_route
  from public.response_routes r cross join public.response_settings s where r.route = p_wait.route;
  if v_route.paused_until > v_now or v_route.typical_ms > v_life and v_route.typical_ms <= coalesce(p_full_life_ms, v_life) then
    return false;
  end if;
  v_allowed := least(case when v_route.paused_until is not null then 1 end, v_route.max_running);
  if v_allowed is null and v_route.max_in_all is null then
    return true;
  end if;
  if exists (
    select from durable_responses.waits where route = p_wait.route and ready and job_id <> p_wait.job_id and priority >= p_wait.priority
  ) then
    return false;
  end if;
  if v_allowed is not null then
    v_allowed := v_allowed - (
      select count(*)::integer from (
        select from durable_responses.waits where status = 'running' and not ready and route = p_wait.route limit v_allowed) running);
  end if;
  if v_route.max_in_all is not null then
    v_in_all := v_route.max_in_all - (
      select count(*)::integer from (
        select from durable_responses.waits where status = 'running' and not ready limit v_route.max_in_all) running);
  end if;
  return least(v_allowed, v_in_all) > 0;
end;
$$;
comment on function durable_responses.may_run_now(durable_responses.waits, bigint, bigint) is
  'Whether the rules of a claim let this job run now in a worker with this much life. If there are limits, the caller holds the lock under which they are counted.';

create function durable_responses.enter_in_place(p_worker text) returns void
language plpgsql set search_path = ''
as $$
begin
  perform durable_responses.seen_worker(p_worker, 'inline');
  if (select max_running from public.response_settings) is not null or exists (
    select from public.response_routes where max_running is not null or paused_until is not null
  ) then
    perform pg_advisory_xact_lock(hashtextextended('durable_responses.claim', 0));
  end if;
end;
$$;
comment on function durable_responses.enter_in_place(text) is
  'What comes before a lease in place, and before anything else is locked, as in a claim: the worker is seen, and if there are limits, nobody else counts them meanwhile.';

create function durable_responses.lease_in_place(
  p_wait durable_responses.waits, p_worker text, p_lease_ms integer, p_life_ms bigint, p_full_life_ms bigint
) returns boolean
language plpgsql set search_path = ''
as $$
begin
  if not durable_responses.may_run_now(p_wait, p_life_ms, p_full_life_ms) then
    return false;
  end if;
  update durable_responses.waits set
    status = 'running', due = durable_responses.clock() + make_interval(secs => p_lease_ms / 1000.0), worker = p_worker,
    attempt = attempt + 1
  where job_id = p_wait.job_id;
  return true;
end;
$$;
comment on function durable_responses.lease_in_place(durable_responses.waits, text, integer, bigint, bigint) is
  'Leases a job that this transaction has queued, if a claim''s rules allow it. Returns whether they do.';

create function public.start_response_job(
  p_job jsonb, p_worker text, p_lease_ms integer default 30000, p_life_ms bigint default null, p_full_life_ms bigint default null
) returns jsonb
language plpgsql set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  v_answer jsonb;
  v_wait durable_responses.waits;
  v_leased boolean;
begin
  perform durable_responses.enter_in_place(p_worker);
  v_answer := public.submit_response_job(p_job)::jsonb;
  select * into v_wait from durable_responses.waits where job_id = (v_answer #>> '{job,id}')::uuid;
  if (v_answer ->> 'created')::boolean then
    v_leased := durable_responses.lease_in_place(v_wait, p_worker, p_lease_ms, p_life_ms, p_full_life_ms);
    if v_leased then
      update durable_responses.streams set attempt = v_wait.attempt + 1 where job_id = v_wait.job_id;
      if exists (select from public.response_watches where watched_until > now()) then
        perform durable_responses.announce_jobs(array[v_wait.job_id]);
      end if;
    end if;
  else
    -- The same call again, because its first answer was lost. Nobody else has its id, so it is this worker's own.
    v_leased := v_wait.job_id = (p_job ->> 'id')::uuid and v_wait.status = 'running' and v_wait.worker = p_worker and v_wait.attempt = 1;
  end if;
  if v_leased is not true then
    return v_answer || '{"work": null}';
  end if;
  return v_answer || jsonb_build_object(
    'job', durable_responses.job_view(v_wait.job_id),
    'work', (select work from durable_responses.work where job_id = v_wait.job_id));
end;
$$;
comment on function public.start_response_job(jsonb, text, integer, bigint, bigint) is
  'Accepts a job as submit_response_job() does and, if a claim''s rules allow it, leases it to the worker that asks, of kind inline, for p_lease_ms. Returns {created, job, guarded?, work}: work as a claim returns it; null if the job is queued, goes to background, or existed before.';

create function public.continue_response_job_in_place(
  p_job_id uuid, p_attempt integer, p_response_id text, p_steps jsonb, p_answers jsonb, p_usage jsonb,
  p_worker text, p_lease_ms integer default 30000, p_life_ms bigint default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_leased boolean := false;
begin
  perform durable_responses.enter_in_place(p_worker);
  -- If the answer is lost, the lease expires. The same call again gets no second one, as it would in start_response_job(): two
  -- webhooks for one response may be read in one isolate, and each would send the yes.
  if public.continue_response_job(p_job_id, p_attempt, p_response_id, p_steps, p_answers, p_usage) ->> 'status' = 'queued' then
    select * into v_wait from durable_responses.waits where job_id = p_job_id;
    -- Where background is not healthy, a whole run would follow. That is for a worker.
    -- How long such runs usually take does not matter: to send the answers is only the beginning of one.
    v_leased := durable_responses.background_to_continue(v_wait) is not null
      and durable_responses.lease_in_place(v_wait, p_worker, p_lease_ms, p_life_ms, null);
    if v_leased and exists (select from public.response_watches where watched_until > now()) then
      perform durable_responses.announce_jobs(array[p_job_id]);
    end if;
  end if;
  return jsonb_build_object('job', durable_responses.job_view(p_job_id),
    'work', case when v_leased then (select work::jsonb from durable_responses.work where job_id = p_job_id) end);
end;
$$;
comment on function public.continue_response_job_in_place(
  uuid, integer, text, jsonb, jsonb, jsonb, text, integer, bigint) is
  'Continues a job as continue_response_job() does and, if its route is healthy and a claim''s rules allow it, leases it to the worker that asks, of kind inline, for p_lease_ms. Returns {job, work}: work as a claim returns it; null if the job is queued, or held for review.';

revoke execute on function durable_responses.may_run_now(durable_responses.waits, bigint, bigint),
  durable_responses.enter_in_place(text),
  durable_responses.lease_in_place(durable_responses.waits, text, integer, bigint, bigint),
  public.start_response_job(jsonb, text, integer, bigint, bigint),
  public.continue_response_job_in_place(uuid, integer, text, jsonb, jsonb, jsonb, text, integer, bigint)
  from public, anon, authenticated;
grant execute on function durable_responses.may_run_now(durable_responses.waits, bigint, bigint),
  durable_responses.enter_in_place(text),
  durable_responses.lease_in_place(durable_responses.waits, text, integer, bigint, bigint),
  public.start_response_job(jsonb, text, integer, bigint, bigint),
  public.continue_response_job_in_place(uuid, integer, text, jsonb, jsonb, jsonb, text, integer, bigint)
  to service_role;
