-- Waits: one narrow row per unfinished job. Its status is the kind of the wait. Every claim, poll, renewal and hand-over
-- writes this row and no other. Columns that only one status needs are null in the others.

create table durable_responses.waits (
  -- No foreign key: checking every new row would cost 4% of a submit, and more in batches. A trigger deletes the row with its job.
  job_id uuid primary key,
  status text not null,
  due timestamptz not null,
  since timestamptz not null,
  -- What a claim orders by.
  route text not null,
  priority smallint not null,
  owner_id uuid,
  owner_key uuid not null,
  ready boolean not null default false,
  ready_xid xid8,
  min_life_ms bigint not null default 0,
  -- The current attempt, or the last one.
  attempt integer not null default 0,
  worker text,
  response_id text,
  request_id text,
  warnings text[] not null default '{}',
  continuing boolean not null default false,
  -- Budgets.
  failures integer not null default 0,
  stalled_lives integer not null default 0,
  deadline timestamptz,
  deadline_left_ms bigint,
  background_until timestamptz,
  -- What is known so far.
  fallback_reason text,
  review_reason text,
  settle_failures integer not null default 0,
  failure_counted boolean not null default false,
  settle_error text
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);
comment on table durable_responses.waits is 'What each unfinished job waits for: one row, deleted when the job is final.';
comment on column durable_responses.waits.job_id is 'The job.';
comment on column durable_responses.waits.status is 'The job''s status: what it waits for.';
comment on column durable_responses.waits.due is 'queued: the job is not run before this time. running: the lease expires. background: the next poll (without a response id, the end of the accept budget). Otherwise: the question expires.';
comment on column durable_responses.waits.since is 'When it started to wait for this. For background and running: when the attempt started.';
comment on column durable_responses.waits.route is 'The route it runs on.';
comment on column durable_responses.waits.priority is 'Higher runs first.';
comment on column durable_responses.waits.owner_id is 'The job''s owner.';
comment on column durable_responses.waits.owner_key is 'owner_id, or zeros for servers. Claims take owners in turn by it.';
comment on column durable_responses.waits.ready is 'While queued: due has passed. Claims read only ready rows.';
comment on column durable_responses.waits.ready_xid is 'The transaction that made it ready. Claims start at a mark of these: see 21_claim_order.sql.';
comment on column durable_responses.waits.min_life_ms is 'Only a worker with at least this much time left (ms) takes it. The largest bigint means a worker without a wall clock.';
comment on column durable_responses.waits.attempt is 'Number of the current attempt, or of the last one: the fencing token. 0 before the first.';
comment on column durable_responses.waits.worker is 'While running: which worker runs it.';
comment on column durable_responses.waits.response_id is 'While background: OpenAI''s id of the response, once known.';
comment on column durable_responses.waits.request_id is 'The x-request-id of the current attempt, once known.';
comment on column durable_responses.waits.warnings is 'Warnings about the current attempt that did not stop it.';
comment on column durable_responses.waits.continuing is 'While running: the worker is sending the request that continues the run in background, and its response may act. If the worker is lost, the job waits for that response.';
comment on column durable_responses.waits.failures is 'Synchronous attempts that failed and count towards max_attempts.';
comment on column durable_responses.waits.stalled_lives is 'Whole worker lives in a row that finished no step.';
comment on column durable_responses.waits.deadline is 'The job fails with deadline_exceeded if it is unfinished at this time. null while the clock is stopped.';
comment on column durable_responses.waits.deadline_left_ms is 'While the clock is stopped: what is left of the deadline, in ms.';
comment on column durable_responses.waits.background_until is 'While background: when an unfinished response counts as stuck.';
comment on column durable_responses.waits.fallback_reason is 'Why the job fell back from background, as an error code.';
comment on column durable_responses.waits.review_reason is 'While needs_review: the call in doubt, and why.';
comment on column durable_responses.waits.settle_failures is 'While background: how often its response could not be settled.';
comment on column durable_responses.waits.failure_counted is 'While background: its response has failed, which the breaker has counted, but what it did is not known yet.';
comment on column durable_responses.waits.settle_error is 'While background: why it could not be settled last time.';

create index waits_claim on durable_responses.waits (route, priority desc, owner_key, due, ready_xid) where ready;
comment on index durable_responses.waits_claim is 'Claims of many: in the order of turns.';
create index waits_ready on durable_responses.waits (route, ready_xid) where ready;
comment on index durable_responses.waits_ready is 'Claims of few: all above the mark.';
create index waits_due on durable_responses.waits (status, due) where not ready;
comment on index durable_responses.waits_due is 'Lost leases, polls, delayed retries and questions that expire: one range for each status.';
create index waits_deadline on durable_responses.waits (deadline) where ready;
comment on index durable_responses.waits_deadline is 'Jobs that wait for a worker past their deadline.';
create unique index waits_response on durable_responses.waits (response_id) where response_id is not null;
comment on index durable_responses.waits_response is 'Webhooks: from OpenAI''s response to the job.';
create index waits_owner on durable_responses.waits (owner_id, job_id) where owner_id is not null;
comment on index durable_responses.waits_owner is 'A user''s unfinished jobs: their list, newest first, and how many they may have.';
-- For the same reason as the setting on jobs.
alter table durable_responses.waits alter column owner_id set (n_distinct = -1);

create function durable_responses.guard_wait() returns trigger
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_from constant text := case tg_op when 'INSERT' then 'new' else old.status end;
  v_stops boolean;
  v_broken text;
begin
  if v_from = new.status then
    if new.due < old.due or new.deadline < old.deadline then
      -- It may now be due before the mark of leases (21_claim_order.sql).
      delete from durable_responses.marks where route = '';
    end if;
    return new;
  end if;
  select s.clock_stops into v_stops
  from durable_responses.transitions t join durable_responses.statuses s on s.status = t.to_status
  where t.from_status = v_from and t.to_status = new.status and not s.final;
  if not found then
    perform durable_responses.refuse_transition(new.job_id, v_from, new.status);
  end if;
  new.since := v_now;
  new.owner_key := coalesce(new.owner_id, '00000000-0000-0000-0000-000000000000');
  if v_stops and new.deadline is not null then
    new.deadline_left_ms := greatest(floor(extract(epoch from new.deadline - v_now) * 1000)::bigint, 0);
    new.deadline := null;
  elsif not v_stops and new.deadline is null then
    new.deadline := v_now + make_interval(secs => new.deadline_left_ms / 1000.0);
    new.deadline_left_ms := null;
  end if;
  -- Columns of the previous status are cleared.
  if new.status <> 'running' then
    new.worker := null;
    new.continuing := false;
  end if;
  if new.status <> 'background' then
    new.response_id := null;
    new.background_until := null;
    new.settle_failures := 0;
    new.failure_counted := false;
    new.settle_error := null;
  end if;
  if new.status <> 'needs_review' then
    new.review_reason := null;
  end if;
  if new.status in ('background', 'running') then
    new.warnings := '{}';
  end if;
  -- A run that continues in background brings the id of the request that continues it.
  if new.status = 'running' then
    new.request_id := null;
  end if;
  new.ready := new.status = 'queued' and new.due <= v_now;
  if new.ready then
    new.ready_xid := pg_current_xact_id();
  end if;
  -- The other columns of a status were set or cleared above.
  v_broken := case
    when (new.deadline is null) = (new.deadline_left_ms is null) then 'waits_one_clock'
    when new.status = 'running' and new.worker is null then 'waits_worker_while_running'
    when new.status = 'background' and new.background_until is null then 'waits_budget_while_background'
    when new.status in ('background', 'running') and new.attempt < 1 then 'waits_attempt_while_under_way'
    when new.status = 'needs_review' and new.review_reason is null then 'waits_reason_while_reviewed'
  end;
  if v_broken is not null then
    raise exception using errcode = 'check_violation', constraint = v_broken, schema = tg_table_schema, table = tg_table_name,
      message = format('Cannot make job %s %s: that violates %s', new.job_id, new.status, v_broken);
  end if;
  return new;
end;
$$;
comment on function durable_responses.guard_wait() is
  'Refuses every transition that is not in the table, and a status without its required columns. Starts and stops the deadline''s clock. Clears the columns of the previous status. Without a transition: resets the mark of leases if the job is due earlier than it was.';
revoke execute on function durable_responses.guard_wait() from public, anon, authenticated;
grant execute on function durable_responses.guard_wait() to service_role;
-- Every job is accepted, and nearly every one is claimed: a call of the guard for each would cost too much. So a submit, which
-- inserts a row that is ready or has its background budget, and a claim, which sets `since`, write everything that the guard
-- would. The conditions are short, because Postgres parses their text again for every statement.
create trigger waits_guard_new before insert on durable_responses.waits
  for each row when (not new.ready and new.background_until is null) execute function durable_responses.guard_wait();
create trigger waits_guard before update on durable_responses.waits
  for each row when (new.since = old.since) execute function durable_responses.guard_wait();

alter table durable_responses.waits enable row level security;
revoke all on durable_responses.waits from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.waits to service_role;
