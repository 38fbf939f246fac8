-- Claims that do not walk past what is gone.
--
-- A job that was claimed leaves a dead entry in the indexes of waiting and of running jobs. A long transaction keeps
-- all of them from being removed, and a claim that finds little waiting visits every one: 6.8 times as slow after
-- 100 s at 500 jobs/s. So a claim begins at a mark below which nothing waits:
--   * Each change that leaves a job waiting and ready stamps it with the number of its transaction (ready_xid).
--   * A mark is the smaller of the lowest stamp that waits and the oldest transaction still under way, both seen in
--     one snapshot. Whatever has a lower stamp was committed then, and did not wait; to wait again it would be stamped
--     again. So nothing is passed over, in whatever order transactions commit.
--   * Priority and turns stay exact: of few jobs above the mark all are looked at, and ordered; of many, the index in
--     order of turns is walked as before, and skips dead entries by their stamp, without a look at the table.
-- Running jobs have a mark in time: no lease that ends before it is left to be found lost.
--
-- Marks are hints in an unlogged table, written twice a second at most: after a crash, a failover or a restore there
-- are none, or one from the future is ignored, and once in a while every claim's scan begins at the beginning anyway.
-- Rejected: a counter for each owner (a hot row for each submit); queues rotated and truncated (two homes for a job).

create unlogged table durable_responses.marks (
  route text primary key,
  ready_from xid8,
  few boolean,
  leases_from timestamptz,
  marked_at timestamptz not null,
  whole_at timestamptz not null
) with (fillfactor = 50);
comment on table durable_responses.marks is 'Where claims begin to look. Hints: delete them, and the next claims make new ones.';
comment on column durable_responses.marks.route is 'A route, for what waits there; the empty string for leases.';
comment on column durable_responses.marks.ready_from is 'The lowest response_jobs.ready_xid that may wait on the route.';
comment on column durable_responses.marks.few is 'Whether few jobs waited above the mark: then a claim looks at all of them.';
comment on column durable_responses.marks.leases_from is 'No lease that ends before is left to be found lost.';
comment on column durable_responses.marks.marked_at is 'When the mark was moved last.';
comment on column durable_responses.marks.whole_at is 'When all below the mark was looked at last.';
revoke all on durable_responses.marks from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.marks to service_role;
alter table durable_responses.marks enable row level security;

alter table public.response_jobs add column ready_xid xid8;
comment on column public.response_jobs.ready_xid is 'While queued and ready: the transaction that made it so; claims begin at a mark of these.';
alter table public.response_jobs alter column ready_xid set default pg_current_xact_id();

-- The guard runs for every changed row, so it reads the clock once, and not through durable_responses.clock(): each
-- function that pins its search_path costs it a microsecond or two.
create or replace function durable_responses.guard_job() returns trigger
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := coalesce(nullif(current_setting('durable_responses.now', true), '')::timestamptz, now());
begin
  if old.finished_at is not null then
    raise exception using errcode = 'DR409',
      message = format('Cannot change job %s: a %s job is final', old.id, old.status),
      hint = 'Retry it: that makes a new job.';
  end if;
  if old.status <> new.status then
    if not durable_responses.transition_allowed(old.status, new.status) then
      raise exception using errcode = 'DR409',
        message = format('Cannot change job %s from %s to %s: there is no such transition', old.id, old.status, new.status),
        hint = 'See the state diagram in docs/architecture.md.';
    end if;
    -- What belongs to a person's decision goes when the decision is made.
    if old.status = 'awaiting_approval' then
      new.approval_until := null;
    elsif old.status = 'needs_review' then
      new.review_reason := null;
    end if;
  end if;
  new.ready := new.run_at is null or new.run_at <= v_now;
  new.updated_at := v_now;
  if new.status = 'queued' and new.ready then
    new.ready_xid := pg_current_xact_id();
  elsif new.leased_until < old.leased_until then
    -- A lease that was made shorter may end before the mark.
    delete from durable_responses.marks where route = '';
  end if;
  return new;
end;
$$;
-- Stamps what waits already.
update public.response_jobs set run_at = run_at where status = 'queued';

drop index public.response_jobs_claim;
create index response_jobs_claim on public.response_jobs (route, priority desc, owner_key, run_at, ready_xid)
  where status = 'queued' and ready;
create index response_jobs_ready on public.response_jobs (route, ready_xid) where status = 'queued' and ready;

drop function durable_responses.next_in_turn(text, smallint, uuid, bigint, uuid[]);
create function durable_responses.next_in_turn(
  p_route text, p_priority smallint, p_after_owner uuid, p_life_ms bigint, p_picked uuid[], p_from xid8
) returns public.response_jobs
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
begin
  -- Two statements, since "after nobody" as an `or` would keep the index from being descended.
  if p_after_owner is null then
    select * into v_job from public.response_jobs
    where route = p_route and priority = p_priority and status = 'queued' and ready and ready_xid >= p_from
      and min_life_ms <= p_life_ms and id <> all (p_picked)
    order by owner_key, run_at limit 1
    for update skip locked;
  else
    select * into v_job from public.response_jobs
    where route = p_route and priority = p_priority and status = 'queued' and ready and ready_xid >= p_from
      and owner_key > p_after_owner and min_life_ms <= p_life_ms and id <> all (p_picked)
    order by owner_key, run_at limit 1
    for update skip locked;
  end if;
  return v_job;
end;
$$;
comment on function durable_responses.next_in_turn(text, smallint, uuid, bigint, uuid[], xid8) is
  'Locks the oldest job of the next owner after p_after_owner (null: of the first); a row of nulls when there is none.';

drop function durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer);
create function durable_responses.next_of_owner(
  p_route text, p_priority smallint, p_owner uuid, p_life_ms bigint, p_picked uuid[], p_limit integer, p_from xid8
) returns uuid[]
language plpgsql set search_path = ''
as $$
begin
  return coalesce((
    select array_agg(next.id order by next.run_at)
    from (
      select id, run_at from public.response_jobs
      where route = p_route and priority = p_priority and status = 'queued' and ready and ready_xid >= p_from
        and owner_key = p_owner and min_life_ms <= p_life_ms and id <> all (p_picked)
      order by run_at limit p_limit
      for update skip locked
    ) next
  ), '{}');
end;
$$;
comment on function durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer, xid8) is
  'Locks the oldest jobs of one owner, at most p_limit.';

drop function durable_responses.pick_fairly(text, uuid, integer, bigint);
create function durable_responses.pick_fairly(
  p_route text, p_after_owner uuid, p_limit integer, p_life_ms bigint, p_from xid8
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
    where route = p_route and status = 'queued' and ready and ready_xid >= p_from
      and (v_priority is null or priority < v_priority)
    order by priority desc limit 1;
    exit when v_priority is null;
    v_job.owner_key := p_after_owner;
    v_before := -1;
    v_whole_round := false;
    while cardinality(v_picked) < p_limit loop
      v_job := durable_responses.next_in_turn(p_route, v_priority, v_job.owner_key, p_life_ms, v_picked, p_from);
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
          p_route, v_priority, v_last_owner, p_life_ms, v_picked, p_limit - cardinality(v_picked), p_from);
        exit;
      end if;
      v_before := cardinality(v_picked);
      v_whole_round := true;
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
)
language plpgsql set search_path = ''
as $$
declare
  -- More than these are picked by index. Enough that a backlog of a moment counts as few.
  v_few constant integer := 4 * p_limit + 32;
  -- Some of the best may be locked by other claims.
  v_tried constant integer := 2 * p_limit + 16;
  -- Not written out below: that would invite the planner to read an index of all that waits.
  v_queued constant public.response_job_status[] := '{queued}';
  v_waiting integer;
  v_best integer;
begin
  with waiting as materialized (
    select id, priority, owner_key, run_at, min_life_ms, ready_xid from public.response_jobs
    where route = p_route and status = 'queued' and ready and ready_xid >= p_from
    order by ready_xid limit v_few + 1
  ), turns as (
    select id, priority, owner_key, row_number() over (partition by priority, owner_key order by run_at) as turn
    from waiting where min_life_ms <= p_life_ms and (select count(*) <= v_few from waiting)
  ), best as materialized (
    select id, row_number() over (order by priority desc, turn, owner_key <= p_after_owner, owner_key) as place
    from turns order by place limit v_tried
  ), locked as (
    select j.id from best b join public.response_jobs j on j.id = b.id
    where j.status = any (v_queued) and j.ready
    order by b.place limit p_limit
    for update of j skip locked
  )
  select
    (select array_agg(id) from locked), (select count(*) from waiting), (select count(*) from best),
    -- One snapshot for both: what was being written while it was taken is above the mark.
    least((select min(ready_xid) from waiting), pg_snapshot_xmin(pg_current_snapshot()))
  into picked, v_waiting, v_best, lowest;
  -- Where others are just taking all of the best, there may be more behind them.
  few := v_waiting <= v_few and (picked is not null or v_best < v_tried);
end;
$$;
comment on function durable_responses.pick_of_few(text, uuid, integer, bigint, xid8) is
  'Where few jobs wait above the mark p_from, locks up to p_limit of them, in order: by priority, then in turns between owners beginning after p_after_owner. few is false where more may wait; lowest is the next mark.';

revoke all on function
  durable_responses.next_in_turn(text, smallint, uuid, bigint, uuid[], xid8),
  durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer, xid8),
  durable_responses.pick_fairly(text, uuid, integer, bigint, xid8),
  durable_responses.pick_of_few(text, uuid, integer, bigint, xid8)
from public, anon, authenticated, service_role;
grant execute on function
  durable_responses.next_in_turn(text, smallint, uuid, bigint, uuid[], xid8),
  durable_responses.next_of_owner(text, smallint, uuid, bigint, uuid[], integer, xid8),
  durable_responses.pick_fairly(text, uuid, integer, bigint, xid8),
  durable_responses.pick_of_few(text, uuid, integer, bigint, xid8)
to service_role;
