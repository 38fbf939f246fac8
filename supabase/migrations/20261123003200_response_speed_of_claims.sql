-- Faster, continued: submitting and claiming.
--
-- A repeat is found by index, a claim probes each owner once and keeps its plans; what they do is the same.

create function durable_responses.find_repeat(p_owner_id uuid, p_idempotency_key text) returns public.response_jobs
language plpgsql stable set search_path = ''
as $$
declare
  v_job public.response_jobs;
begin
  if p_idempotency_key is null then
    return null;
  elsif p_owner_id is null then
    select * into v_job from public.response_jobs where owner_id is null and idempotency_key = p_idempotency_key;
  else
    select * into v_job from public.response_jobs where owner_id = p_owner_id and idempotency_key = p_idempotency_key;
  end if;
  return v_job;
end;
$$;
comment on function durable_responses.find_repeat(uuid, text) is
  'The job that the owner made with this idempotency key; a row of nulls when there is none.';

create or replace function public.submit_response_job(
  p_profile text,
  p_input jsonb default null,
  p_request jsonb default null,
  p_owner_id uuid default null,
  p_metadata jsonb default '{}',
  p_idempotency_key text default null,
  p_request_hash text default null,
  p_mode public.response_mode default 'synchronous',
  p_priority integer default 0,
  p_accept_ms integer default 20000,
  p_background_ms integer default 600000,
  p_deadline_ms bigint default 86400000,
  p_max_attempts integer default 5,
  p_backoff_base_ms integer default 1000,
  p_backoff_cap_ms integer default 300000,
  p_route text default null,
  p_model text default '',
  p_tool_servers text[] default '{}',
  p_once_tools boolean default true,
  p_on_uncertain text default 'review',
  p_approval_ms bigint default 604800000,
  p_poll_ms integer default 30000
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_route text := coalesce(p_route, p_profile);
  v_skip text;
  v_background boolean;
  v_created boolean := false;
  v_job public.response_jobs;
begin
  if p_input is null and p_request is null then
    raise exception using errcode = 'DR400', message = 'Cannot submit a job without input: p_input and p_request are both null',
      hint = 'Give p_input => to_jsonb(''your question''::text), or call enqueue_response_job().';
  end if;
  perform durable_responses.ensure_route(v_route, p_profile, p_model, p_tool_servers);
  -- A repeat must not use up the route's probe, so it is looked for before the verdict.
  v_job := durable_responses.find_repeat(p_owner_id, p_idempotency_key);
  if v_job.id is null then
    v_skip := case when p_mode = 'background' then durable_responses.background_verdict(v_route) end;
    v_background := p_mode = 'background' and v_skip is null;
    insert into public.response_jobs (
      owner_id, status, profile, input, request, metadata, idempotency_key, request_hash, priority,
      attempt, max_attempts, backoff_base_ms, backoff_cap_ms, deadline,
      poll_at, background_until, run_at, fallback_reason, route, once_tools, on_uncertain, approval_ms, poll_ms, created_at, updated_at
    ) values (
      p_owner_id, (case when v_background then 'background' else 'queued' end)::public.response_job_status,
      p_profile, p_input, p_request, coalesce(p_metadata, '{}'), p_idempotency_key, p_request_hash, p_priority,
      v_background::integer, p_max_attempts, p_backoff_base_ms, p_backoff_cap_ms,
      v_now + make_interval(secs => p_deadline_ms / 1000.0),
      case when v_background then v_now + make_interval(secs => least(p_accept_ms, p_background_ms, p_deadline_ms) / 1000.0) end,
      case when v_background then v_now + make_interval(secs => p_background_ms / 1000.0) end,
      case when not v_background then v_now end,
      v_skip, v_route, p_once_tools, p_on_uncertain, p_approval_ms, p_poll_ms, v_now, v_now
    )
    on conflict (owner_id, idempotency_key) where idempotency_key is not null do nothing
    returning * into v_job;
    v_created := found;
    if not found then
      -- Another call with the key was faster, by less than this one took.
      v_job := durable_responses.find_repeat(p_owner_id, p_idempotency_key);
    end if;
  end if;

  if not v_created then
    if v_job.request_hash is distinct from p_request_hash then
      raise exception using errcode = 'DR422',
        message = 'Cannot use this Idempotency-Key again: it was used with another request',
        hint = 'Use a new key for a new request, and the same key only to repeat the same one.';
    end if;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_job));
  end if;

  if v_background then
    insert into public.response_attempts (job_id, number, mode, started_at) values (v_job.id, 1, 'background', v_now);
  end if;
  return jsonb_build_object('created', true, 'job', durable_responses.job_view(v_job));
end;
$$;

create or replace function durable_responses.seen_worker(p_worker text, p_kind text) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
begin
  -- Once in 5 s is enough to count as alive for a minute, and spares nearly every claim a write.
  if not exists (select from public.response_workers where id = p_worker and seen_at between v_now - interval '5 s' and v_now) then
    insert into public.response_workers (id, kind, started_at, seen_at) values (p_worker, p_kind, v_now, v_now)
    on conflict (id) do update set seen_at = excluded.seen_at;
  end if;
  return (select count(*) from public.response_workers where seen_at > v_now - interval '1 minute');
end;
$$;

create function durable_responses.next_of_owner(
  p_route text, p_priority smallint, p_owner uuid, p_life_ms bigint, p_picked uuid[], p_limit integer
) returns uuid[]
language plpgsql set search_path = ''
as $$
begin
  return coalesce((
    select array_agg(next.id order by next.run_at)
    from (
      select id, run_at from public.response_jobs
      where route = p_route and priority = p_priority and status = 'queued' and ready
        and owner_key = p_owner and min_life_ms <= p_life_ms and id <> all (p_picked)
      order by run_at limit p_limit
      for update skip locked
    ) next
  ), '{}');
end;
$$;
comment on function durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer) is
  'Locks the oldest jobs of one owner, at most p_limit.';

create or replace function durable_responses.pick_fairly(
  p_route text, p_after_owner uuid, p_limit integer, p_life_ms bigint
) returns uuid[]
language plpgsql set search_path = ''
as $$
declare
  v_priority smallint;
  v_job public.response_jobs;
  v_before integer;
  v_whole_round boolean;
  v_last_owner uuid;
  v_picked uuid[] := '{}';
begin
  -- From the highest priority down, each used up before the next; within one, a job from each owner in
  -- turn, beginning after the one served last, round after round until a whole round finds nothing.
  while cardinality(v_picked) < p_limit loop
    select priority into v_priority from public.response_jobs
    where route = p_route and status = 'queued' and ready and (v_priority is null or priority < v_priority)
    order by priority desc limit 1;
    exit when v_priority is null;
    v_job.owner_key := p_after_owner;
    v_before := -1;
    v_whole_round := false;
    while cardinality(v_picked) < p_limit loop
      v_job := durable_responses.next_in_turn(p_route, v_priority, v_job.owner_key, p_life_ms, v_picked);
      if v_job.id is not null then
        v_picked := v_picked || v_job.id;
        v_last_owner := v_job.owner_key;
        continue;
      end if;
      exit when v_before = cardinality(v_picked);
      -- A round over all owners that found one job: only one owner waits. One by one, every further job would be
      -- looked for behind all that are picked already, here and by others.
      if v_whole_round and cardinality(v_picked) = v_before + 1 then
        v_picked := v_picked || durable_responses.next_of_owner(
          p_route, v_priority, v_last_owner, p_life_ms, v_picked, p_limit - cardinality(v_picked));
        exit;
      end if;
      v_before := cardinality(v_picked);
      v_whole_round := true;
    end loop;
  end loop;
  return v_picked;
end;
$$;

-- A generic plan, here: the planner takes an array of one picked job for so much cheaper than one of unknown length
-- that it would plan the update of every single claim anew, which takes longer than the update. Every statement here
-- is a probe of an index that no other plan could beat.
create or replace function public.claim_response_work(
  p_worker text, p_limit integer, p_lease_ms integer default 30000,
  p_life_ms bigint default null, p_full_life_ms bigint default null,
  p_kind text default 'edge', p_after_owner uuid default '00000000-0000-0000-0000-000000000000'
) returns jsonb
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan
as $$
declare
  v_now timestamptz := durable_responses.clock();
  -- No wall clock: any job fits.
  v_life bigint := coalesce(p_life_ms, 9223372036854775807);
  v_settings public.response_settings;
  v_route public.response_routes;
  v_room integer := p_limit;
  v_allowed integer;
  v_found uuid[];
  v_picked uuid[] := '{}';
  v_jobs jsonb;
  v_lost boolean;
  v_late boolean;
  v_delayed boolean;
  v_workers integer := durable_responses.seen_worker(p_worker, p_kind);
begin
  select * into v_settings from public.response_settings;
  -- A limit is counted and then used, so two claims must not count at once. Nothing else is locked yet and a
  -- claim waits for no job, so this cannot be part of a deadlock; without limits, claims do not wait.
  if v_settings.max_running is not null
    or exists (select from public.response_routes where max_running is not null or paused_until is not null) then
    perform pg_advisory_xact_lock(hashtextextended('durable_responses.claim', 0));
  end if;
  -- Asked together first: nearly always the answer is no, and three calls to learn that cost more than the claim.
  -- Ordered, so that each is a descent of its index: with `exists (… <= v_now)` the planner may expect a hit soon
  -- and read the whole table for it (10 times a claim's cost with 60,000 jobs waiting). Bounded, so that row
  -- versions which a long transaction keeps from being removed are not walked through.
  v_lost := (
    select leased_until from public.response_jobs
    where status = 'running' and leased_until <= v_now order by leased_until limit 1) is not null;
  v_late := (
    select deadline from public.response_jobs
    where status in ('queued', 'awaiting_approval') and deadline <= v_now order by deadline limit 1) is not null
    or (
    select approval_until from public.response_jobs
    where status = 'awaiting_approval' and approval_until <= v_now order by approval_until limit 1) is not null;
  v_delayed := (
    select run_at from public.response_jobs
    where status = 'queued' and not ready and run_at <= v_now order by run_at limit 1) is not null;
  if v_lost then
    perform durable_responses.recover_lost_leases(100);
  end if;
  if v_late then
    perform durable_responses.fail_past_deadline(100);
  end if;
  if v_delayed then
    perform durable_responses.promote_delayed(100);
  end if;
  if v_settings.max_running is not null then
    v_room := least(v_room, v_settings.max_running - (
      select count(*) from (select from public.response_jobs where status = 'running' limit v_settings.max_running) running));
  end if;
  -- Routes in random order: none is always first.
  for v_route in
    select * from public.response_routes
    where (paused_until is null or paused_until <= v_now)
      -- A run that usually takes longer than is left waits for a worker that has the time, if one can have it.
      and (typical_ms is null or typical_ms <= v_life or typical_ms > coalesce(p_full_life_ms, v_life))
    order by random()
  loop
    exit when v_room <= 0;
    -- After a pause, one job finds out whether it is over, not all of them.
    v_allowed := case when v_route.paused_until is not null then 1 else v_route.max_running end;
    -- Only a limit is worth counting for: without one this would count all that runs.
    if v_allowed is not null then
      v_allowed := v_allowed - (
        select count(*) from (
          select from public.response_jobs where route = v_route.route and status = 'running' limit v_allowed
        ) running);
    end if;
    v_allowed := least(v_room, v_allowed);
    continue when v_allowed <= 0;
    v_found := durable_responses.pick_fairly(v_route.route, p_after_owner, v_allowed, v_life);
    v_picked := v_picked || v_found;
    v_room := v_room - cardinality(v_found);
  end loop;

  with claimed as (
    update public.response_jobs j set
      status = 'running', run_at = null, attempt = j.attempt + 1,
      leased_by = p_worker, leased_until = v_now + make_interval(secs => p_lease_ms / 1000.0)
    where j.id = any (v_picked)
    returning j.*
  ), attempts as (
    insert into public.response_attempts (job_id, number, mode, worker, started_at)
    select id, attempt, 'synchronous', p_worker, v_now from claimed
  )
  -- In the order they were picked: the last one's owner is where the worker's next claim goes on.
  select jsonb_agg(
    durable_responses.job_work(c::public.response_jobs) || jsonb_build_object('owner_key', c.owner_key)
    order by array_position(v_picked, c.id))
  into v_jobs from claimed c;
  return jsonb_build_object(
    'jobs', coalesce(v_jobs, '[]'::jsonb),
    'spare_workers', greatest(v_settings.max_workers - v_workers, 0));
end;
$$;

revoke all on function
  durable_responses.find_repeat(uuid, text),
  durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer)
from public, anon, authenticated, service_role;
grant execute on function
  durable_responses.find_repeat(uuid, text),
  durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer)
to service_role;
