-- Claiming: one call that takes back lost jobs, fails late ones, and leases the next ones (21_claim_order.sql has the order).

create function durable_responses.seen_worker(p_worker text, p_kind text) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_count integer;
  v_fresh boolean;
begin
  -- Runs in place do not count: each ends with its request, and wakes no worker.
  select count(*) filter (where kind <> 'inline'), coalesce(bool_or(id = p_worker and seen_at between v_now - interval '5 s' and v_now), false)
  into v_count, v_fresh
  from public.response_workers where seen_at > v_now - interval '1 minute';
  -- Once in 5 s is enough to count as alive for a minute, and spares nearly every claim a write.
  if not v_fresh then
    insert into public.response_workers (id, kind, started_at, seen_at) values (p_worker, p_kind, v_now, v_now)
    on conflict (id) do update set seen_at = excluded.seen_at;
    v_count := (select count(*) from public.response_workers where kind <> 'inline' and seen_at > v_now - interval '1 minute');
  end if;
  return v_count;
end;
$$;
comment on function durable_responses.seen_worker(text, text) is 'Records that a worker is alive. Returns how many are, without runs in place.';

create type durable_responses.open_route as (
  route text, paused_until timestamptz, max_running integer, ready_from xid8, few boolean, whole boolean, unmarked boolean
);
comment on type durable_responses.open_route is
  'A route that a claim may take jobs from, with its mark: whole, if everything is to be read this time; unmarked, if the mark is to be moved.';

create function public.claim_response_work(
  p_worker text, p_limit integer, p_lease_ms integer default 30000, p_life_ms bigint default null, p_full_life_ms bigint default null,
  p_kind text default 'edge', p_after_owner uuid default '00000000-0000-0000-0000-000000000000',
  p_schema_major integer default null, p_profiles text[] default null, p_was_made jsonb default '{}'
) returns json
language plpgsql set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
  set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  -- No wall clock: any job fits.
  v_life constant bigint := coalesce(p_life_ms, 9223372036854775807);
  v_due record;
  v_lost_from timestamptz;
  v_late_from timestamptz;
  v_route durable_responses.open_route;
  v_found record;
  v_few boolean;
  v_taken uuid[];
  v_room integer := p_limit;
  v_allowed integer;
  v_picked uuid[] := '{}';
  v_jobs json;
  v_watched boolean;
begin
  if p_schema_major is not null then
    perform durable_responses.check_schema_major(p_schema_major);
  end if;
  if p_profiles is not null then
    perform public.register_response_profiles(p_profiles, p_was_made);
  end if;
  -- All that a claim asks before it takes a job, in one statement: beginning one costs more than what it does. Ordered, here
  -- and below, so that each is a descent of its index: with `exists (… <= v_now)` the planner may expect a hit soon and read
  -- the whole table for it (10 times a claim's cost with 60,000 jobs waiting).
  select s.max_workers, s.max_running, alive.seen, alive.workers, open.routes,
    s.max_running is not null or open.limited as limited,
    case when m.whole_at between v_now - interval '10 s' and v_now then m.leases_from end as leases_from,
    m.marked_at is null or m.marked_at not between v_now - interval '0.5 s' and v_now or coalesce(m.due_from <= v_now, false) as unmarked,
    (select due from durable_responses.waits
      where status = 'queued' and not ready and due <= v_now order by due limit 1) is not null as delayed
  into v_due
  from public.response_settings s left join durable_responses.marks m on m.route = ''
    cross join (
      select count(*) filter (where kind <> 'inline') as workers,
        bool_or(id = p_worker and seen_at between v_now - interval '5 s' and v_now) as seen
      from public.response_workers where seen_at > v_now - interval '1 minute'
    ) alive
    cross join (
      -- Routes in random order: none is always first.
      select array_agg(row(r.route, r.paused_until, r.max_running,
          case when mark.whole then '0'::xid8 else m.ready_from end, coalesce(m.few, true), mark.whole,
          m.marked_at is null or m.marked_at not between v_now - interval '0.5 s' and v_now
        )::durable_responses.open_route order by random()) as routes,
        coalesce(bool_or(r.max_running is not null or r.paused_until is not null), false) as limited
      from public.response_routes r left join durable_responses.marks m on m.route = r.route
        cross join lateral (select m.whole_at is null or m.whole_at not between v_now - interval '1 minute' and v_now
          or m.ready_from > pg_snapshot_xmin(pg_current_snapshot()) as whole) mark
      where (r.paused_until is null or r.paused_until <= v_now)
        -- A run that usually takes longer than is left waits for a worker that has the time, if one can have it.
        and (r.typical_ms is null or r.typical_ms <= v_life or r.typical_ms > coalesce(p_full_life_ms, v_life))
    ) open;
  -- Mostly there is nothing of this to do.
  if v_due.seen is not true or v_due.limited or v_due.unmarked or v_due.delayed then
    if v_due.seen is not true then
      v_due.workers := durable_responses.seen_worker(p_worker, p_kind)::bigint;
    end if;
    -- A limit is counted and then used, so two claims must not count at once. Nothing else is locked yet and a claim waits for
    -- no job, so this cannot be part of a deadlock; without limits, claims do not wait.
    if v_due.limited then
      perform pg_advisory_xact_lock(hashtextextended('durable_responses.claim', 0));
    end if;
    if v_due.unmarked then
      select
        (select due from durable_responses.waits
          where status = 'running' and not ready and due > coalesce(v_due.leases_from, '-infinity') order by due limit 1) as lost,
        least(
          (select deadline from durable_responses.waits where ready order by deadline limit 1),
          (select min(d.due) from durable_responses.statuses e cross join lateral (
            select due from durable_responses.waits where status = e.status and not ready order by due limit 1) d
          where e.clock_stops)) as late
      into v_lost_from, v_late_from;
      if v_lost_from <= v_now then
        perform durable_responses.recover_lost_leases(100);
      end if;
      if v_late_from <= v_now then
        perform durable_responses.fail_overdue(100);
      end if;
    end if;
    if v_due.delayed then
      perform durable_responses.promote_delayed(100);
    end if;
    if v_due.max_running is not null then
      v_room := least(v_room, v_due.max_running - (
        select count(*) from (select from durable_responses.waits where status = 'running' and not ready limit v_due.max_running) running));
    end if;
  end if;
  foreach v_route in array coalesce(v_due.routes, '{}') loop
    exit when v_room <= 0;
    v_allowed := v_room;
    if v_due.limited then
      -- After a pause, one job finds out whether it is over, not all of them.
      v_allowed := least(case when v_route.paused_until is not null then 1 end, v_route.max_running);
      -- Only a limit is worth counting for: without one this would count all that runs.
      if v_allowed is not null then
        v_allowed := v_allowed - (
          select count(*) from (
            select from durable_responses.waits where status = 'running' and not ready and route = v_route.route limit v_allowed
          ) running);
      end if;
      v_allowed := least(v_room, v_allowed);
      continue when v_allowed <= 0;
    end if;
    v_few := v_route.few;
    -- If many waited half a second ago, they most likely still do.
    if v_route.whole or v_route.unmarked or v_few then
      v_found := durable_responses.pick_of_few(v_route.route, p_after_owner, v_allowed, v_life, v_route.ready_from);
      v_few := v_found.few;
      v_taken := v_found.picked;
      if v_route.whole or v_route.unmarked then
        perform durable_responses.set_mark(v_route.route, v_found.lowest, v_few, null, null, v_route.whole);
      end if;
    end if;
    if not v_few then
      v_taken := durable_responses.pick_fairly(v_route.route, p_after_owner, v_allowed, v_life, v_route.ready_from);
    end if;
    v_picked := v_picked || v_taken;
    v_room := v_room - coalesce(cardinality(v_taken), 0);
  end loop;

  if cardinality(v_picked) > 0 then
    -- Sets everything that the guard of waits would set, because the guard skips a row whose `since` is set.
    update durable_responses.waits set
      status = 'running', since = v_now, due = v_now + make_interval(secs => p_lease_ms / 1000.0), ready = false,
      worker = p_worker, attempt = attempt + 1, warnings = '{}', request_id = null
    where job_id = any (v_picked);
    if cardinality(v_picked) = 1 then
      select json_build_array(work), exists (select from public.response_watches where watched_until > now())
      into v_jobs, v_watched from durable_responses.work where job_id = v_picked[1];
    else
      -- In the order they were picked: the last one's owner is where the worker's next claim continues.
      select json_agg(w.work order by p.place), exists (select from public.response_watches where watched_until > now())
      into v_jobs, v_watched
      from unnest(v_picked) with ordinality p (job_id, place) join durable_responses.work w on w.job_id = p.job_id;
    end if;
    if v_watched then
      perform durable_responses.announce_jobs(v_picked);
    end if;
  end if;
  if v_due.unmarked and (least(v_lost_from, v_late_from) <= v_now) is not true then
    perform durable_responses.set_mark('', null, null, v_now, least(v_lost_from, v_late_from), v_due.leases_from is null);
  end if;
  return json_build_object(
    'jobs', coalesce(v_jobs, '[]'::json),
    'spare_workers', greatest(v_due.max_workers - v_due.workers, 0));
end;
$$;
comment on function public.claim_response_work(text, integer, integer, bigint, bigint, text, uuid, integer, text[], jsonb) is
  'Leases up to p_limit jobs to a worker for p_lease_ms. p_life_ms, p_full_life_ms: what is left of its life, and its whole life; null without a wall clock. p_after_owner: the owner it served last. p_profiles, p_was_made: its profiles, given once, as for register_response_profiles(). Returns {jobs, spare_workers}. Also takes back lost leases and fails jobs past their deadline.';

revoke execute on function durable_responses.seen_worker(text, text),
  public.claim_response_work(text, integer, integer, bigint, bigint, text, uuid, integer, text[], jsonb) from public, anon, authenticated;
grant execute on function durable_responses.seen_worker(text, text),
  public.claim_response_work(text, integer, integer, bigint, bigint, text, uuid, integer, text[], jsonb) to service_role;
