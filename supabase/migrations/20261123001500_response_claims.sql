-- Claiming: by route (paused? at its limit? enough of the worker's life left?), then by priority, then in
-- turns between owners, so that one owner's 10,000 jobs do not hold up another's one.
--
-- What a claim costs: a probe per route, and per route that may run a probe per owner it takes from; never
-- a look at the backlog. The index (route, priority desc, owner_key, run_at) over ready jobs answers each
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

create function durable_responses.pick_fairly(
  p_route text, p_after_owner uuid, p_limit integer, p_life_ms bigint
) returns uuid[]
language plpgsql set search_path = ''
as $$
declare
  v_priority smallint;
  v_owners uuid[];
  v_owner uuid;
  v_wrapped boolean;
  v_found uuid[];
  v_picked uuid[] := '{}';
begin
  -- From the highest priority down; within one, owners in turn, beginning after the one served last.
  loop
    select priority into v_priority from public.response_jobs
    where route = p_route and status = 'queued' and ready and (v_priority is null or priority < v_priority)
    order by priority desc limit 1;
    exit when v_priority is null or cardinality(v_picked) >= p_limit;
    v_owners := '{}';
    v_owner := p_after_owner;
    v_wrapped := false;
    while cardinality(v_owners) < p_limit - cardinality(v_picked) loop
      select owner_key into v_owner from public.response_jobs
      where route = p_route and priority = v_priority and status = 'queued' and ready
        and owner_key > v_owner and (not v_wrapped or owner_key <= p_after_owner)
      order by owner_key limit 1;
      if v_owner is not null then
        v_owners := v_owners || v_owner;
      elsif v_wrapped then
        exit;
      else
        v_wrapped := true;
        -- Servers' jobs have the lowest key, zeros: begin just below.
        select owner_key into v_owner from public.response_jobs
        where route = p_route and priority = v_priority and status = 'queued' and ready and owner_key <= p_after_owner
        order by owner_key limit 1;
        exit when v_owner is null;
        v_owners := v_owners || v_owner;
      end if;
    end loop;
    -- The same share of what is left to each of them; more than one only where owners are few.
    foreach v_owner in array v_owners loop
      select array_agg(id) into v_found from (
        select id from public.response_jobs
        where route = p_route and priority = v_priority and owner_key = v_owner
          and status = 'queued' and ready and min_life_ms <= p_life_ms
        order by run_at
        limit ceil((p_limit - cardinality(v_picked))::numeric / cardinality(v_owners))
        for update skip locked
      ) mine;
      v_picked := v_picked || coalesce(v_found, '{}');
      exit when cardinality(v_picked) >= p_limit;
    end loop;
  end loop;
  return v_picked[1:p_limit];
end;
$$;
comment on function durable_responses.pick_fairly(text, uuid, integer, bigint) is
  'Locks up to p_limit ready jobs of a route: by priority, then in turns between owners beginning after p_after_owner.';

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
  v_picked uuid[] := '{}';
  v_jobs jsonb;
  v_workers integer := durable_responses.seen_worker(p_worker, p_kind);
begin
  perform durable_responses.recover_lost_leases(100);
  perform durable_responses.fail_past_deadline(100);
  perform durable_responses.promote_delayed(100);
  select * into v_settings from public.response_settings;
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
    v_picked := v_picked || durable_responses.pick_fairly(v_route.route, p_after_owner, v_allowed, v_life);
    v_room := least(v_room, p_limit - cardinality(v_picked));
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
  select jsonb_agg(durable_responses.job_work(c::public.response_jobs) || jsonb_build_object('owner_key', c.owner_key))
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
  durable_responses.pick_fairly(text, uuid, integer, bigint),
  durable_responses.seen_worker(text, text),
  public.claim_response_work(text, integer, integer, bigint, bigint, text, uuid),
  public.sign_off_response_worker(text)
from public, anon, authenticated, service_role;
grant execute on function
  durable_responses.promote_delayed(integer),
  durable_responses.pick_fairly(text, uuid, integer, bigint),
  durable_responses.seen_worker(text, text),
  public.claim_response_work(text, integer, integer, bigint, bigint, text, uuid),
  public.sign_off_response_worker(text)
to service_role;
