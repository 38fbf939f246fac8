-- Claiming: by route (paused? at its limit? enough of the worker's life left?), then by priority, then in
-- turns between owners, so that one owner's 10,000 jobs do not hold up another's one.
--
-- What a claim costs: a probe per route, and per route that may run a probe per job it takes; never a
-- look at the backlog. The index (route, priority desc, owner_key, run_at) over ready jobs answers each
-- probe with one descent. Rejected: a window function over the backlog (grows with it); a stored turn per
-- job (needs a hot row per owner at submit).

create function durable_responses.promote_delayed(p_limit integer) returns void
language sql set search_path = ''
as $$
  -- The guard sets `ready`; the update only has to touch the row.
  update public.response_jobs set run_at = run_at
  where id in (
    select id from public.response_jobs
    where status = 'queued' and not ready and run_at <= durable_responses.clock()
    order by run_at limit p_limit
    for update skip locked
  );
$$;
comment on function durable_responses.promote_delayed(integer) is 'Makes waiting jobs whose time has come ready to be claimed.';

create function durable_responses.next_in_turn(
  p_route text, p_priority smallint, p_after_owner uuid, p_life_ms bigint, p_picked uuid[]
) returns public.response_jobs
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
begin
  -- Two statements, since "after nobody" as an `or` would keep the index from being descended.
  if p_after_owner is null then
    select * into v_job from public.response_jobs
    where route = p_route and priority = p_priority and status = 'queued' and ready
      and min_life_ms <= p_life_ms and id <> all (p_picked)
    order by owner_key, run_at limit 1
    for update skip locked;
  else
    select * into v_job from public.response_jobs
    where route = p_route and priority = p_priority and status = 'queued' and ready
      and owner_key > p_after_owner and min_life_ms <= p_life_ms and id <> all (p_picked)
    order by owner_key, run_at limit 1
    for update skip locked;
  end if;
  return v_job;
end;
$$;
comment on function durable_responses.next_in_turn(text, smallint, uuid, bigint, uuid[]) is
  'Locks the oldest job of the next owner after p_after_owner (null: of the first); a row of nulls when there is none.';

create function durable_responses.pick_fairly(
  p_route text, p_after_owner uuid, p_limit integer, p_life_ms bigint
) returns uuid[]
language plpgsql set search_path = ''
as $$
declare
  v_priority smallint;
  v_job public.response_jobs;
  v_before integer;
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
    while cardinality(v_picked) < p_limit loop
      v_job := durable_responses.next_in_turn(p_route, v_priority, v_job.owner_key, p_life_ms, v_picked);
      if v_job.id is not null then
        v_picked := v_picked || v_job.id;
      else
        exit when v_before = cardinality(v_picked);
        v_before := cardinality(v_picked);
      end if;
    end loop;
  end loop;
  return v_picked;
end;
$$;
comment on function durable_responses.pick_fairly(text, uuid, integer, bigint) is
  'Locks up to p_limit ready jobs of a route, in order: by priority, then in turns between owners beginning after p_after_owner.';

create function durable_responses.seen_worker(p_worker text, p_kind text) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
begin
  insert into public.response_workers (id, kind, started_at, seen_at) values (p_worker, p_kind, v_now, v_now)
  on conflict (id) do update set seen_at = excluded.seen_at;
  return (select count(*) from public.response_workers where seen_at > v_now - interval '1 minute');
end;
$$;
comment on function durable_responses.seen_worker(text, text) is 'Notes that a worker is alive; returns how many are.';

drop function public.claim_response_jobs(text, integer, integer);
create function public.claim_response_work(
  p_worker text, p_limit integer, p_lease_ms integer default 30000,
  p_life_ms bigint default null, p_full_life_ms bigint default null,
  p_kind text default 'edge', p_after_owner uuid default '00000000-0000-0000-0000-000000000000'
) returns jsonb
language plpgsql set search_path = ''
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
  v_workers integer := durable_responses.seen_worker(p_worker, p_kind);
begin
  select * into v_settings from public.response_settings;
  -- A limit is counted and then used, so two claims must not count at once. Nothing else is locked yet and a
  -- claim waits for no job, so this cannot be part of a deadlock; without limits, claims do not wait.
  if v_settings.max_running is not null
    or exists (select from public.response_routes where max_running is not null or paused_until is not null) then
    perform pg_advisory_xact_lock(hashtextextended('durable_responses.claim', 0));
  end if;
  perform durable_responses.recover_lost_leases(100);
  perform durable_responses.fail_past_deadline(100);
  perform durable_responses.promote_delayed(100);
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
    v_allowed := least(v_room, coalesce(v_allowed - (
      select count(*) from (
        select from public.response_jobs where route = v_route.route and status = 'running' limit v_allowed
      ) running), v_room));
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
comment on function public.claim_response_work(text, integer, integer, bigint, bigint, text, uuid) is
  'Leases up to p_limit ready jobs to a worker and starts an attempt for each; jobs of dead workers are recovered first. p_life_ms: what is left of the worker''s life, null for no wall clock. p_after_owner: whom it served last. Returns {jobs: [work + owner_key], spare_workers}.';

create or replace function public.renew_response_leases(p_worker text, p_jobs jsonb, p_lease_ms integer default 30000) returns jsonb
language sql set search_path = ''
as $$
  update public.response_workers set seen_at = durable_responses.clock() where id = p_worker;
  with held as (
    select (held ->> 'id')::uuid as id, (held ->> 'attempt')::integer as attempt
    from jsonb_array_elements(p_jobs) held
  ), renewed as (
    update public.response_jobs j set
      leased_until = durable_responses.clock() + make_interval(secs => p_lease_ms / 1000.0)
    from held
    where j.id = held.id and j.attempt = held.attempt and j.status = 'running' and j.leased_by = p_worker
    returning j.id
  )
  select coalesce(jsonb_agg(id), '[]'::jsonb) from renewed;
$$;

create or replace function public.response_work_due() returns boolean
language sql stable set search_path = ''
as $$
  select exists (
      select from public.response_routes r
      where (r.paused_until is null or r.paused_until <= durable_responses.clock())
        and exists (select from public.response_jobs j where j.route = r.route and j.status = 'queued' and j.ready)
    )
    or exists (select from public.response_jobs where status = 'queued' and not ready and run_at <= durable_responses.clock())
    or exists (select from public.response_jobs where status = 'running' and leased_until <= durable_responses.clock())
    or exists (select from public.response_jobs where status = 'background' and poll_at <= durable_responses.clock())
    or exists (select from public.response_jobs where status in ('queued', 'awaiting_approval') and deadline <= durable_responses.clock())
    or exists (select from public.response_jobs where status = 'awaiting_approval' and approval_until <= durable_responses.clock())
    or exists (select from public.response_attempts where cancel_pending);
$$;
comment on function public.response_work_due() is 'True when a worker would find something to do now: index probes only, one per route for waiting jobs.';

create function public.sign_off_response_worker(p_worker text) returns boolean
language sql set search_path = ''
as $$
  delete from public.response_workers
  where id = p_worker or seen_at < durable_responses.clock() - interval '1 hour';
  select public.response_work_due();
$$;
comment on function public.sign_off_response_worker(text) is 'A worker ends. Returns whether work is left for a successor.';

revoke all on function
  durable_responses.promote_delayed(integer),
  durable_responses.next_in_turn(text, smallint, uuid, bigint, uuid[]),
  durable_responses.pick_fairly(text, uuid, integer, bigint),
  durable_responses.seen_worker(text, text),
  public.claim_response_work(text, integer, integer, bigint, bigint, text, uuid),
  public.sign_off_response_worker(text)
from public, anon, authenticated, service_role;
grant execute on function
  durable_responses.promote_delayed(integer),
  durable_responses.next_in_turn(text, smallint, uuid, bigint, uuid[]),
  durable_responses.pick_fairly(text, uuid, integer, bigint),
  durable_responses.seen_worker(text, text),
  public.claim_response_work(text, integer, integer, bigint, bigint, text, uuid),
  public.sign_off_response_worker(text)
to service_role;
