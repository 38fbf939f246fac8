-- Claims: which jobs a worker takes next.
--
-- Order: routes in random order, so that none is always first. On a route by priority, then owners in turn, starting after
-- the one that the worker served last, then the oldest job. Pauses, limits and what is left of the worker's life are respected.
--
-- Marks: a claimed job leaves a dead entry in the index of waiting jobs. A long transaction prevents their removal, and a
-- claim that finds little to do visits every one: 6.8 times as slow after 100 s at 500 jobs/s. So a claim starts at a mark
-- below which nothing waits:
--   * Each change that makes a job ready stamps it with the number of its transaction (ready_xid).
--   * A mark is the smaller of the lowest stamp that waits and the oldest running transaction, both from one snapshot.
--     Anything with a lower stamp was committed then, and did not wait; to wait again it would get a new stamp. So no job is
--     skipped, in whatever order transactions commit.
--   * If few jobs are above the mark, all are read and sorted. If there are many, the claim walks the index in the order of
--     turns, and skips dead entries by their stamp without reading the table.
-- Running jobs have a mark in time: all leases that expired before it were found. Next to it is the time when the next lease,
-- deadline or question expires: until then claims need not look. (Whatever starts and expires within the half second that a
-- mark lasts is found at its end.)
-- Marks are hints in an unlogged table, written at most twice a second. After a crash or a restore there are none, or one from
-- the future is ignored, and from time to time every claim scans from the beginning anyway.
-- Rejected: a counter per owner (a hot row for each submit); rotated and truncated queues (two homes for a job).

create unlogged table durable_responses.marks (
  route text primary key,
  ready_from xid8,
  few boolean,
  leases_from timestamptz,
  due_from timestamptz,
  marked_at timestamptz not null,
  whole_at timestamptz not null
) with (fillfactor = 50);
comment on table durable_responses.marks is 'Where claims start to read. These are hints: if you delete them, the next claims create new ones.';
comment on column durable_responses.marks.route is 'A route, for what waits there; the empty string for leases.';
comment on column durable_responses.marks.ready_from is 'The lowest waits.ready_xid that may wait on the route.';
comment on column durable_responses.marks.few is 'Whether few jobs waited above the mark; a claim then reads all of them.';
comment on column durable_responses.marks.leases_from is 'All leases that expire before this time were found.';
comment on column durable_responses.marks.due_from is 'The earliest time at which a lease or a deadline that existed when the mark moved can pass; null if there was none.';
comment on column durable_responses.marks.marked_at is 'When the mark was moved last.';
comment on column durable_responses.marks.whole_at is 'When everything below the mark was last read.';
alter table durable_responses.marks enable row level security;
revoke all on durable_responses.marks from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.marks to service_role;

create function durable_responses.set_mark(
  p_route text, p_ready_from xid8, p_few boolean, p_leases_from timestamptz, p_due_from timestamptz, p_whole boolean
) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  -- One at a time, and nobody waits: the second transaction leaves it to the first.
  if pg_try_advisory_xact_lock(hashtextextended('durable_responses.marks', 0)) then
    insert into durable_responses.marks as m (route, ready_from, few, leases_from, due_from, marked_at, whole_at)
    values (p_route, p_ready_from, p_few, p_leases_from, p_due_from, v_now, v_now)
    on conflict (route) do update set
      ready_from = excluded.ready_from, few = excluded.few, leases_from = excluded.leases_from,
      due_from = excluded.due_from, marked_at = v_now,
      whole_at = case when p_whole then v_now else m.whole_at end;
  end if;
end;
$$;
comment on function durable_responses.set_mark(text, xid8, boolean, timestamptz, timestamptz, boolean) is
  'Moves a mark. p_whole: everything below it was read.';

create function durable_responses.next_of_owner(
  p_route text, p_priority smallint, p_owner uuid, p_life_ms bigint, p_picked uuid[], p_limit integer, p_from xid8
) returns uuid[]
language plpgsql set search_path = ''
as $$
begin
  return coalesce((
    select array_agg(next.job_id order by next.due)
    from (
      select job_id, due from durable_responses.waits
      where route = p_route and priority = p_priority and ready and ready_xid >= p_from
        and owner_key = p_owner and min_life_ms <= p_life_ms and job_id <> all (p_picked)
      order by due limit p_limit
      for no key update skip locked
    ) next
  ), '{}');
end;
$$;
comment on function durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer, xid8) is
  'Locks the oldest jobs of one owner, at most p_limit.';

create function durable_responses.pick_fairly(p_route text, p_after_owner uuid, p_limit integer, p_life_ms bigint, p_from xid8)
returns uuid[]
language plpgsql set search_path = ''
as $$
declare
  v_first record;
  v_job uuid;
  v_next_owner uuid;
  v_owner uuid;
  v_first_waits boolean;
  -- Higher than any priority.
  v_below smallint := 32767::smallint;
  v_picked uuid[] := '{}';
begin
  if p_limit = 1 then
    -- Nearly every claim of a busy worker. The same as below, in few steps.
    select job_id, owner_key, priority into v_first from durable_responses.waits
    where route = p_route and ready and ready_xid >= p_from and min_life_ms <= p_life_ms
    order by priority desc, owner_key, due limit 1
    for no key update skip locked;
    if v_first.owner_key <= p_after_owner then
      select job_id into v_job from durable_responses.waits
      where route = p_route and priority = v_first.priority and ready and ready_xid >= p_from
        and owner_key > p_after_owner and min_life_ms <= p_life_ms
      order by owner_key, due limit 1
      for no key update skip locked;
    end if;
    return array_remove(array[coalesce(v_job, v_first.job_id)], null);
  end if;
  -- From the highest priority down, each used up before the next; within one, a job from each owner in turn, beginning
  -- after the one served last, round and round.
  while cardinality(v_picked) < p_limit loop
    -- The first job is locked before it is known whether its owner is next. Coming back for it would mean reading that page of
    -- the index again, which is most of the cost.
    select job_id, owner_key, due, priority into v_first from durable_responses.waits
    where route = p_route and ready and ready_xid >= p_from and priority < v_below and min_life_ms <= p_life_ms
    order by priority desc, owner_key, due limit 1
    for no key update skip locked;
    exit when not found;
    v_first_waits := true;
    v_below := v_first.priority;
    v_owner := p_after_owner;
    loop
      v_job := null;
      if not v_first_waits or v_first.owner_key <= v_owner then
        select job_id, owner_key into v_job, v_next_owner from durable_responses.waits
        where route = p_route and priority = v_first.priority and ready and ready_xid >= p_from
          and owner_key > v_owner and min_life_ms <= p_life_ms and job_id <> all (v_picked)
        order by owner_key, due limit 1
        for no key update skip locked;
      end if;
      if v_job is null and v_first_waits then
        v_job := v_first.job_id;
        v_next_owner := v_first.owner_key;
        v_first_waits := false;
      elsif v_job is null then
        select job_id, owner_key into v_job, v_next_owner from durable_responses.waits
        where route = p_route and priority = v_first.priority and ready and ready_xid >= p_from
          and (owner_key, due) >= (v_first.owner_key, v_first.due) and min_life_ms <= p_life_ms and job_id <> all (v_picked)
        order by owner_key, due limit 1
        for no key update skip locked;
        exit when not found;
      end if;
      -- The same owner again: only one is left. One by one, every further job would be searched for behind all that were picked
      -- already, here and by other claims.
      if v_next_owner = v_owner and cardinality(v_picked) > 0 then
        v_picked := v_picked || v_job || durable_responses.next_of_owner(
          p_route, v_first.priority, v_owner, p_life_ms, v_picked || v_job, p_limit - cardinality(v_picked) - 1, p_from);
        exit;
      end if;
      v_picked := v_picked || v_job;
      v_owner := v_next_owner;
      exit when cardinality(v_picked) >= p_limit;
    end loop;
  end loop;
  return v_picked;
end;
$$;
comment on function durable_responses.pick_fairly(text, uuid, integer, bigint, xid8) is
  'Locks up to p_limit ready jobs of a route, in order: by priority, then in turns between owners beginning after p_after_owner.';

create function durable_responses.pick_of_few(
  p_route text, p_after_owner uuid, p_limit integer, p_life_ms bigint, p_from xid8,
  out picked uuid[], out few boolean, out lowest xid8
) returns record
language plpgsql set search_path = ''
as $$
declare
  -- If there are more, jobs are picked by index. High enough that a momentary backlog counts as few.
  v_few constant integer := 4 * p_limit + 32;
  -- Some of the best may be locked by other claims.
  v_tried constant integer := 2 * p_limit + 16;
  v_waiting integer;
  v_best integer;
begin
  with waiting as materialized (
    select job_id, priority, owner_key, due, min_life_ms, ready_xid from durable_responses.waits
    where route = p_route and ready and ready_xid >= p_from
    order by ready_xid limit v_few + 1
  ), turns as (
    select job_id, priority, owner_key, row_number() over (partition by priority, owner_key order by due) as turn
    from waiting where min_life_ms <= p_life_ms and (select count(*) <= v_few from waiting)
  ), best as materialized (
    select job_id, row_number() over (order by priority desc, turn, owner_key <= p_after_owner, owner_key) as place
    from turns order by place limit v_tried
  ), locked as (
    select w.job_id from best b join durable_responses.waits w on w.job_id = b.job_id
    where w.ready
    order by b.place limit p_limit
    for no key update of w skip locked
  )
  select
    (select array_agg(job_id) from locked), (select count(*) from waiting), (select count(*) from best),
    -- One snapshot for both: anything that was being written when it was taken is above the mark.
    least((select min(ready_xid) from waiting), pg_snapshot_xmin(pg_current_snapshot()))
  into picked, v_waiting, v_best, lowest;
  -- If other claims are taking all of the best at this moment, there may be more behind those.
  few := v_waiting <= v_few and (picked is not null or v_best < v_tried);
end;
$$;
comment on function durable_responses.pick_of_few(text, uuid, integer, bigint, xid8) is
  'Where few jobs wait above the mark p_from, locks up to p_limit of them, in order: by priority, then in turns between owners beginning after p_after_owner. few is false where more may wait; lowest is the next mark.';

revoke execute on function durable_responses.set_mark(text, xid8, boolean, timestamptz, timestamptz, boolean),
  durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer, xid8),
  durable_responses.pick_fairly(text, uuid, integer, bigint, xid8),
  durable_responses.pick_of_few(text, uuid, integer, bigint, xid8) from public, anon, authenticated;
grant execute on function durable_responses.set_mark(text, xid8, boolean, timestamptz, timestamptz, boolean),
  durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer, xid8),
  durable_responses.pick_fairly(text, uuid, integer, bigint, xid8),
  durable_responses.pick_of_few(text, uuid, integer, bigint, xid8) to service_role;
