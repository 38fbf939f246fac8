-- A claim with the marks of the migration before, in fewer statements.

create or replace function durable_responses.seen_worker(p_worker text, p_kind text) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_count integer;
  v_fresh boolean;
begin
  select count(*), coalesce(bool_or(id = p_worker and seen_at between v_now - interval '5 s' and v_now), false)
  into v_count, v_fresh
  from public.response_workers where seen_at > v_now - interval '1 minute';
  -- Once in 5 s is enough to count as alive for a minute, and spares nearly every claim a write.
  if not v_fresh then
    insert into public.response_workers (id, kind, started_at, seen_at) values (p_worker, p_kind, v_now, v_now)
    on conflict (id) do update set seen_at = excluded.seen_at;
    v_count := (select count(*) from public.response_workers where seen_at > v_now - interval '1 minute');
  end if;
  return v_count;
end;
$$;

create function durable_responses.set_mark(
  p_route text, p_ready_from xid8, p_few boolean, p_leases_from timestamptz, p_whole boolean
) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  -- One at a time, and nobody waits: whoever comes second leaves it to the first.
  if pg_try_advisory_xact_lock(hashtextextended('durable_responses.marks', 0)) then
    insert into durable_responses.marks as m (route, ready_from, few, leases_from, marked_at, whole_at)
    values (p_route, p_ready_from, p_few, p_leases_from, v_now, v_now)
    on conflict (route) do update set
      ready_from = excluded.ready_from, few = excluded.few, leases_from = excluded.leases_from, marked_at = v_now,
      whole_at = case when p_whole then v_now else m.whole_at end;
  end if;
end;
$$;
comment on function durable_responses.set_mark(text, xid8, boolean, timestamptz, boolean) is
  'Moves a mark. p_whole: everything below it was looked at.';

create or replace function public.claim_response_work(
  p_worker text, p_limit integer, p_lease_ms integer default 30000,
  p_life_ms bigint default null, p_full_life_ms bigint default null,
  p_kind text default 'edge', p_after_owner uuid default '00000000-0000-0000-0000-000000000000'
) returns jsonb
-- One plan for ever, here: the planner takes an array of one picked job for so much cheaper than one of unknown
-- length that it would plan the update of every single claim anew, which takes longer than the update; and reads
-- whole tables that were small when it looked. Every statement here is a probe of an index that no other plan
-- could beat.
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  -- No wall clock: any job fits.
  v_life constant bigint := coalesce(p_life_ms, 9223372036854775807);
  v_workers constant integer := durable_responses.seen_worker(p_worker, p_kind);
  v_due record;
  v_route record;
  v_from xid8;
  v_found record;
  v_many boolean;
  v_taken uuid[];
  v_room integer := p_limit;
  v_allowed integer;
  v_picked uuid[] := '{}';
  v_jobs jsonb;
begin
  -- Ordered, so that each is a descent of its index: with `exists (… <= v_now)` the planner may expect a hit soon
  -- and read the whole table for it (10 times a claim's cost with 60,000 jobs waiting).
  select s.max_workers, s.max_running,
    s.max_running is not null or exists (
      select from public.response_routes where max_running is not null or paused_until is not null) as limited,
    m.whole_at is null or m.whole_at not between v_now - interval '10 s' and v_now as whole,
    m.marked_at is null or m.marked_at not between v_now - interval '0.5 s' and v_now as unmarked,
    (select leased_until from public.response_jobs
      where status = 'running' and leased_until <= v_now
        and leased_until > case when m.whole_at between v_now - interval '10 s' and v_now then m.leases_from else '-infinity' end
      order by leased_until limit 1) is not null as lost,
    (select deadline from public.response_jobs
      where status in ('queued', 'awaiting_approval') and deadline <= v_now order by deadline limit 1) is not null
    or (select approval_until from public.response_jobs
      where status = 'awaiting_approval' and approval_until <= v_now order by approval_until limit 1) is not null as late,
    (select run_at from public.response_jobs
      where status = 'queued' and not ready and run_at <= v_now order by run_at limit 1) is not null as delayed
  into v_due
  from public.response_settings s left join durable_responses.marks m on m.route = '';
  -- A limit is counted and then used, so two claims must not count at once. Nothing else is locked yet and a
  -- claim waits for no job, so this cannot be part of a deadlock; without limits, claims do not wait.
  if v_due.limited then
    perform pg_advisory_xact_lock(hashtextextended('durable_responses.claim', 0));
  end if;
  if v_due.lost then
    perform durable_responses.recover_lost_leases(100);
  end if;
  if v_due.late then
    perform durable_responses.fail_past_deadline(100);
  end if;
  if v_due.delayed then
    perform durable_responses.promote_delayed(100);
  end if;
  if v_due.max_running is not null then
    v_room := least(v_room, v_due.max_running - (
      select count(*) from (select from public.response_jobs where status = 'running' limit v_due.max_running) running));
  end if;
  -- Routes in random order: none is always first.
  for v_route in
    select r.route, r.paused_until, r.max_running, m.ready_from, coalesce(m.few, true) as few,
      m.whole_at is null or m.whole_at not between v_now - interval '1 minute' and v_now
        or m.ready_from > pg_snapshot_xmin(pg_current_snapshot()) as whole,
      m.marked_at is null or m.marked_at not between v_now - interval '0.5 s' and v_now as unmarked
    from public.response_routes r left join durable_responses.marks m on m.route = r.route
    where (r.paused_until is null or r.paused_until <= v_now)
      -- A run that usually takes longer than is left waits for a worker that has the time, if one can have it.
      and (r.typical_ms is null or r.typical_ms <= v_life or r.typical_ms > coalesce(p_full_life_ms, v_life))
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
    v_from := case when v_route.whole then '0' else v_route.ready_from end;
    -- Where many waited half a second ago, they most likely still do.
    v_many := not (v_route.whole or v_route.unmarked or v_route.few);
    if not v_many then
      v_found := durable_responses.pick_of_few(v_route.route, p_after_owner, v_allowed, v_life, v_from);
      v_many := not v_found.few;
      v_taken := v_found.picked;
      if v_route.whole or v_route.unmarked then
        perform durable_responses.set_mark(v_route.route, v_found.lowest, v_found.few, null, v_route.whole);
      end if;
    end if;
    if v_many then
      v_taken := durable_responses.pick_fairly(v_route.route, p_after_owner, v_allowed, v_life, v_from);
    end if;
    v_picked := v_picked || v_taken;
    v_room := v_room - coalesce(cardinality(v_taken), 0);
  end loop;

  with claimed as (
    update public.response_jobs j set
      status = 'running', run_at = null, attempt = j.attempt + 1,
      leased_by = p_worker, leased_until = v_now + make_interval(secs => p_lease_ms / 1000.0)
    where j.id = any (v_picked)
    returning j.id, j.attempt, durable_responses.job_work(j) || jsonb_build_object('owner_key', j.owner_key) as work
  ), attempts as (
    insert into public.response_attempts (job_id, number, mode, worker, started_at)
    select id, attempt, 'synchronous', p_worker, v_now from claimed
  )
  -- In the order they were picked: the last one's owner is where the worker's next claim goes on.
  select jsonb_agg(c.work order by array_position(v_picked, c.id)) into v_jobs from claimed c;
  if v_due.unmarked and not v_due.lost then
    perform durable_responses.set_mark('', null, null, v_now, v_due.whole);
  end if;
  return jsonb_build_object(
    'jobs', coalesce(v_jobs, '[]'::jsonb),
    'spare_workers', greatest(v_due.max_workers - v_workers, 0));
end;
$$;

revoke all on function durable_responses.set_mark(text, xid8, boolean, timestamptz, boolean)
from public, anon, authenticated, service_role;
grant execute on function durable_responses.set_mark(text, xid8, boolean, timestamptz, boolean) to service_role;
