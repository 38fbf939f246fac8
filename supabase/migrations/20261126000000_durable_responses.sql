-- durable-responses: OpenAI responses that always come back.
--
-- Concepts
--   A job is one accepted query. Its row exists before OpenAI is called, so there is always something to retry, to show
--   and to ask about. A job is final, or it waits for exactly one thing:
--     durable_responses.jobs    the query and the result; written when accepted and when final, never between.
--     durable_responses.waits   one narrow row per unfinished job: what it waits for (its status), when it is due, and the
--                               columns that a claim sorts by. A completion deletes it.
--   An attempt is one try at a job, in OpenAI's background mode or run synchronously by a worker. Attempts of a job are
--   numbered from 1 and never reused. The current attempt is part of the wait row; its own row is written when it ends.
--   The attempt's number is the fencing token: every write names its attempt, and a write by any but the current one is
--   refused (DR410).
--   A lease is a worker's right to run a job until the wait is due. Until then nobody else runs it.
--   A step is one output item of an attempt: the checkpoint that the next worker continues from, and the ledger of calls.
--
-- Invariants
--   * A status changes only along durable_responses.transitions, enforced by a trigger. A new status is new rows there.
--   * completed, failed and cancelled are final: such a row never changes again. A retry is a new job that names the old
--     one in retry_of. What is learned about a final job afterwards is a row of response_flags.
--   * A job has a wait row if and only if it is not final.
--   * The deadline's clock stops while a person or the caller is asked for something.
--
-- Lock order
--   1. profiles (advisory); the worker's row; the count for claims' limits (advisory)
--   2. the route's row, if a submit creates it   3. idempotency keys, by owner and key; open questions
--   4. wait rows, by job id; a final job's own row instead of its wait   5. the job's row, attempts, steps, cancels, streams by job id
--   6. routes, by name   7. marks (one transaction moves them at a time; the others skip them)   8. sent files, by path
--   Claims take wait rows with `for no key update skip locked` only: a plain `for update` would skip jobs that a client
--   starts to watch (`for key share`), and nobody would wake a worker for them again.
--   Lock several rows of one kind in the order of their keys, in a statement before the one that changes them.
--   tests/sql/lock-order.test.ts checks this under concurrent load: no deadlocks.
--
-- Refusals, one SQLSTATE each; model/refusals.ts maps them to codes and HTTP, once:
--   DR400 invalid argument       DR404 no such job, or not yours        DR409 the job's state forbids it
--   DR410 stale attempt          DR411 the owner is deleted             DR412 a decision about another call
--   DR413 a file is too large, or there is no Storage for it            DR414 a repeat of the request of a deleted job
--   DR422 idempotency key used with another request                     DR424 no such file, or not the owner's to read
--   DR426 functions and schema do not match                             DR429 too many jobs          DR500 not configured

create schema durable_responses;
comment on schema durable_responses is
  'Tables and helpers of durable-responses. Not exposed through the API: use the views and functions in public.';
revoke all on schema durable_responses from public, anon;
grant usage on schema durable_responses to authenticated, service_role;

create function public.response_schema_version() returns jsonb
language sql immutable set search_path = ''
as $$
  select jsonb_build_object('major', 1, 'minor', 0);
$$;
comment on function public.response_schema_version() is
  'The schema''s version: functions that expect another major refuse to work (schema_mismatch). See docs/operating.md, "Upgrading".';
revoke execute on function public.response_schema_version() from public, anon, authenticated;
grant execute on function public.response_schema_version() to service_role;

create function durable_responses.check_schema_major(p_expected integer) returns void
language plpgsql immutable set search_path = ''
as $$
begin
  if p_expected <> 1 then
    raise exception using errcode = 'DR426',
      message = format('Cannot work with this schema: the functions expect version %s and the database has version 1', p_expected),
      hint = 'Upgrade whichever is older: apply the migrations first, then deploy the functions. Jobs wait until then; none is lost.';
  end if;
end;
$$;
comment on function durable_responses.check_schema_major(integer) is
  'Refuses (DR426) functions that were written for another major version of the schema. null passes: SQL callers give no version.';
revoke execute on function durable_responses.check_schema_major(integer) from public, anon, authenticated;
grant execute on function durable_responses.check_schema_major(integer) to service_role;

create function durable_responses.refuse_unknown_job(p_job_id uuid) returns void
language plpgsql immutable set search_path = ''
as $$
begin
  raise exception using errcode = 'DR404', message = format('Cannot find job %s', p_job_id),
    hint = 'Check the id. A job is visible only to its owner, and finished jobs are deleted after response_settings.retention_days.';
end;
$$;
comment on function durable_responses.refuse_unknown_job(uuid) is
  'Refuses (DR404) a job that does not exist, was deleted, or is somebody else''s: the caller cannot tell which.';
revoke execute on function durable_responses.refuse_unknown_job(uuid) from public, anon;
grant execute on function durable_responses.refuse_unknown_job(uuid) to authenticated, service_role;

create function durable_responses.clock() returns timestamptz
language plpgsql stable set search_path = ''
as $$
begin
  -- Transaction time; a test may pin it for its session. No API role can set it: PostgREST exposes no way to.
  return coalesce(nullif(current_setting('durable_responses.now', true), '')::timestamptz, now());
end;
$$;
comment on function durable_responses.clock() is
  'The time that every function uses: now(), or the setting durable_responses.now if a test sets it.';
revoke execute on function durable_responses.clock() from public, anon, authenticated;
grant execute on function durable_responses.clock() to service_role;

create function durable_responses.uuid_v7() returns uuid
language plpgsql volatile set search_path = ''
as $$
begin
  -- 48 bits of milliseconds and 12 of their fraction (so that ids of one millisecond are in order too) with the version set in
  -- between, 62 random bits. Postgres 18 has uuidv7() of its own.
  return (overlay(lpad(to_hex((date_part('epoch', clock_timestamp()) * 4096000)::bigint), 15, '0') placing '7' from 13 for 0)
    || substr(gen_random_uuid()::text, 20))::uuid;
end;
$$;
comment on function durable_responses.uuid_v7() is
  'An id that is ordered by time (UUIDv7): new rows share a page of the primary key, and ordering by id orders by time.';
revoke execute on function durable_responses.uuid_v7() from public, anon, authenticated;
grant execute on function durable_responses.uuid_v7() to service_role;

create function durable_responses.ms_between(p_from timestamptz, p_to timestamptz) returns bigint
language plpgsql immutable set search_path = ''
as $$
begin
  -- plpgsql, because a SQL function that pins its search_path is planned again by each call.
  return floor(extract(epoch from p_to - p_from) * 1000)::bigint;
end;
$$;
comment on function durable_responses.ms_between(timestamptz, timestamptz) is 'The time between two moments in ms, rounded down.';
revoke execute on function durable_responses.ms_between(timestamptz, timestamptz) from public, anon, authenticated;
grant execute on function durable_responses.ms_between(timestamptz, timestamptz) to service_role;
-- The lifecycle of a job, as data. docs/architecture.md draws its diagram from these rows (npm run schema), and the guard of
-- durable_responses.waits enforces them. To add a status, add a row to statuses and its rows to transitions.

create table durable_responses.statuses (
  status text primary key,
  final boolean not null default false,
  clock_stops boolean not null default false,
  waits_for text not null,
  expired_code text,
  expired_hint text,
  constraint statuses_expiry check ((expired_code is null) = (expired_hint is null) and (expired_code is null or clock_stops))
);
comment on table durable_responses.statuses is 'What a job''s status means.';
comment on column durable_responses.statuses.status is 'The status.';
comment on column durable_responses.statuses.final is 'True if a job with this status never changes again.';
comment on column durable_responses.statuses.clock_stops is 'True if the deadline''s clock stops; the wait row keeps what is left of it.';
comment on column durable_responses.statuses.waits_for is 'What a job with this status waits for, and what its wait''s `due` means.';
comment on column durable_responses.statuses.expired_code is 'The error of a job if nobody answers in time.';
comment on column durable_responses.statuses.expired_hint is 'What to do about it.';

insert into durable_responses.statuses (status, final, clock_stops, waits_for, expired_code, expired_hint) values
  ('background', false, false, 'a response at OpenAI; due when it is to be polled', null, null),
  ('queued', false, false, 'a worker; not before it is due', null, null),
  ('running', false, false, 'its worker; the lease ends when it is due', null, null),
  ('awaiting_approval', false, true, 'a person''s yes or no, until it is due', 'approval_expired',
    'Retry the job to be asked again, or raise approval_ms in the profile.'),
  ('awaiting_tool_output', false, true, 'the caller''s answer to a call that was handed out, until it is due', 'tool_output_expired',
    'Retry the job to receive the call again, then answer it before it expires.'),
  ('needs_review', false, true, 'a person, to say whether a call was made, until it is due', 'review_expired',
    'Find out whether the call was made, then retry the job. Its ledger is kept, and you are asked again.'),
  ('completed', true, false, 'nothing: it has its answer', null, null),
  ('failed', true, false, 'nothing: it has its error', null, null),
  ('cancelled', true, false, 'nothing: it was cancelled', null, null);

create table durable_responses.transitions (
  from_status text not null,
  to_status text not null references durable_responses.statuses (status),
  reason text not null,
  primary key (from_status, to_status)
);
create index transitions_to_status on durable_responses.transitions (to_status);
comment on table durable_responses.transitions is 'Every allowed change of a job''s status. A job that is accepted comes from `new`.';
comment on column durable_responses.transitions.from_status is 'The status before, or `new`.';
comment on column durable_responses.transitions.to_status is 'The status after.';
comment on column durable_responses.transitions.reason is 'Why a job''s status changes: the label in the diagram.';
comment on index durable_responses.transitions_to_status is 'For the foreign key.';

insert into durable_responses.transitions (from_status, to_status, reason) values
  ('new', 'background', 'POST /respond'),
  ('new', 'queued', 'background is off, skipped or paused, or queued in SQL'),
  ('new', 'needs_review', 'retry of a job that ended with a call in doubt'),
  ('background', 'completed', 'webhook or poll'),
  ('background', 'queued', 'fallback, or calls and approvals to answer'),
  ('background', 'awaiting_approval', 'the model asks'),
  ('background', 'awaiting_tool_output', 'a call for the caller'),
  ('background', 'needs_review', 'a call was in flight'),
  ('background', 'failed', 'permanent error, quota, deadline'),
  ('background', 'cancelled', 'cancel'),
  ('queued', 'running', 'claim'),
  ('queued', 'failed', 'deadline'),
  ('queued', 'needs_review', 'a late report of a call'),
  ('queued', 'cancelled', 'cancel'),
  ('running', 'completed', 'result'),
  ('running', 'queued', 'retry with backoff, or hand-over'),
  ('running', 'background', 'continues in background'),
  ('running', 'awaiting_approval', 'the model asks'),
  ('running', 'awaiting_tool_output', 'a call for the caller'),
  ('running', 'needs_review', 'a call was in flight'),
  ('running', 'failed', 'permanent error, or attempts or time used up'),
  ('running', 'cancelled', 'cancel'),
  ('awaiting_approval', 'queued', 'yes or no'),
  ('awaiting_approval', 'awaiting_tool_output', 'yes or no, and a call for the caller is left'),
  ('awaiting_approval', 'needs_review', 'a late report of a call'),
  ('awaiting_approval', 'failed', 'expired'),
  ('awaiting_approval', 'cancelled', 'cancel'),
  ('awaiting_tool_output', 'queued', 'answered'),
  ('awaiting_tool_output', 'needs_review', 'a late report of a call'),
  ('awaiting_tool_output', 'failed', 'expired'),
  ('awaiting_tool_output', 'cancelled', 'cancel'),
  ('needs_review', 'queued', 'happened, or did not happen'),
  ('needs_review', 'completed', 'resolved with an answer'),
  ('needs_review', 'failed', 'expired'),
  ('needs_review', 'cancelled', 'cancel');

create function durable_responses.refuse_transition(p_job_id uuid, p_from text, p_to text) returns void
language plpgsql immutable set search_path = ''
as $$
begin
  raise exception using errcode = 'DR409',
    message = format('Cannot change job %s from %s to %s: there is no such transition', p_job_id, p_from, p_to),
    hint = 'Read the job again: its status has changed, and says what can be done now.';
end;
$$;
comment on function durable_responses.refuse_transition(uuid, text, text) is
  'Refuses (DR409) a change of status that is not in durable_responses.transitions.';
revoke execute on function durable_responses.refuse_transition(uuid, text, text) from public, anon, authenticated;
grant execute on function durable_responses.refuse_transition(uuid, text, text) to service_role;

alter table durable_responses.statuses enable row level security;
alter table durable_responses.transitions enable row level security;
revoke all on durable_responses.statuses, durable_responses.transitions from public, anon, authenticated, service_role;
grant select on durable_responses.statuses, durable_responses.transitions to service_role;
-- Settings for operators, what was learned about routes, the workers, and the registered profiles.

create table public.response_settings (
  only_row boolean primary key default true,
  retention_days integer not null default 30,
  cron_history_days integer not null default 7,
  max_workers integer not null default 8,
  max_running integer,
  breaker_failures integer not null default 3,
  probe_interval_s integer not null default 300,
  quota_pause_s integer not null default 300,
  max_delay_s integer not null default 3600,
  max_unfinished_per_user integer default 1000,
  max_file_bytes integer not null default 10485760,
  constraint response_settings_only_row check (only_row),
  constraint response_settings_retention check (retention_days between 1 and 3650),
  constraint response_settings_cron_history check (cron_history_days between 1 and 365),
  constraint response_settings_workers check (max_workers between 1 and 1000),
  constraint response_settings_running check (max_running >= 0),
  constraint response_settings_breaker check (breaker_failures between 1 and 1000 and probe_interval_s >= 1),
  constraint response_settings_quota_pause check (quota_pause_s between 1 and 86400),
  constraint response_settings_max_delay check (max_delay_s between 1 and 86400),
  constraint response_settings_unfinished check (max_unfinished_per_user >= 1),
  constraint response_settings_file_bytes check (max_file_bytes between 1048576 and 16777216)
);
comment on table public.response_settings is 'The settings of durable-responses, in one row. Edit it in the dashboard.';
comment on column public.response_settings.only_row is 'Always true: keeps the table at one row.';
comment on column public.response_settings.retention_days is 'Finished jobs are deleted after this many days.';
comment on column public.response_settings.cron_history_days is 'Rows of cron.job_run_details that belong to durable-responses are deleted after this many days. pg_cron itself never deletes any.';
comment on column public.response_settings.max_workers is 'A backlog wakes at most this many workers.';
comment on column public.response_settings.max_running is 'How many jobs run synchronously at a time, in total. null is no limit, 0 stops claiming.';
comment on column public.response_settings.breaker_failures is 'After this many background failures in a row, a route skips background.';
comment on column public.response_settings.probe_interval_s is 'How often one job of such a route tries background again, in s.';
comment on column public.response_settings.quota_pause_s is 'How long a route is paused after OpenAI reports that the quota is used up, in s.';
comment on column public.response_settings.max_delay_s is 'The longest time a Retry-After can delay a job or pause a route, in s. Then one job tries again.';
comment on column public.response_settings.max_unfinished_per_user is 'How many unfinished jobs a user may have. The next one is refused with too_many_jobs. null is no limit. Jobs without an owner are not counted.';
comment on column public.response_settings.max_file_bytes is 'How large one image or file may be that is sent as data in a request, in bytes of its content: 1 MiB to 16 MiB. Files in Storage that a request refers to are not limited here.';
insert into public.response_settings default values;
alter table public.response_settings enable row level security;
revoke all on public.response_settings from public, anon, authenticated, service_role;
grant select, update on public.response_settings to service_role;

create table public.response_routes (
  route text primary key,
  profile text not null,
  model text not null,
  tool_servers text[] not null default '{}',
  breaker text not null default 'closed',
  background_failures integer not null default 0,
  last_failure text,
  probe_at timestamptz,
  opened_at timestamptz,
  paused_until timestamptz,
  pause_reason text,
  max_running integer,
  typical_ms integer,
  ignores_approval boolean not null default false,
  ignores_approval_since timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint response_routes_route_length check (char_length(route) between 1 and 500),
  constraint response_routes_breaker check (breaker in ('closed', 'open', 'half_open')),
  constraint response_routes_failures check (background_failures >= 0),
  constraint response_routes_probe_unless_closed check ((breaker = 'closed') = (probe_at is null)),
  constraint response_routes_pause_has_reason check ((paused_until is null) = (pause_reason is null)),
  constraint response_routes_running check (max_running >= 0),
  constraint response_routes_typical check (typical_ms >= 0),
  constraint response_routes_ignores_approval check (ignores_approval = (ignores_approval_since is not null))
);
comment on table public.response_routes is 'One row per route (a profile with its model and tool servers): what was learned about it, and its limits.';
comment on column public.response_routes.route is 'profile/model/servers, or only the profile for jobs queued in SQL.';
comment on column public.response_routes.profile is 'The profile''s name.';
comment on column public.response_routes.model is 'The model; empty for jobs queued in SQL.';
comment on column public.response_routes.tool_servers is 'Labels of the MCP servers.';
comment on column public.response_routes.breaker is 'closed: background is tried. open: it kept failing and is skipped. half_open: one probe is running. To try again at once, set it to closed and probe_at to null.';
comment on column public.response_routes.background_failures is 'Background failures in a row.';
comment on column public.response_routes.last_failure is 'Code of the last background failure.';
comment on column public.response_routes.probe_at is 'While not closed: when the next job may try background again.';
comment on column public.response_routes.opened_at is 'When the breaker opened last. A job in background that was accepted later is a probe.';
comment on column public.response_routes.paused_until is 'No job of the route is claimed before this time. Afterwards one at a time, until one succeeds.';
comment on column public.response_routes.pause_reason is 'Code of the failure that paused it.';
comment on column public.response_routes.max_running is 'How many of its jobs run synchronously at a time. null is no limit. You set it.';
comment on column public.response_routes.typical_ms is 'How long a synchronous run usually takes: a moving average in ms. Long runs wait for a worker with enough time left.';
comment on column public.response_routes.ignores_approval is 'True if a call that must not be made twice was made without the yes that the request required. The API behind the route ignores require_approval, so its background runs count as unguarded. Once that is fixed, set this to false and ignores_approval_since to null.';
comment on column public.response_routes.ignores_approval_since is 'When that was first seen.';
comment on column public.response_routes.created_at is 'When its first job was accepted.';
comment on column public.response_routes.updated_at is 'When the row last changed.';
alter table public.response_routes enable row level security;
revoke all on public.response_routes from public, anon, authenticated, service_role;
grant select, insert, update on public.response_routes to service_role;
grant select on public.response_routes to authenticated;

create table public.response_workers (
  id text primary key,
  kind text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  constraint response_workers_kind check (kind in ('edge', 'process', 'inline'))
);
comment on table public.response_workers is 'Workers that claimed or renewed recently. A worker that ends signs off.';
comment on column public.response_workers.id is 'The worker''s name, as in leased_by.';
comment on column public.response_workers.kind is 'edge: an Edge Function''s isolate, with a wall clock. process: a plain Deno process, without. inline: a function that runs the job it was called for.';
comment on column public.response_workers.started_at is 'When it was first seen.';
comment on column public.response_workers.seen_at is 'When it was last seen.';
alter table public.response_workers enable row level security;
revoke all on public.response_workers from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.response_workers to service_role;
grant select on public.response_workers to authenticated;

create table durable_responses.profiles (
  name text primary key,
  registered_at timestamptz not null,
  was_made_after_ms bigint,
  constraint profiles_was_made_after check (was_made_after_ms >= 0),
  constraint profiles_name_length check (char_length(name) between 1 and 64)
);
comment on table durable_responses.profiles is
  'Names of the profiles that the deployed functions have. Empty until functions, init or doctor register them. From then on, jobs queued in SQL must use one of them.';
comment on column durable_responses.profiles.name is 'The profile.';
comment on column durable_responses.profiles.registered_at is 'When it was first seen.';
comment on column durable_responses.profiles.was_made_after_ms is 'Whether it has functions that find out whether a call in doubt was made (was_made), and how long after the job was held they are first asked, in ms. null if it has none.';
alter table durable_responses.profiles enable row level security;
revoke all on durable_responses.profiles from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.profiles to service_role;
-- Jobs: the query and the result. A row is written when the job is accepted and when it becomes final. In between,
-- everything that changes is in its narrow wait row (05_waits.sql).

create function durable_responses.visible_input(p_request jsonb) returns jsonb
language sql immutable set search_path = ''
as $$
  select case jsonb_typeof(p_request -> 'input')
    when 'string' then p_request -> 'input'
    when 'array' then (
      select jsonb_agg(item order by place) from jsonb_array_elements(p_request -> 'input') with ordinality items (item, place)
      where item ->> 'role' in ('user', 'assistant') and coalesce(item ->> 'type', 'message') = 'message')
  end;
$$;
comment on function durable_responses.visible_input(jsonb) is
  'The part of a whole request that the job''s owner may see: the text, or the messages of user and assistant. Instructions, developer and system messages, tool results and tools belong to the server.';

create function durable_responses.query_text(p_input jsonb) returns text
language sql immutable set search_path = ''
as $$
  select left(coalesce((
    -- What was asked last. With nothing but images in it, the input stands as it is.
    select case jsonb_typeof(message -> 'content') when 'string' then message ->> 'content' when 'array' then (
      select string_agg(part ->> 'text', ' ' order by n) from jsonb_array_elements(message -> 'content') with ordinality parts (part, n))
    end
    from jsonb_array_elements(case jsonb_typeof(p_input) when 'array' then p_input else '[]' end) with ordinality messages (message, place)
    where message ->> 'role' = 'user'
    order by place desc limit 1), p_input #>> '{}'), 500);
$$;
comment on function durable_responses.query_text(jsonb) is
  'The beginning of the query as text, for lists and searches: the input, or the text of its last user message.';
revoke execute on function durable_responses.visible_input(jsonb), durable_responses.query_text(jsonb) from public, anon, authenticated;
grant execute on function durable_responses.visible_input(jsonb), durable_responses.query_text(jsonb) to service_role;

-- What a value must be is said by its type, and what a status demands by guards, here and of the wait rows. Check constraints
-- on these tables would do the same, but Postgres reads the text of each one anew for every statement on the table, whatever
-- columns that writes (26 of them were a fifth of a submit, and of a completion); those of a type it reads once a session. For
-- the same reason no column is generated: who accepts a job writes query_text.
create domain durable_responses.profile_name text constraint jobs_profile_length check (char_length(value) between 1 and 64);
create domain durable_responses.idempotency_key text constraint jobs_key_length check (char_length(value) between 1 and 255);
create domain durable_responses.metadata jsonb constraint jobs_metadata_object check (jsonb_typeof(value) = 'object');
create domain durable_responses.priority smallint constraint jobs_priority check (value between -100 and 100);
create domain durable_responses.attempts_limit integer constraint jobs_attempts check (value between 1 and 100);
create domain durable_responses.budget_ms bigint constraint jobs_budgets check (value between 1 and 3153600000000);
create domain durable_responses.interval_ms integer constraint jobs_intervals check (value >= 1);
create domain durable_responses.uncertainty text constraint jobs_on_uncertain check (value in ('review', 'retry'));
create domain durable_responses.guard_of text constraint jobs_guard check (value in ('always', 'synchronous', 'off'));
comment on domain durable_responses.profile_name is 'Name of a profile.';
comment on domain durable_responses.idempotency_key is 'A caller''s idempotency key.';
comment on domain durable_responses.metadata is 'A caller''s own key-value pairs.';
comment on domain durable_responses.priority is 'Higher runs first.';
comment on domain durable_responses.attempts_limit is 'How often something may be tried.';
comment on domain durable_responses.budget_ms is 'How long something may take, in ms; at most 100 years, so that no deadline is out of range.';
comment on domain durable_responses.interval_ms is 'How long until the next time, in ms.';
comment on domain durable_responses.uncertainty is 'What to do when nobody knows whether a side effect happened.';
comment on domain durable_responses.guard_of is 'Which runs ask before a call that must not be made twice.';

create table durable_responses.jobs (
  id uuid primary key default durable_responses.uuid_v7(),
  owner_id uuid,
  profile durable_responses.profile_name not null,
  input jsonb,
  request jsonb,
  metadata durable_responses.metadata not null default '{}',
  idempotency_key durable_responses.idempotency_key,
  retry_of uuid,
  first_id uuid,
  priority durable_responses.priority not null default 0,
  route text not null,
  max_attempts durable_responses.attempts_limit not null default 5,
  backoff_base_ms durable_responses.interval_ms not null default 1000,
  backoff_cap_ms durable_responses.interval_ms not null default 300000,
  deadline_ms durable_responses.budget_ms not null default 86400000,
  approval_ms durable_responses.budget_ms not null default 604800000,
  review_ms durable_responses.budget_ms not null default 2592000000,
  poll_ms durable_responses.interval_ms not null default 30000,
  background_ms durable_responses.budget_ms not null default 600000,
  once_tools boolean not null default true,
  on_uncertain durable_responses.uncertainty not null default 'review',
  guard durable_responses.guard_of not null default 'always',
  settings jsonb,
  continued_from uuid,
  created_at timestamptz not null,
  query_text text,
  -- Null until it is final.
  status text,
  finished_from text,
  finished_at timestamptz,
  attempt integer,
  failures integer,
  response_id text,
  fallback_reason text,
  output_text text,
  output jsonb,
  output_parsed jsonb,
  usage jsonb,
  error_code text,
  error_message text,
  error_hint text,
  constraint jobs_input_or_request check ((input is null) <> (request is null))
) with (fillfactor = 85);
comment on table durable_responses.jobs is
  'One row for each accepted query, written before OpenAI is called and again when it is final. Read it as response_jobs; change it only through functions.';
comment on column durable_responses.jobs.id is 'The job''s id, as the caller got it. Ordered by time.';
comment on column durable_responses.jobs.owner_id is 'The user who asked (auth.uid()); null if it was a server with a secret key.';
comment on column durable_responses.jobs.profile is 'The name of the profile, which has the model, the tools and the budgets.';
comment on column durable_responses.jobs.input is 'The query: a string, or an array of Responses API input items.';
comment on column durable_responses.jobs.request is 'A whole Responses API request from a caller with a secret key; input is then null. Only secret keys can read it: see visible_input(). Secrets in it are references, never values.';
comment on column durable_responses.jobs.metadata is 'The caller''s own key-value pairs; not interpreted.';
comment on column durable_responses.jobs.idempotency_key is 'A repeat with the same key and the same request returns this job instead of creating another.';
comment on column durable_responses.jobs.retry_of is 'The final job that this one retries. No foreign key: it stays when the original is pruned.';
comment on column durable_responses.jobs.first_id is 'For a retry: the first job of the chain. Its tools'' idempotency keys are derived from it.';
comment on column durable_responses.jobs.priority is 'Higher runs first, -100 to 100.';
comment on column durable_responses.jobs.route is 'The route it runs on: see response_routes.';
comment on column durable_responses.jobs.max_attempts is 'How many synchronous attempts may fail before the job fails.';
comment on column durable_responses.jobs.backoff_base_ms is 'First retry delay in ms, doubled with each failure, full jitter.';
comment on column durable_responses.jobs.backoff_cap_ms is 'Longest retry delay in ms; a longer Retry-After is still honored.';
comment on column durable_responses.jobs.deadline_ms is 'How long the job may take in ms, without the time that it waits for a person or the caller.';
comment on column durable_responses.jobs.approval_ms is 'How long a request for approval waits for an answer, in ms.';
comment on column durable_responses.jobs.review_ms is 'How long a review waits for an answer, in ms.';
comment on column durable_responses.jobs.poll_ms is 'While background: how often it is polled if no webhook comes, in ms.';
comment on column durable_responses.jobs.background_ms is 'How long a background response may take before it counts as stuck, in ms.';
comment on column durable_responses.jobs.once_tools is 'Whether its tools may make calls that must not be made twice.';
comment on column durable_responses.jobs.on_uncertain is 'What to do when nobody knows whether a call was made: review or retry.';
comment on column durable_responses.jobs.guard is 'Which of its runs must ask before a call that must not be made twice: always, synchronous (not background runs), or off.';
comment on column durable_responses.jobs.settings is 'What the caller added to the profile, as its caller_may allows: fields of a Responses API request. null if nothing.';
comment on column durable_responses.jobs.continued_from is 'The job that previous_response_id named. No foreign key: it stays when the other job is pruned.';
comment on column durable_responses.jobs.created_at is 'When it was accepted.';
comment on column durable_responses.jobs.query_text is 'The beginning of the query as text, for lists and searches.';
comment on column durable_responses.jobs.status is 'completed, failed or cancelled. null for an unfinished job, whose status is in its wait row.';
comment on column durable_responses.jobs.finished_from is 'The status it had before it became final.';
comment on column durable_responses.jobs.finished_at is 'When it became final.';
comment on column durable_responses.jobs.attempt is 'Number of the last attempt, 0 when there was none; null until it is final.';
comment on column durable_responses.jobs.failures is 'Synchronous attempts that failed; null until it is final.';
comment on column durable_responses.jobs.response_id is 'OpenAI''s id of the response that gave the result.';
comment on column durable_responses.jobs.fallback_reason is 'Why the job fell back to a synchronous run, as a code of docs/errors.md; null if it did not.';
comment on column durable_responses.jobs.output_text is 'The answer as text, when completed.';
comment on column durable_responses.jobs.output is 'The answer''s output items as OpenAI sent them, when completed.';
comment on column durable_responses.jobs.output_parsed is 'The answer as JSON that matches the profile''s schema, if the profile has one.';
comment on column durable_responses.jobs.usage is 'Tokens, as OpenAI reported them.';
comment on column durable_responses.jobs.error_code is 'Why it failed: a code of docs/errors.md.';
comment on column durable_responses.jobs.error_message is 'What failed, the rule, and the value seen.';
comment on column durable_responses.jobs.error_hint is 'What to do about it.';

create index jobs_owner on durable_responses.jobs (owner_id, status, id) where status is not null;
comment on index durable_responses.jobs_owner is
  'A user''s own final jobs of each status, newest first: see response_jobs. Accepting a job pays nothing for it.';
-- Each status of response_jobs is planned as a query of its own, and the planner does not know that only a page of it is read.
-- If it believes that an owner has few jobs, it reads them in the index's order. If it knew the truth, it would read and sort all.
alter table durable_responses.jobs alter column owner_id set (n_distinct = -1);
create index jobs_finished on durable_responses.jobs (finished_at) where finished_at is not null;
comment on index durable_responses.jobs_finished is 'Pruning, and the last 24 hours of response_health.';
create index jobs_not_completed on durable_responses.jobs (status, id) where status in ('failed', 'cancelled');
comment on index durable_responses.jobs_not_completed is 'Lists of what failed or was cancelled. Completed jobs pay nothing: whoever lists those finds them at the end of the primary key.';
create unique index jobs_retry_of on durable_responses.jobs (retry_of) where retry_of is not null;
comment on index durable_responses.jobs_retry_of is 'One retry for each original: pressing twice gives the same job.';

create function durable_responses.guard_job() returns trigger
language plpgsql set search_path = ''
as $$
declare
  v_broken text;
begin
  if old.status is not null then
    raise exception using errcode = 'DR409',
      message = format('Cannot change job %s: a %s job is final', old.id, old.status),
      hint = 'Retry it. A retry creates a new job.';
  end if;
  -- The wait row is deleted by now, or is deleted in the same statement, so the writer passes its status.
  if not exists (
    select from durable_responses.transitions t join durable_responses.statuses s on s.status = t.to_status
    where t.from_status = new.finished_from and t.to_status = new.status and s.final
  ) then
    perform durable_responses.refuse_transition(old.id, new.finished_from, new.status);
  end if;
  v_broken := case
    when new.finished_at is null or new.attempt is null or new.failures is null then 'jobs_final'
    when (new.status = 'completed') <> (new.output is not null)
      or new.output is null and (new.output_text is not null or new.output_parsed is not null) then 'jobs_completed_with_output'
    when (new.status = 'failed') <> (new.error_code is not null) or (new.error_code is null) <> (new.error_message is null)
      or new.error_code is null and new.error_hint is not null then 'jobs_failed_with_error'
  end;
  if v_broken is not null then
    raise exception using errcode = 'check_violation', constraint = v_broken, schema = tg_table_schema, table = tg_table_name,
      message = format('Cannot make job %s %s: that violates %s', new.id, new.status, v_broken);
  end if;
  return null;
end;
$$;
comment on function durable_responses.guard_job() is
  'Refuses every change of a final job, every ending that is not in the table of transitions, and an ending without its time, its output (completed) or its error (failed).';
revoke execute on function durable_responses.guard_job() from public, anon, authenticated;
grant execute on function durable_responses.guard_job() to service_role;
-- An after trigger, because it changes nothing in the row: for a before trigger, Postgres would lock each row in an extra step.
-- The condition lets nearly every ending through by its shape, because a call of the guard for each would cost too much.
create trigger jobs_guard_new after insert on durable_responses.jobs
  for each row when (new.status is not null) execute function durable_responses.guard_job();
create trigger jobs_guard after update on durable_responses.jobs
  for each row when (
    (old.status is null and new.status = 'completed' and new.finished_from = 'running' and new.output is not null) is not true)
  execute function durable_responses.guard_job();

alter table durable_responses.jobs enable row level security;
revoke all on durable_responses.jobs from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.jobs to service_role;
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
-- Attempts, steps, and related rows: cancels that OpenAI has not confirmed, idempotency keys, flags.

create domain durable_responses.attempt_mode text constraint attempts_mode check (value in ('background', 'synchronous'));
create domain durable_responses.attempt_outcome text constraint attempts_outcome check (
  value in ('completed', 'failed', 'cancelled', 'lost', 'handed_over', 'continued', 'suspended'));
comment on domain durable_responses.attempt_mode is 'How an attempt is made.';
comment on domain durable_responses.attempt_outcome is 'How an attempt ended.';

create table durable_responses.attempts (
  -- No foreign key, as with waits: whoever writes an attempt has locked its job's wait, and pruned jobs have no wait.
  job_id uuid not null,
  number integer not null,
  mode durable_responses.attempt_mode not null,
  worker text,
  response_id text,
  request_id text,
  outcome durable_responses.attempt_outcome not null,
  error_code text,
  error_type text,
  error_message text,
  usage jsonb,
  warnings text[] not null default '{}',
  started_at timestamptz not null,
  finished_at timestamptz not null,
  unseen boolean not null default false,
  primary key (job_id, number)
);
comment on table durable_responses.attempts is
  'One row for each attempt that has ended. Read it as response_attempts, which also has the current one.';
comment on column durable_responses.attempts.job_id is 'The job.';
comment on column durable_responses.attempts.number is 'Counts from 1 within the job; the fencing token of this attempt''s writes.';
comment on column durable_responses.attempts.mode is 'background: in OpenAI''s background mode. synchronous: in one of our workers.';
comment on column durable_responses.attempts.worker is 'Which worker ran it; null for background.';
comment on column durable_responses.attempts.response_id is 'OpenAI''s response id, once known.';
comment on column durable_responses.attempts.request_id is 'OpenAI''s x-request-id, for their support.';
comment on column durable_responses.attempts.outcome is 'How it ended. lost: its worker vanished and the lease expired. handed_over: the worker''s time was up. continued: the run continues in the next attempt. suspended: the job waits for a person or the caller.';
comment on column durable_responses.attempts.error_code is 'A code of docs/errors.md, when it failed or was lost.';
comment on column durable_responses.attempts.error_type is 'OpenAI''s own error code or type.';
comment on column durable_responses.attempts.error_message is 'What failed, with credentials masked.';
comment on column durable_responses.attempts.usage is 'Tokens of this attempt, as OpenAI reported them.';
comment on column durable_responses.attempts.warnings is 'Warnings that did not stop it.';
comment on column durable_responses.attempts.started_at is 'When it began.';
comment on column durable_responses.attempts.finished_at is 'When it ended.';
comment on column durable_responses.attempts.unseen is 'Whether OpenAI had no response of this id when it was last asked for. Then nobody has seen it end: it may be an id that a gateway made up.';
create index attempts_response on durable_responses.attempts (response_id) where mode = 'background' and response_id is not null;
comment on index durable_responses.attempts_response is 'Late webhooks: from a background response to the attempt that has ended. Synchronous responses send none.';
alter table durable_responses.attempts enable row level security;
revoke all on durable_responses.attempts from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.attempts to service_role;

create function durable_responses.call_digest(p_server text, p_tool text, p_arguments text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  -- Each is a JSON string or null, so its end is unambiguous: no two calls hash the same text.
  return encode(sha256(convert_to(
    coalesce(to_json(p_server)::text, 'null') || coalesce(to_json(p_tool)::text, 'null') || coalesce(to_json(p_arguments)::text, 'null'),
    'utf8')), 'hex');
end;
$$;
comment on function durable_responses.call_digest(text, text, text) is
  'SHA-256 of server, tool and arguments, each exactly as shown. With it, a decision says which call the person saw.';
revoke execute on function durable_responses.call_digest(text, text, text) from public, anon, authenticated;
grant execute on function durable_responses.call_digest(text, text, text) to service_role;

create table public.response_steps (
  job_id uuid not null references durable_responses.jobs (id) on delete cascade,
  number integer not null,
  attempt integer not null,
  item_id text not null,
  kind text not null,
  status text not null,
  effect text,
  server_label text,
  tool text,
  run_by text,
  arguments text,
  call_key text,
  call_repeat integer,
  round integer,
  digest text generated always as (case when run_by is not null or kind in ('mcp_call', 'mcp_approval_request', 'unguarded_run')
    then durable_responses.call_digest(server_label, tool, arguments) end) stored,
  output text,
  error text,
  item jsonb,
  call_id text generated always as (item ->> 'call_id') stored,
  answer jsonb,
  answered_by text,
  answered_at timestamptz,
  started_at timestamptz not null,
  finished_at timestamptz,
  primary key (job_id, number),
  constraint response_steps_number check (number >= 1),
  constraint response_steps_status check (status in ('started', 'finished', 'failed', 'void', 'uncertain', 'waiting')),
  constraint response_steps_effect check (effect in ('none', 'idempotent', 'once')),
  constraint response_steps_call_has_effect check (
    (kind in ('mcp_call', 'unguarded_run') or run_by is not null) = (effect is not null)),
  constraint response_steps_run_by check (run_by in ('worker', 'caller')),
  -- OpenAI runs a shell in its containers itself: such a shell_call is nobody's.
  constraint response_steps_own_call check (case when run_by is null then kind <> 'function_call' else kind in (
    'function_call', 'custom_tool_call', 'apply_patch_call', 'local_shell_call', 'shell_call', 'computer_call') end),
  constraint response_steps_call_repeat check (call_repeat >= 0),
  constraint response_steps_round check (round >= 1),
  constraint response_steps_finished_at check ((status in ('started', 'uncertain', 'waiting')) = (finished_at is null)),
  constraint response_steps_uncertain_is_call check (status <> 'uncertain' or run_by is not null or kind in ('mcp_call', 'unguarded_run')),
  constraint response_steps_waiting_is_asked check (status <> 'waiting' or run_by is not null or kind = 'mcp_approval_request'),
  constraint response_steps_answer_has_author check (
    (answer is null) = (answered_at is null) and (answer is null) = (answered_by is null))
) with (fillfactor = 85);
create unique index response_steps_item on public.response_steps (job_id, attempt, item_id);
comment on index public.response_steps_item is 'Each item of an attempt is one step: a later report of it updates the first.';
create index response_steps_handed_out on public.response_steps (call_id) where run_by = 'caller';
comment on index public.response_steps_handed_out is 'From the output of a call that was handed out to its job.';
comment on table public.response_steps is
  'What a job''s attempts did, item by item: the checkpoint that the next worker continues from, and the ledger of side effects.';
comment on column public.response_steps.job_id is 'The job.';
comment on column public.response_steps.number is 'Counts from 1 within the job, in the order they came.';
comment on column public.response_steps.attempt is 'The attempt that made it; 0 if it comes from the job that this one retries.';
comment on column public.response_steps.item_id is 'The item''s id within its attempt. Ids differ between attempts.';
comment on column public.response_steps.kind is 'The item''s type (mcp_call, function_call, mcp_list_tools, reasoning, message, mcp_approval_request …), or unguarded_run for a whole request whose response may call without being told to by us: a background one about which nothing is known, or a synchronous one, from before it is sent until it has shown what it did.';
comment on column public.response_steps.status is 'started: in flight. finished, failed: the tool answered, with output or error. void: cut off, harmless, made again if needed. uncertain: nobody knows whether it was made. waiting: for a person''s yes or no; a call with run_by waits for its answer, from the caller or from a worker that makes it.';
comment on column public.response_steps.effect is 'For a call, what it does to the world: none (only reads), idempotent (may be repeated), once (must not be made twice).';
comment on column public.response_steps.server_label is 'For a call: the MCP server; null for a function of the profile.';
comment on column public.response_steps.tool is 'For a call: the tool. apply_patch, local_shell, shell and computer for the calls of those kinds.';
comment on column public.response_steps.run_by is 'Of a call that OpenAI leaves to others (function_call, custom_tool_call, apply_patch_call, local_shell_call, shell_call, computer_call): worker (we make it) or caller (it is handed out). Null for what OpenAI makes itself.';
comment on column public.response_steps.arguments is 'For a call: its arguments, JSON as text, exactly as the model wrote it. Of a custom_tool_call, its input; of a kind that has neither, the fields of its item.';
comment on column public.response_steps.call_key is 'For a call: server, tool and canonical arguments; equal keys are the same call.';
comment on column public.response_steps.call_repeat is 'Of a call with run_by: how many equal calls of its run came before it. With call_key it makes the call''s idempotency key.';
comment on column public.response_steps.round is 'Of a call that we make or say yes to: the number of the response that asked for it, counting those of the job that asked for calls. It limits how many there may be, whatever becomes of their attempts.';
comment on column public.response_steps.digest is 'SHA-256 of server, tool and arguments as stored here. A decision names it, and is refused if it belongs to another call.';
comment on column public.response_steps.output is 'What the tool answered. Of a call that was handed out and whose answer is no text, the fields of that answer, JSON as text.';
comment on column public.response_steps.error is 'The tool''s error.';
comment on column public.response_steps.item is 'The whole item as OpenAI sent it, once finished; a call with run_by from its start.';
comment on column public.response_steps.call_id is 'Of a call with run_by, and of our own request for a yes to one: what an output or an answer names.';
comment on column public.response_steps.answer is 'The answer of a person or the guard: {approve, reason?} or {outcome, output?}.';
comment on column public.response_steps.answered_by is 'Who answered: a user''s id, service, guard (no person was asked), or was_made (the profile found out).';
comment on column public.response_steps.answered_at is 'When.';
comment on column public.response_steps.started_at is 'When it started, as far as known.';
comment on column public.response_steps.finished_at is 'When it ended.';
alter table public.response_steps enable row level security;
revoke all on public.response_steps from public, anon, authenticated, service_role;
grant select, insert, update on public.response_steps to service_role;
grant select (job_id, number, attempt, item_id, kind, status, effect, server_label, tool, run_by, arguments, digest, output, error,
  call_id, answer, answered_by, answered_at, started_at, finished_at) on public.response_steps to authenticated;

create table durable_responses.upstream_cancels (
  job_id uuid not null,
  attempt integer not null,
  response_id text not null,
  due timestamptz not null,
  tries integer not null default 0,
  last_error text,
  requested_at timestamptz not null,
  primary key (job_id, attempt)
);
create index upstream_cancels_due on durable_responses.upstream_cancels (due);
comment on index durable_responses.upstream_cancels_due is 'The next ones to ask for.';
comment on table durable_responses.upstream_cancels is
  'Background responses that must be cancelled at OpenAI and may still run. A row is deleted when OpenAI confirms the cancel. No foreign key: the response of a deleted job is cancelled too.';
comment on column durable_responses.upstream_cancels.job_id is 'The job.';
comment on column durable_responses.upstream_cancels.attempt is 'The attempt whose response it is.';
comment on column durable_responses.upstream_cancels.response_id is 'OpenAI''s id of the response.';
comment on column durable_responses.upstream_cancels.due is 'When OpenAI is asked next.';
comment on column durable_responses.upstream_cancels.tries is 'How often OpenAI was asked.';
comment on column durable_responses.upstream_cancels.last_error is 'What OpenAI answered last.';
comment on column durable_responses.upstream_cancels.requested_at is 'When the cancel was first requested.';
alter table durable_responses.upstream_cancels enable row level security;
revoke all on durable_responses.upstream_cancels from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.upstream_cancels to service_role;

create table durable_responses.doubts (
  job_id uuid primary key,
  due timestamptz,
  tries integer not null default 0,
  reviews integer not null default 1,
  token uuid not null default gen_random_uuid()
);
create index doubts_due on durable_responses.doubts (due) where due is not null;
comment on index durable_responses.doubts_due is 'The next ones to ask about.';
comment on table durable_responses.doubts is
  'Jobs that were held for review, and whose profile can find out whether the calls in doubt were made (was_made).';
comment on column durable_responses.doubts.job_id is 'The job.';
comment on column durable_responses.doubts.due is 'When the profile is asked next; null if it is not asked any more.';
comment on column durable_responses.doubts.tries is 'How often it was asked about the current review.';
comment on column durable_responses.doubts.reviews is 'How often the job was held. After the third time a person decides: a call that never arrives must not be made for ever.';
comment on column durable_responses.doubts.token is 'The fencing token of the last asking: an answer to an earlier one is refused.';
alter table durable_responses.doubts enable row level security;
revoke all on durable_responses.doubts from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.doubts to service_role;

create table durable_responses.idempotency_keys (
  owner_key uuid not null,
  key durable_responses.idempotency_key not null,
  request_hash text,
  job_id uuid not null,
  deleted_until timestamptz,
  primary key (owner_key, key)
);
create index idempotency_keys_deleted on durable_responses.idempotency_keys (deleted_until) where deleted_until is not null;
comment on index durable_responses.idempotency_keys_deleted is 'Which keys of deleted jobs are free again.';
comment on table durable_responses.idempotency_keys is
  'Idempotency keys in use, unique per owner. No foreign key: the key is inserted before its job. A trigger deletes it with the job, unless the same request may still be repeated (17_open_questions.sql).';
comment on column durable_responses.idempotency_keys.owner_key is 'The owner, or zeros for jobs without one.';
comment on column durable_responses.idempotency_keys.key is 'The key, as the caller sent it.';
comment on column durable_responses.idempotency_keys.request_hash is 'SHA-256 of the request, to tell a repeat from a reused key.';
comment on column durable_responses.idempotency_keys.job_id is 'The job that was created with it.';
comment on column durable_responses.idempotency_keys.deleted_until is 'Of a deleted job: until when a repeat is refused (DR414). Then the key is free again. Null as long as there is the job.';
alter table durable_responses.idempotency_keys enable row level security;
revoke all on durable_responses.idempotency_keys from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.idempotency_keys to service_role;

create function durable_responses.forget_jobs() returns trigger
language plpgsql set search_path = ''
as $$
begin
  delete from durable_responses.waits w using gone g where w.job_id = g.id;
  delete from durable_responses.attempts a using gone g where a.job_id = g.id;
  delete from durable_responses.doubts d using gone g where d.job_id = g.id;
  delete from public.response_flags f using gone g where f.job_id = g.id;
  delete from durable_responses.idempotency_keys k
  using gone g
  where g.idempotency_key is not null and k.key = g.idempotency_key
    and k.owner_key = coalesce(g.owner_id, '00000000-0000-0000-0000-000000000000') and k.job_id = g.id
    and k.deleted_until is null;
  delete from durable_responses.open_questions q using gone g where q.job_id = g.id and q.deleted_until is null;
  return null;
end;
$$;
comment on function durable_responses.forget_jobs() is 'Deletes the rows of deleted jobs that have no foreign key: waits, attempts, doubts, flags, and the idempotency keys and open questions that remember_deleted() has not marked.';
revoke execute on function durable_responses.forget_jobs() from public, anon, authenticated;
grant execute on function durable_responses.forget_jobs() to service_role;
create trigger jobs_forget after delete on durable_responses.jobs
  referencing old table as gone for each statement execute function durable_responses.forget_jobs();

create table public.response_flags (
  id bigint generated always as identity primary key,
  job_id uuid not null,
  code text not null,
  detail text not null,
  created_at timestamptz not null,
  constraint response_flags_detail_length check (char_length(detail) <= 2000)
);
create index response_flags_job on public.response_flags (job_id);
comment on index public.response_flags_job is 'The flags of a job.';
comment on table public.response_flags is 'For operators: what was learned about a job after it was final, or about its cancel. The job itself never changes again. No foreign key: flags are deleted with their job, but a deleted job can get one if OpenAI does not cancel its response.';
comment on column public.response_flags.id is 'A serial number.';
comment on column public.response_flags.job_id is 'The job.';
comment on column public.response_flags.code is 'cancel_unconfirmed: OpenAI never confirmed the cancel of a response. late_call: a call that must not be made twice was made after the job was final.';
comment on column public.response_flags.detail is 'What was seen.';
comment on column public.response_flags.created_at is 'When.';
alter table public.response_flags enable row level security;
revoke all on public.response_flags from public, anon, authenticated, service_role;
grant select, insert, delete on public.response_flags to service_role;
grant select on public.response_flags to authenticated;
-- Who may see, who may act, and with which claims. An adopter may replace these three functions (create or replace, in their
-- own migration), for example for teams: docs/teams.md. Everything else uses them:
--   visible_owners()     whose jobs the caller may see, as a set
--   actionable_owners()  whose jobs the caller may cancel, approve, resolve, retry
--   owner_claims(owner)  the claims of an owner, for work that is done in their name
--
-- They are evaluated once per statement (`owner_id = any ((select visible_owners())::uuid[])`): a predicate per row took
-- 262 ms for the newest 50 of 1,000,000 jobs, and 5 s for a user without jobs. They are plpgsql because a session keeps its
-- plans: SQL functions are planned again in each statement and at each call site, at 0.1 to 0.4 ms each.

create function durable_responses.visible_owners() returns uuid[]
language plpgsql stable set search_path = ''
as $$
begin
  return array_remove(array[auth.uid()], null);
end;
$$;
comment on function durable_responses.visible_owners() is
  'Owners whose jobs the caller may see: the caller alone. Replace it to let teams see each other''s jobs.';

create function durable_responses.actionable_owners() returns uuid[]
language sql stable set search_path = ''
as $$
  select array_remove(array[auth.uid()], null);
$$;
comment on function durable_responses.actionable_owners() is
  'Owners whose jobs the caller may cancel, approve, resolve and retry: the caller alone. Replace it to let teams act for each other.';

create function durable_responses.owner_claims(p_owner_id uuid) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object('sub', p_owner_id, 'role', 'authenticated', 'aud', 'authenticated');
$$;
comment on function durable_responses.owner_claims(uuid) is
  'The JWT claims of an owner, for work that is done in their name without their token. Replace it if your policies read other claims.';

create function durable_responses.is_operator() returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return coalesce(auth.jwt() -> 'app_metadata' ->> 'durable_responses', '') = 'operator';
end;
$$;
comment on function durable_responses.is_operator() is
  'Whether the caller''s token has the operator claim: app_metadata.durable_responses, which only a secret key can set.';

create function durable_responses.sees_all() returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return not pg_catalog.row_security_active('durable_responses.jobs') or durable_responses.is_operator();
end;
$$;
comment on function durable_responses.sees_all() is
  'Whether the caller sees everybody''s jobs: operators, and roles that row security does not bind (service_role, postgres).';

create function durable_responses.only_owner() returns uuid
language plpgsql stable set search_path = ''
as $$
declare
  v_owners uuid[];
begin
  if durable_responses.sees_all() then
    return null;
  end if;
  v_owners := durable_responses.visible_owners();
  return case when cardinality(v_owners) = 1 then v_owners[1] end;
end;
$$;
comment on function durable_responses.only_owner() is
  'The owner whose jobs the caller may see, if there is exactly one. An index that has that owner''s jobs in order then returns a page of them.';

create function durable_responses.several_owners() returns uuid[]
language plpgsql stable set search_path = ''
as $$
declare
  v_owners uuid[];
begin
  if durable_responses.sees_all() then
    return null;
  end if;
  v_owners := durable_responses.visible_owners();
  return case when cardinality(v_owners) > 1 then v_owners end;
end;
$$;
comment on function durable_responses.several_owners() is
  'The owners whose jobs the caller may see, if there are several; not if the caller sees all.';

revoke execute on function durable_responses.visible_owners(), durable_responses.actionable_owners(),
  durable_responses.owner_claims(uuid), durable_responses.is_operator(), durable_responses.sees_all(),
  durable_responses.only_owner(), durable_responses.several_owners() from public, anon;
grant execute on function durable_responses.visible_owners(), durable_responses.is_operator(), durable_responses.sees_all(),
  durable_responses.only_owner(), durable_responses.several_owners() to authenticated, service_role;
grant execute on function durable_responses.actionable_owners(), durable_responses.owner_claims(uuid) to service_role;

create policy jobs_visible on durable_responses.jobs for select to authenticated
  using ((select durable_responses.is_operator()) or owner_id = any ((select durable_responses.visible_owners())::uuid[]));
create policy waits_visible on durable_responses.waits for select to authenticated
  using ((select durable_responses.is_operator()) or owner_id = any ((select durable_responses.visible_owners())::uuid[]));
create policy attempts_visible on durable_responses.attempts for select to authenticated
  using ((select durable_responses.is_operator()) or exists (
    select from durable_responses.jobs j where j.id = job_id and j.owner_id = any ((select durable_responses.visible_owners())::uuid[])));
create policy response_steps_visible on public.response_steps for select to authenticated
  using ((select durable_responses.is_operator()) or exists (
    select from durable_responses.jobs j where j.id = job_id and j.owner_id = any ((select durable_responses.visible_owners())::uuid[])));
create policy response_routes_operator_reads on public.response_routes for select to authenticated
  using ((select durable_responses.is_operator()));
create policy response_workers_operator_reads on public.response_workers for select to authenticated
  using ((select durable_responses.is_operator()));
create policy response_flags_operator_reads on public.response_flags for select to authenticated
  using ((select durable_responses.is_operator()));
-- What people read: response_jobs and response_attempts join what is stored in separate tables by how often it changes.
--
-- Each view is security_invoker and has only columns that are granted to users: one column without a grant would make the
-- whole view fail.
--
-- response_jobs is a union of branches, each in the list's order, so that a page of it is merged from the ends of indexes,
-- whatever the filter: final jobs of each status, and unfinished ones; each for callers who see everything, for those who
-- see one owner's, and for those who see several owners'. One branch for all callers (`sees_all() or owner_id = any (…)`)
-- would use no index. A branch that is not the caller's is not read. bench/list: a page at 1,000,000 jobs.

grant select (id, owner_id, status, profile, input, metadata, idempotency_key, retry_of, priority, max_attempts, on_uncertain,
  created_at, query_text, finished_at, attempt, failures, response_id, fallback_reason, output_text, output, output_parsed,
  usage, error_code, error_message, error_hint) on durable_responses.jobs to authenticated;
grant select (job_id, owner_id, status, due, since, attempt, response_id, failures, deadline, fallback_reason, review_reason, warnings)
  on durable_responses.waits to authenticated;
grant select (job_id, number, mode, response_id, outcome, error_code, error_message, usage, warnings, started_at, finished_at)
  on durable_responses.attempts to authenticated;

do $do$
declare
  v_callers constant text[] := array['(select durable_responses.sees_all())',
    '%s = (select durable_responses.only_owner())', '%s = any ((select durable_responses.several_owners())::uuid[])'];
  -- The status is a literal, so that a filter by another status ends a branch before it is read, with the plan
  -- that PostgREST's prepared statements share for all values too.
  v_final constant text := $$
    (select j.id, j.owner_id, %1$L::text as status, j.profile, j.query_text, j.attempt, j.failures, j.max_attempts,
      j.created_at, j.finished_at as updated_at, j.finished_at, null::timestamptz as run_at, null::timestamptz as answer_until,
      null::timestamptz as deadline, j.fallback_reason, null::text as review_reason, j.error_code, j.error_message, j.error_hint,
      j.output_text, j.output, j.output_parsed, j.usage, j.response_id, j.input, j.metadata, j.idempotency_key, j.retry_of,
      j.priority, j.on_uncertain
    from durable_responses.jobs j
    where j.status = %1$L and %2$s
    order by j.id desc)$$;
  v_unfinished constant text := $$
    (select w.job_id, w.owner_id, w.status, j.profile, j.query_text, w.attempt, w.failures, j.max_attempts,
      j.created_at, w.since, null::timestamptz, case when w.status = 'queued' then w.due end,
      case when w.status not in ('background', 'queued', 'running') then w.due end,
      w.deadline, w.fallback_reason, w.review_reason, null::text, null::text, null::text,
      null::text, null::jsonb, null::jsonb, null::jsonb, w.response_id, j.input, j.metadata, j.idempotency_key, j.retry_of,
      j.priority, j.on_uncertain
    from durable_responses.waits w join durable_responses.jobs j on j.id = w.job_id
    where %1$s
    order by w.job_id desc)$$;
  v_branches text[];
begin
  select array_agg(branch) into v_branches from (
    select format(v_final, s.status, format(caller, 'j.owner_id')) as branch
    from unnest(v_callers) caller, durable_responses.statuses s where s.final
    union all
    select format(v_unfinished, format(caller, 'w.owner_id')) from unnest(v_callers) caller
  ) branches;
  execute 'create view public.response_jobs with (security_invoker = true) as' || array_to_string(v_branches, ' union all ');
end;
$do$;
comment on view public.response_jobs is
  'One row for each job, as its owner may see it. Ids are ordered by time: order by id desc is newest first. Add a job with enqueue_response_job(). Change one only through functions.';
revoke all on public.response_jobs from public, anon, authenticated, service_role;
grant select on public.response_jobs to authenticated, service_role;

create view public.response_jobs_internal with (security_invoker = true) as
  select j.*, j.finished_at as updated_at, null::timestamptz as run_at, null::timestamptz as poll_at,
    null::timestamptz as leased_until, null::text as leased_by, null::timestamptz as answer_until,
    null::timestamptz as background_until, null::timestamptz as deadline, null::bigint as deadline_left_ms,
    null::text as review_reason, null::boolean as ready, null::bigint as min_life_ms, null::integer as stalled_lives,
    null::integer as settle_failures, null::text as settle_error
  from durable_responses.jobs j
  where j.status is not null
union all
  select j.id, j.owner_id, j.profile, j.input, j.request, j.metadata, j.idempotency_key, j.retry_of, j.first_id,
    j.priority, j.route,
    j.max_attempts, j.backoff_base_ms, j.backoff_cap_ms, j.deadline_ms, j.approval_ms, j.review_ms, j.poll_ms,
    j.background_ms, j.once_tools, j.on_uncertain, j.guard, j.settings, j.continued_from, j.created_at, j.query_text, w.status, j.finished_from, j.finished_at, w.attempt, w.failures,
    w.response_id, w.fallback_reason, j.output_text, j.output, j.output_parsed, j.usage, j.error_code, j.error_message, j.error_hint,
    w.since, case when w.status = 'queued' then w.due end, case when w.status = 'background' then w.due end,
    case when w.status = 'running' then w.due end, w.worker,
    case when w.status not in ('background', 'queued', 'running') then w.due end,
    w.background_until, w.deadline, w.deadline_left_ms, w.review_reason, w.ready, w.min_life_ms, w.stalled_lives,
    w.settle_failures, w.settle_error
  from durable_responses.waits w join durable_responses.jobs j on j.id = w.job_id;
comment on view public.response_jobs_internal is
  'response_jobs with everything that is stored, for service_role and the dashboard: leases, polls, budgets, the whole request.';
revoke all on public.response_jobs_internal from public, anon, authenticated, service_role;
grant select on public.response_jobs_internal to service_role;

create view public.response_attempts with (security_invoker = true) as
  select a.job_id, a.number, a.mode, a.response_id, a.outcome, a.error_code, a.error_message, a.usage, a.warnings,
    a.started_at, a.finished_at
  from durable_responses.attempts a
union all
  select w.job_id, w.attempt, case when w.status = 'background' then 'background' else 'synchronous' end, w.response_id,
    null, null, null, null, w.warnings, w.since, null
  from durable_responses.waits w
  where w.status in ('background', 'running');
comment on view public.response_attempts is
  'One row for each attempt at a job, background or synchronous. outcome is null while it runs.';
revoke all on public.response_attempts from public, anon, authenticated, service_role;
grant select on public.response_attempts to authenticated, service_role;

create view public.response_attempts_internal with (security_invoker = true) as
  select a.job_id, a.number, a.mode, a.worker, a.response_id, a.request_id, a.outcome, a.error_code, a.error_type, a.error_message,
    a.usage, a.warnings, a.started_at, a.finished_at, c.attempt is not null as cancel_pending
  from durable_responses.attempts a
    left join durable_responses.upstream_cancels c on c.job_id = a.job_id and c.attempt = a.number
union all
  select w.job_id, w.attempt, case when w.status = 'background' then 'background' else 'synchronous' end, w.worker, w.response_id,
    w.request_id, null, null, null, null, null, w.warnings, w.since, null, false
  from durable_responses.waits w
  where w.status in ('background', 'running');
comment on view public.response_attempts_internal is
  'response_attempts with everything that is stored, for service_role and the dashboard: workers, request ids, cancels that OpenAI has not confirmed.';
revoke all on public.response_attempts_internal from public, anon, authenticated, service_role;
grant select on public.response_attempts_internal to service_role;

-- Views have no foreign keys, so PostgREST is told how to embed: select=*,response_attempts(*),response_steps(*). The same
-- names embed in response_jobs_internal, with what only service_role may read.
create function public.response_attempts(public.response_jobs) returns setof public.response_attempts
language sql stable set search_path = '' rows 3
as $$
  select * from public.response_attempts where job_id = $1.id;
$$;
comment on function public.response_attempts(public.response_jobs) is 'A job''s attempts, for embedding in PostgREST.';
create function public.response_steps(public.response_jobs) returns setof public.response_steps
language sql stable set search_path = '' rows 10
as $$
  -- Column by column: four are not granted to users, who could read none with `select *`.
  select job_id, number, attempt, item_id, kind, status, effect, server_label, tool, run_by, arguments, null::text, null::integer, null::integer, digest, output, error,
    null::jsonb, call_id, answer, answered_by, answered_at, started_at, finished_at
  from public.response_steps where job_id = $1.id;
$$;
comment on function public.response_steps(public.response_jobs) is
  'A job''s steps, for embedding in PostgREST, as users may see them: call_key, call_repeat, round and item are null.';
create function public.response_attempts(public.response_jobs_internal) returns setof public.response_attempts_internal
language sql stable set search_path = '' rows 3
as $$
  select * from public.response_attempts_internal where job_id = $1.id;
$$;
comment on function public.response_attempts(public.response_jobs_internal) is
  'A job''s attempts with everything that is stored, for embedding in PostgREST.';
create function public.response_steps(public.response_jobs_internal) returns setof public.response_steps
language sql stable set search_path = '' rows 10
as $$
  select * from public.response_steps where job_id = $1.id;
$$;
comment on function public.response_steps(public.response_jobs_internal) is
  'A job''s steps with everything that is stored, for embedding in PostgREST.';
revoke execute on function public.response_attempts(public.response_jobs), public.response_steps(public.response_jobs),
  public.response_attempts(public.response_jobs_internal), public.response_steps(public.response_jobs_internal) from public, anon, authenticated;
grant execute on function public.response_attempts(public.response_jobs), public.response_steps(public.response_jobs)
  to authenticated, service_role;
grant execute on function public.response_attempts(public.response_jobs_internal), public.response_steps(public.response_jobs_internal)
  to service_role;
-- The few ways in which a job's state is written. Every API function ends in one of these. Each expects its caller to have
-- locked the wait row (find_wait or lock_attempt), so two of them never run at once for one job.

create function durable_responses.lock_attempt(p_job_id uuid, p_attempt integer, p_statuses text[]) returns durable_responses.waits
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_job record;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if found and v_wait.attempt = p_attempt and v_wait.status = any (p_statuses) then
    return v_wait;
  end if;
  select status, attempt into v_job from durable_responses.jobs where id = p_job_id;
  if not found then
    if exists (select from durable_responses.tombstones where job_id = p_job_id) then
      raise exception using errcode = 'DR410', hint = 'Discard this result.',
        message = format('Cannot write as attempt %s of job %s: the job was deleted', p_attempt, p_job_id);
    end if;
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
  raise exception using errcode = 'DR410',
    message = format('Cannot write as attempt %s of job %s: the job is %s at attempt %s',
      p_attempt, p_job_id, coalesce(v_wait.status, v_job.status), coalesce(v_wait.attempt, v_job.attempt)),
    hint = 'Another worker has taken over the job. Discard this result.';
end;
$$;
comment on function durable_responses.lock_attempt(uuid, integer, text[]) is
  'Locks a job''s wait for a write by an attempt. Refuses (DR410) an attempt that has ended. This is the fence.';

create function durable_responses.end_attempt(
  p_wait durable_responses.waits, p_outcome text, p_error jsonb default null,
  p_response_id text default null, p_request_id text default null, p_usage jsonb default null
) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_wait.status not in ('background', 'running') then
    return;
  end if;
  if p_outcome = 'failed' and p_error ->> 'code' is null then
    raise exception using errcode = 'check_violation', constraint = 'attempts_failed_has_code', schema = 'durable_responses',
      table = 'attempts', message = format('Cannot fail attempt %s of job %s without an error code', p_wait.attempt, p_wait.job_id);
  end if;
  insert into durable_responses.attempts (
    job_id, number, mode, worker, response_id, request_id, outcome, error_code, error_type, error_message, usage, warnings,
    started_at, finished_at)
  values (
    p_wait.job_id, p_wait.attempt, case p_wait.status when 'background' then 'background' else 'synchronous' end, p_wait.worker,
    coalesce(p_response_id, p_wait.response_id), coalesce(p_request_id, p_error ->> 'request_id', p_wait.request_id), p_outcome,
    p_error ->> 'code', left(p_error ->> 'type', 200), left(p_error ->> 'message', 2000), p_usage, p_wait.warnings,
    p_wait.since, durable_responses.clock());
end;
$$;
comment on function durable_responses.end_attempt(durable_responses.waits, text, jsonb, text, text, jsonb) is
  'Writes the row of the current attempt, if there is one. p_error: {code, message, hint?, type?, request_id?}. The wait row is moved or deleted by the caller, in the same transaction.';

create function durable_responses.finish(
  p_wait durable_responses.waits, p_status text, p_error jsonb default null
) returns void
language plpgsql set search_path = ''
as $$
begin
  update durable_responses.jobs set
    status = p_status, finished_from = p_wait.status, finished_at = durable_responses.clock(),
    attempt = p_wait.attempt, failures = p_wait.failures, fallback_reason = p_wait.fallback_reason,
    response_id = p_wait.response_id,
    error_code = p_error ->> 'code', error_message = left(p_error ->> 'message', 2000), error_hint = left(p_error ->> 'hint', 2000)
  where id = p_wait.job_id;
  delete from durable_responses.waits where job_id = p_wait.job_id;
  perform durable_responses.announce_jobs(array[p_wait.job_id]);
end;
$$;
comment on function durable_responses.finish(durable_responses.waits, text, jsonb) is
  'Makes a job failed (p_error: {code, message, hint?}) or cancelled. complete_response_jobs() makes it completed.';

create function durable_responses.requeue(p_wait durable_responses.waits, p_due timestamptz default null) returns void
language plpgsql set search_path = ''
as $$
begin
  update durable_responses.waits set
    status = 'queued', due = coalesce(p_due, durable_responses.clock()), failures = p_wait.failures,
    stalled_lives = p_wait.stalled_lives, min_life_ms = p_wait.min_life_ms, fallback_reason = p_wait.fallback_reason
  where job_id = p_wait.job_id;
  perform durable_responses.announce_jobs(array[p_wait.job_id]);
end;
$$;
comment on function durable_responses.requeue(durable_responses.waits, timestamptz) is
  'Queues a job, to run no earlier than p_due. Takes failures, stalled_lives, min_life_ms and fallback_reason from p_wait.';

create function durable_responses.doubt(p_job_id uuid, p_code text default null) returns void
language plpgsql set search_path = ''
as $$
declare
  -- As long as no worker has registered its profiles, nobody knows whether this one can find out: one will be asked.
  v_after_ms constant bigint := case when exists (select from durable_responses.profiles) then (
    select p.was_made_after_ms
    from durable_responses.jobs j join durable_responses.profiles p on p.name = j.profile where j.id = p_job_id) else 120000 end;
  -- If the model insists on a call that was made, that it was made is no news.
  v_due constant timestamptz := case when p_code is distinct from 'repeated_call'
    then durable_responses.clock() + make_interval(secs => v_after_ms / 1000.0) end;
begin
  -- Whatever was asked about an earlier review, its answer is refused from now on.
  update durable_responses.doubts d set
    due = case when d.reviews < 3 then v_due end, tries = 0, reviews = d.reviews + 1, token = gen_random_uuid()
  where d.job_id = p_job_id;
  if not found and v_due is not null then
    insert into durable_responses.doubts (job_id, due) values (p_job_id, v_due);
  end if;
end;
$$;
comment on function durable_responses.doubt(uuid, text) is
  'A job is held for review with this error, if any: its profile is asked after a while, if it can find out whether calls in doubt were made.';

create function durable_responses.hold(p_wait durable_responses.waits, p_status text, p_reason text, p_error jsonb default null) returns void
language plpgsql set search_path = ''
as $$
begin
  update durable_responses.waits w set
    status = p_status,
    due = durable_responses.clock() + make_interval(secs => (
      select case p_status when 'needs_review' then j.review_ms else j.approval_ms end
      from durable_responses.jobs j where j.id = w.job_id) / 1000.0),
    review_reason = p_reason,
    fallback_reason = case w.status when 'background' then coalesce(p_error ->> 'code', w.fallback_reason) else w.fallback_reason end
  where job_id = p_wait.job_id;
  if p_status = 'needs_review' then
    perform durable_responses.doubt(p_wait.job_id, p_error ->> 'code');
  end if;
  perform durable_responses.announce_jobs(array[p_wait.job_id]);
end;
$$;
comment on function durable_responses.hold(durable_responses.waits, text, text, jsonb) is
  'Holds a job until somebody has answered: awaiting_approval, awaiting_tool_output, or needs_review (with a reason). In a review, the profile is asked first, if it can find out.';

create function durable_responses.deadline_error(p_wait durable_responses.waits) returns jsonb
language sql immutable set search_path = ''
as $$
  select jsonb_build_object(
    'code', 'deadline_exceeded',
    'message', format('Cannot finish the job: its deadline was %s and it was still %s',
      to_char(p_wait.deadline at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), p_wait.status)
      || case when p_wait.settle_failures > 0
        then format('; its response could not be settled %s times, the last time because: %s', p_wait.settle_failures, p_wait.settle_error)
        else '' end,
    'hint', 'Raise budgets.deadline_ms in the profile, or look in the attempts for what took so long; then retry the job.');
$$;
comment on function durable_responses.deadline_error(durable_responses.waits) is 'The error of a job whose deadline has passed.';

revoke execute on function durable_responses.doubt(uuid, text), durable_responses.lock_attempt(uuid, integer, text[]),
  durable_responses.end_attempt(durable_responses.waits, text, jsonb, text, text, jsonb),
  durable_responses.finish(durable_responses.waits, text, jsonb),
  durable_responses.requeue(durable_responses.waits, timestamptz),
  durable_responses.hold(durable_responses.waits, text, text, jsonb),
  durable_responses.deadline_error(durable_responses.waits) from public, anon, authenticated;
grant execute on function durable_responses.doubt(uuid, text), durable_responses.lock_attempt(uuid, integer, text[]),
  durable_responses.end_attempt(durable_responses.waits, text, jsonb, text, text, jsonb),
  durable_responses.finish(durable_responses.waits, text, jsonb),
  durable_responses.requeue(durable_responses.waits, timestamptz),
  durable_responses.hold(durable_responses.waits, text, text, jsonb),
  durable_responses.deadline_error(durable_responses.waits) to service_role;
-- Routes: whether background is tried (the breaker), whether anything is run (pauses), and which profiles there are.
--
-- Only a job that completes in background shows that background works: it ends the count of failures, and closes the breaker.
-- A response that asks shows nothing, because tools run only after the yes. Nearly all failures come there. So a question
-- neither counts nor closes, and a probe that asks continues in background while the breaker is half open: otherwise no route
-- whose jobs ask would ever be healthy again.

create function durable_responses.ensure_route(p_route text, p_profile text, p_model text, p_tool_servers text[]) returns void
language plpgsql set search_path = ''
as $$
begin
  insert into public.response_routes (route, profile, model, tool_servers, created_at, updated_at)
  values (p_route, p_profile, coalesce(p_model, ''), coalesce(p_tool_servers, '{}'), durable_responses.clock(), durable_responses.clock())
  on conflict (route) do nothing;
end;
$$;
comment on function durable_responses.ensure_route(text, text, text, text[]) is 'Creates the route if it does not exist.';

create function durable_responses.background_verdict(p_route text) returns text
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_route public.response_routes;
begin
  select * into v_route from public.response_routes where route = p_route;
  if v_route.paused_until > v_now then
    return 'route_paused';
  end if;
  if v_route.breaker = 'closed' then
    return null;
  end if;
  -- One job per interval becomes the probe. The update is atomic, so two jobs cannot both win.
  update public.response_routes set
    breaker = 'half_open', probe_at = v_now + make_interval(secs => s.probe_interval_s), updated_at = v_now
  from public.response_settings s
  where route = p_route and breaker <> 'closed' and probe_at <= v_now;
  return case when found then null else 'background_skipped' end;
end;
$$;
comment on function durable_responses.background_verdict(text) is
  'Whether a new job should try background: null for yes (normally, or as the probe), else the fallback reason.';

create function durable_responses.route_background_failed(p_route text, p_code text) returns void
language plpgsql set search_path = ''
as $$
begin
  -- A rate limit, a quota, an unreachable OpenAI, Storage or server that a worker calls says nothing about background, nor does a
  -- region or a key that is refused. Others are in the caller's hands: an address that OpenAI cannot download, a question that gets no answer.
  update public.response_routes r set
    background_failures = r.background_failures + 1, last_failure = p_code,
    breaker = case
      when r.breaker = 'closed' and p_code <> 'background_unsupported' and r.background_failures + 1 < s.breaker_failures
        then 'closed' else 'open' end,
    probe_at = case
      when r.breaker = 'closed' and p_code <> 'background_unsupported' and r.background_failures + 1 < s.breaker_failures
        then null
      -- Once open, failures of jobs that were in progress do not postpone the next probe. Nor does the probe's own failure:
      -- it set the time when it began.
      when r.breaker <> 'closed' then r.probe_at
      else durable_responses.clock() + make_interval(secs => s.probe_interval_s) end,
    opened_at = case
      when r.breaker = 'closed' and (p_code = 'background_unsupported' or r.background_failures + 1 >= s.breaker_failures)
        then durable_responses.clock() else r.opened_at end,
    updated_at = durable_responses.clock()
  from public.response_settings s
  where r.route = p_route
    and p_code not in ('openai_rate_limited', 'openai_unreachable', 'openai_timeout', 'openai_quota_exceeded',
      'openai_region_refused', 'openai_key_refused', 'openai_download_failed', 'answer_empty', 'output_invalid', 'answer_too_large',
      'response_cancelled', 'storage_unavailable', 'file_changed', 'tools_unavailable');
end;
$$;
comment on function durable_responses.route_background_failed(text, text) is
  'Counts a background failure; opens the breaker when there are too many in a row, or at once when background is unsupported.';

create function durable_responses.route_answered(p_route text, p_took_ms bigint) returns void
language plpgsql set search_path = ''
as $$
begin
  -- Only a response that was accepted after the pause shows that it is over.
  update public.response_routes set paused_until = null, pause_reason = null, updated_at = durable_responses.clock()
  where route = p_route and paused_until <= durable_responses.clock() - make_interval(secs => greatest(p_took_ms, 0) / 1000.0);
end;
$$;
comment on function durable_responses.route_answered(text, bigint) is
  'A background response of the route ended by itself, p_took_ms after it was accepted: ends a pause that had passed by then.';

create function durable_responses.route_succeeded(p_route text, p_mode text, p_took_ms bigint) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_took constant integer := least(greatest(p_took_ms, 0), 2147483647);
begin
  if p_mode = 'background' then
    update public.response_routes set
      breaker = 'closed', background_failures = 0, probe_at = null, updated_at = v_now
    where route = p_route and (breaker <> 'closed' or background_failures > 0);
    perform durable_responses.route_answered(p_route, v_took);
  else
    update public.response_routes set paused_until = null, pause_reason = null, updated_at = v_now
    where route = p_route and paused_until <= v_now;
    update public.response_routes r set
      typical_ms = coalesce((r.typical_ms * 7::bigint + v_took) / 8, v_took)::integer, updated_at = v_now
    where r.route in (select c.route from public.response_routes c where c.route = p_route for update skip locked);
  end if;
end;
$$;
comment on function durable_responses.route_succeeded(text, text, bigint) is
  'A job of the route completed: closes the breaker (background) or learns the duration (synchronous), and ends a pause that had passed.';

create function durable_responses.pause_for(p_job_id uuid, p_error jsonb, p_retry_after_ms bigint) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_error ->> 'code' in ('openai_quota_exceeded', 'openai_rate_limited') then
    update public.response_routes r set
      paused_until = greatest(r.paused_until, durable_responses.clock() + make_interval(secs => least(
        case p_error ->> 'code' when 'openai_quota_exceeded' then s.quota_pause_s
          else greatest(coalesce(p_retry_after_ms, 0), j.backoff_base_ms) / 1000.0 end,
        s.max_delay_s))),
      pause_reason = p_error ->> 'code', updated_at = durable_responses.clock()
    from durable_responses.jobs j, public.response_settings s
    where j.id = p_job_id and r.route = j.route;
  end if;
end;
$$;
comment on function durable_responses.pause_for(uuid, jsonb, bigint) is
  'A rate limit or a used-up quota pauses the route for all its jobs, at most for response_settings.max_delay_s.';

create function public.register_response_profiles(p_names text[], p_was_made jsonb default '{}') returns void
language plpgsql set search_path = ''
as $$
begin
  -- One at a time: two with different lists would wait for each other's rows.
  perform pg_advisory_xact_lock(hashtextextended('durable_responses.profiles', 0));
  delete from durable_responses.profiles where name <> all (p_names);
  insert into durable_responses.profiles as known (name, registered_at, was_made_after_ms)
  select distinct name, durable_responses.clock(), ceil((p_was_made ->> name)::numeric)::bigint from unnest(p_names) name
  on conflict (name) do update set was_made_after_ms = excluded.was_made_after_ms
  where known.was_made_after_ms is distinct from excluded.was_made_after_ms;
  -- Of jobs that were held before a profile could find out.
  insert into durable_responses.doubts (job_id, due)
  select w.job_id, w.since + make_interval(secs => p.was_made_after_ms / 1000.0)
  from durable_responses.profiles p
    join durable_responses.waits w on w.status = 'needs_review' and not w.ready
    join durable_responses.jobs j on j.id = w.job_id and j.profile = p.name
  where p.was_made_after_ms is not null and not exists (
    select from durable_responses.attempts a
    where a.job_id = w.job_id and a.number = w.attempt and a.error_code = 'repeated_call')
  on conflict (job_id) do nothing;
end;
$$;
comment on function public.register_response_profiles(text[], jsonb) is
  'Registers the profiles of the deployed functions, and replaces those registered before. From then on, jobs queued in SQL must use one of them. p_was_made: {<name>: <ms>}, for those that can find out whether a call in doubt was made, the time after which they are first asked.';

create function durable_responses.check_profiles(p_names text[]) returns void
language plpgsql set search_path = ''
as $$
declare
  v_unknown text;
begin
  if not exists (select from durable_responses.profiles) then
    return;
  end if;
  select given.name into v_unknown from unnest(p_names) given (name)
  where not exists (select from durable_responses.profiles p where p.name = given.name) limit 1;
  if found then
    raise exception using errcode = 'DR400',
      message = format('Cannot enqueue a job of profile %L: the deployed functions have no such profile', left(v_unknown, 64)),
      hint = format('Use one of %s. Or deploy the functions with the new profile, then run npx durable-responses doctor.',
        (select string_agg(quote_literal(name), ', ' order by name) from (select name from durable_responses.profiles order by name limit 20) p));
  end if;
end;
$$;
comment on function durable_responses.check_profiles(text[]) is
  'Refuses (DR400) a profile that is not registered. Accepts any while none is registered.';

revoke execute on function durable_responses.ensure_route(text, text, text, text[]), durable_responses.background_verdict(text),
  durable_responses.route_background_failed(text, text), durable_responses.route_answered(text, bigint),
  durable_responses.route_succeeded(text, text, bigint),
  durable_responses.pause_for(uuid, jsonb, bigint), public.register_response_profiles(text[], jsonb),
  durable_responses.check_profiles(text[]) from public, anon, authenticated;
grant execute on function durable_responses.ensure_route(text, text, text, text[]), durable_responses.background_verdict(text),
  durable_responses.route_background_failed(text, text), durable_responses.route_answered(text, bigint),
  durable_responses.route_succeeded(text, text, bigint),
  durable_responses.pause_for(uuid, jsonb, bigint), public.register_response_profiles(text[], jsonb),
  durable_responses.check_profiles(text[]) to service_role;
-- Steps: the checkpoint and the ledger. Written in batches while an attempt runs, and settled when it ends.

create function durable_responses.write_steps(p_job_id uuid, p_attempt integer, p_steps jsonb) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_last integer;
  v_numbers integer[];
begin
  -- Most attempts have saved everything before they end.
  if coalesce(jsonb_array_length(p_steps), 0) = 0 then
    return;
  end if;
  -- A call of ours that an earlier attempt's response asked for becomes this attempt's: it is one row, whoever makes it.
  if jsonb_path_exists(p_steps, '$[*].taken_from') then
    update public.response_steps s set attempt = p_attempt
    from jsonb_to_recordset(p_steps) as taken (item_id text, taken_from integer)
    where s.job_id = p_job_id and s.item_id = taken.item_id and s.attempt = taken.taken_from and s.status = 'waiting'
      and taken.taken_from < p_attempt;
  end if;
  v_last := coalesce((select max(number) from public.response_steps where job_id = p_job_id), 0);
  with given as (
    select s, v_last + ordinality as number,
      -- An index cannot store longer ones.
      case when char_length(s ->> 'item_id') between 1 and 500 then s ->> 'item_id'
        else format('%s_%s_%s', left(s ->> 'kind', 60), replace(p_job_id::text, '-', ''), v_last + ordinality) end as id
    from jsonb_array_elements(p_steps) with ordinality as given(s, ordinality)
  ), written as (
    insert into public.response_steps (
      job_id, number, attempt, item_id, kind, status, effect, server_label, tool, run_by, arguments, call_key,
      call_repeat, round, output, error, item, started_at, finished_at)
    select
      -- Two items of one answer may have the same id. Each is still a step of its own.
      p_job_id, number, p_attempt, id || case when place = 1 then '' else '#' || place end,
      s ->> 'kind', s ->> 'status', s ->> 'effect', s ->> 'server_label', s ->> 'tool', s ->> 'run_by', s ->> 'arguments',
      s ->> 'call_key', (s ->> 'call_repeat')::integer, (s ->> 'round')::integer,
      s ->> 'output', s ->> 'error', nullif(s -> 'item', 'null'), v_now,
      case when s ->> 'status' in ('started', 'uncertain', 'waiting') then null else v_now end
    from (select *, row_number() over (partition by id order by number) as place from given) placed
    on conflict (job_id, attempt, item_id) do update set
      status = excluded.status, effect = excluded.effect, arguments = coalesce(excluded.arguments, response_steps.arguments),
      -- A reader of the response may know only the function's name; the maker of the call knows the tool.
      server_label = coalesce(excluded.server_label, response_steps.server_label), tool = coalesce(excluded.tool, response_steps.tool),
      call_key = coalesce(excluded.call_key, response_steps.call_key),
      call_repeat = coalesce(excluded.call_repeat, response_steps.call_repeat),
      round = coalesce(excluded.round, response_steps.round), output = excluded.output, error = excluded.error,
      item = excluded.item, finished_at = excluded.finished_at
    -- A settled step stays settled: a late repeat of an earlier event changes nothing.
    where (response_steps.status = 'started' or response_steps.status = 'waiting' and response_steps.run_by is not null)
      -- An item of another kind is another item, whatever its id.
      and response_steps.kind = excluded.kind
    -- An updated row has an xmax. A call is not announced again when its arguments arrive.
    returning number, status <> 'started' or xmax = 0 as changed
  )
  select array_agg(number) filter (where changed) into v_numbers from written;
  perform durable_responses.announce_steps(p_job_id, v_numbers);
end;
$$;
comment on function durable_responses.write_steps(uuid, integer, jsonb) is
  'Writes steps [{item_id, kind, status, effect?, server_label?, tool?, run_by?, arguments?, call_key?, call_repeat?, round?, output?, error?, item?, taken_from?}], each once per attempt and item. An item without an id gets a generated one: <kind>_<job>_<number>. taken_from: the earlier attempt that wrote the call as waiting.';

create function durable_responses.settle_calls(p_job_id uuid, p_attempt integer) returns text
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_retry constant boolean := (select on_uncertain = 'retry' from durable_responses.jobs where id = p_job_id);
  v_numbers integer[];
  v_call public.response_steps;
begin
  -- Harmless calls are simply made again; so are all calls if the profile says retry. The model is asked again for calls that
  -- OpenAI makes. A call of ours waits, so that the next worker makes the very same call.
  with settled as (
    update public.response_steps set
      status = case
        when effect = 'once' and not v_retry then 'uncertain'
        when run_by is not null then 'waiting'
        else 'void'
      end,
      finished_at = case when run_by is null and (effect is distinct from 'once' or v_retry) then v_now end
    where job_id = p_job_id and attempt = p_attempt and (status = 'started' or status = 'uncertain' and v_retry)
    returning number
  )
  select array_agg(number) into v_numbers from settled;
  perform durable_responses.announce_steps(p_job_id, v_numbers);
  select * into v_call from public.response_steps
  where job_id = p_job_id and attempt = p_attempt and status = 'uncertain' order by number limit 1;
  if found and v_call.kind = 'unguarded_run' then
    return format('Attempt %s ended without showing what it did. It may have called tools, because nobody was asked before', p_attempt);
  elsif found then
    return format('The call of %s at %s was in flight when attempt %s ended: it may or may not have happened',
      coalesce(v_call.tool, 'a tool'),
      coalesce(v_call.server_label, case when v_call.run_by is not null then 'the worker' else 'its server' end), p_attempt);
  end if;
  return null;
end;
$$;
comment on function durable_responses.settle_calls(uuid, integer) is
  'For an attempt that ended with calls in flight: harmless calls become void (or, if we make them ourselves, wait to be made again), the others uncertain. Returns the uncertain ones, or null.';

create function public.save_response_steps(
  p_job_id uuid, p_attempt integer, p_steps jsonb, p_announced boolean default false, p_continuing boolean default false
) returns boolean
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_late jsonb;
  v_job durable_responses.jobs;
  v_detail text;
  v_ended integer[];
  v_cleared boolean;
  v_made boolean;
  v_asked integer[];
  v_retry uuid;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if v_wait.attempt = p_attempt and v_wait.status = 'running' then
    perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
    if p_continuing then
      update durable_responses.waits set continuing = true where job_id = p_job_id;
    end if;
    return true;
  elsif p_announced then
    -- Nothing of it has been done, and nothing will be: the run stops.
    return false;
  end if;
  -- There is no wait row left to lock, so the job's own row keeps two late reports, or a report and a retry, apart.
  select * into v_job from durable_responses.jobs where id = p_job_id for no key update;
  if not found then
    if exists (select from durable_responses.tombstones where job_id = p_job_id) then
      return false;
    end if;
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
  -- A call that names no yes is the one that had it, if it is the only such call, and one such call is in doubt.
  select jsonb_agg(case when open.item_id is null then s else s || jsonb_build_object('item_id', open.item_id) end) into p_steps
  from jsonb_array_elements(p_steps) s
    left join lateral (
      select min(known.item_id) as item_id from public.response_steps known
      where known.job_id = p_job_id and known.attempt = p_attempt and known.kind = 'mcp_call' and known.status = 'uncertain'
        and known.run_by is null and known.call_key = s ->> 'call_key'
      having count(*) = 1
    ) open on s ->> 'kind' = 'mcp_call' and s ->> 'status' in ('finished', 'failed') and s #>> '{item,approval_request_id}' is null
      and (select count(*) from jsonb_array_elements(p_steps) other where other ->> 'call_key' = s ->> 'call_key') = 1
      and not exists (
        select from public.response_steps
        where job_id = p_job_id and attempt = p_attempt and item_id = s ->> 'item_id');
  -- Too late for the run, but not for the ledger: if an attempt made a call while it could not reach the database, this
  -- report is the only evidence. It is stored, and the job is held for review if its next attempt may be about to make the
  -- same call.
  select jsonb_agg(case when s ->> 'status' = 'started' then s || '{"status": "uncertain"}' else s end) into v_late
  from jsonb_array_elements(p_steps) s
    left join public.response_steps known
      on known.job_id = p_job_id and known.attempt = p_attempt and known.item_id = s ->> 'item_id'
  -- A call that the ledger has already is not news, unless nobody knew how it ended, or it was thought not to have been made.
  where s ->> 'effect' = 'once' and s ->> 'status' = any (case
    when known.status is null then '{started,uncertain,finished}'::text[]
    -- Void: whoever had the yes has not made it.
    when known.status = 'uncertain' and known.run_by is null then '{finished,failed,void}'
    when known.status = 'uncertain' then '{finished,failed}'
    -- A call of ours that is about to be made again.
    when known.status = 'void' or known.status = 'waiting' and known.run_by is not null then '{finished}'
    else '{}' end);
  if v_late is null or p_attempt > coalesce(v_wait.attempt, v_job.attempt) then
    return false;
  end if;
  with ended as (
    update public.response_steps known set
      status = s ->> 'status', output = s ->> 'output', error = s ->> 'error',
      -- A call that names its yes is the one that had it, whatever became of its arguments on the way.
      item = nullif(s -> 'item', 'null') || case
        when s #>> '{item,approval_request_id}' is not null and known.arguments <> ''
        then jsonb_build_object('arguments', known.arguments) else '{}' end,
      finished_at = durable_responses.clock()
    from jsonb_array_elements(v_late) s, public.response_steps before
    where known.job_id = p_job_id and known.attempt = p_attempt and known.item_id = s ->> 'item_id'
      and before.job_id = known.job_id and before.number = known.number and before.status in ('uncertain', 'void', 'waiting')
    returning known.number, before.status as before
  )
  select array_agg(number), coalesce(bool_or(before = 'uncertain'), false) into v_ended, v_cleared from ended;
  perform durable_responses.announce_steps(p_job_id, v_ended);
  perform durable_responses.write_steps(p_job_id, p_attempt, v_late);
  -- A call that was not made is no news for a run or a person: it only ends a doubt.
  v_made := jsonb_path_exists(v_late, '$[*] ? (@.status != "void")');
  if v_made and v_wait.job_id is not null and v_job.on_uncertain = 'review' then
    -- A person who said yes, or is about to, did not know of this. So the next run asks again: about everything that is asked
    -- now, and about calls that had their yes and may be the reported one. A yes that a call has used stays with it, and each
    -- question of ours is about one call of ours.
    with taken_back as (
      update public.response_steps asked set status = 'void', finished_at = durable_responses.clock()
      where asked.job_id = p_job_id and asked.kind = 'mcp_approval_request' and (
        asked.status = 'waiting'
        or asked.status = 'finished' and asked.answer ->> 'approve' = 'true' and asked.call_id is null
          and exists (
            select from jsonb_array_elements(v_late) s
            where s ->> 'status' not in ('failed', 'void') and s ->> 'tool' = asked.tool and s ->> 'server_label' = asked.server_label)
          and not exists (
            -- An id does not identify a request, because some servers number theirs in each response anew: a call uses the last
            -- request before it that it names.
            select from public.response_steps made
            where made.job_id = p_job_id and made.item ->> 'approval_request_id' = asked.item ->> 'id'
              and made.attempt >= asked.attempt and made.number > asked.number
              and not exists (
                select from public.response_steps later
                where later.job_id = p_job_id and later.kind = asked.kind and later.item ->> 'id' = asked.item ->> 'id'
                  and later.attempt <= made.attempt and later.number > asked.number and later.number < made.number)))
      returning asked.number
    )
    select array_agg(number) into v_asked from taken_back;
    perform durable_responses.announce_steps(p_job_id, v_asked);
  end if;
  select format('%s reported late that it had called %s at %s',
    case p_attempt when 0 then 'The job that this one retries' else 'Attempt ' || p_attempt end, s ->> 'tool', coalesce(s ->> 'server_label', 'the worker'))
  into v_detail from jsonb_array_elements(v_late) s where s ->> 'status' <> 'void' limit 1;
  if v_wait.job_id is null then
    insert into public.response_flags (job_id, code, detail, created_at)
    select p_job_id, 'late_call', left(v_detail, 2000), durable_responses.clock()
    -- The same report again is no news.
    where v_made and not exists (
      select from public.response_flags where job_id = p_job_id and code = 'late_call' and detail = left(v_detail, 2000));
    -- Its retry has this ledger as that of attempt 0, and may be held for the same doubt.
    v_retry := (select id from durable_responses.jobs where retry_of = p_job_id);
    if v_retry is not null then
      perform public.save_response_steps(v_retry, 0, (
        select jsonb_agg(s || jsonb_build_object('item_id', p_attempt || ':' || (s ->> 'item_id'))) from jsonb_array_elements(v_late) s));
    end if;
  elsif v_wait.status = 'needs_review' then
    -- Its outcome is known, so nobody has to say it. A model that insisted on a finished call is another matter.
    if v_cleared and v_wait.due > durable_responses.clock() and not exists (
      select from public.response_steps where job_id = p_job_id and status = 'uncertain'
    ) and not exists (
      select from durable_responses.attempts
      where job_id = p_job_id and number = v_wait.attempt and error_code = 'repeated_call')
    then
      perform durable_responses.requeue(v_wait);
    end if;
  elsif v_made and v_job.on_uncertain = 'review' and (v_wait.status <> 'queued' or (
    -- If no other attempt has run yet, a finished call is just a fact that the next attempt is given.
    v_wait.attempt > p_attempt or exists (
      select from public.response_steps where job_id = p_job_id and attempt = p_attempt and status = 'uncertain')
  )) then
    if v_wait.status = 'running' and v_wait.continuing then
      -- The yes may be on its way: whatever becomes of it belongs to the next attempt.
      perform durable_responses.await_continuation(v_wait, null);
      select * into v_wait from durable_responses.waits where job_id = p_job_id;
    end if;
    if v_wait.status = 'background' and v_wait.response_id is not null then
      perform durable_responses.request_upstream_cancel(p_job_id, v_wait.attempt, v_wait.response_id);
    end if;
    perform durable_responses.settle_calls(p_job_id, v_wait.attempt);
    perform durable_responses.end_attempt(v_wait, 'suspended');
    perform durable_responses.hold(v_wait, 'needs_review', v_detail);
  end if;
  return false;
end;
$$;
comment on function public.save_response_steps(uuid, integer, jsonb, boolean, boolean) is
  'Saves steps of a running attempt. p_announced: what they say is about to be done, and only if this returns true. p_continuing: it is the request that continues the run in background (26_guard.sql). False if the attempt has ended: its run must stop. A late report of a call that must not be made twice is stored, and holds the job for review, whatever it waits for; what people were asked is asked again. If it says how a call in doubt ended, it ends a review that waited for nothing else, of a retry of the job too.';

create function public.warn_response_attempt(p_job_id uuid, p_attempt integer, p_warning text) returns void
language plpgsql set search_path = ''
as $$
declare
  v_warning constant text := left(p_warning, 500);
begin
  update durable_responses.waits set warnings = warnings || v_warning
  where job_id = p_job_id and attempt = p_attempt and status in ('background', 'running')
    and v_warning <> all (warnings) and cardinality(warnings) < 50;
  if not found then
    update durable_responses.attempts set warnings = warnings || v_warning
    where job_id = p_job_id and number = p_attempt and v_warning <> all (warnings) and cardinality(warnings) < 50;
  end if;
end;
$$;
comment on function public.warn_response_attempt(uuid, integer, text) is
  'Adds a warning to an attempt; at most 50.';

revoke execute on function durable_responses.write_steps(uuid, integer, jsonb), durable_responses.settle_calls(uuid, integer),
  public.save_response_steps(uuid, integer, jsonb, boolean, boolean), public.warn_response_attempt(uuid, integer, text) from public, anon, authenticated;
grant execute on function durable_responses.write_steps(uuid, integer, jsonb), durable_responses.settle_calls(uuid, integer),
  public.save_response_steps(uuid, integer, jsonb, boolean, boolean), public.warn_response_attempt(uuid, integer, text) to service_role;
-- Live updates, for what somebody watches and for nothing else.
--
-- Concepts
--   An announcement is a private Realtime broadcast about a change of status, of a job (event `job`) or of one of its steps
--   (event `step`), on two topics: `response-job:<job id>` and `response-jobs:<owner id>`. It says what changed, without the
--   content: answers, arguments and outputs are read from the tables, under their own policies. Delivery is at most once.
--   A watch says that somebody watches a topic now. It lasts 45 s, so a closed tab costs nothing. An announcement is half
--   the cost of a completion, and on the platform a billed message: unwatched topics are not announced.
--   A client watches before it reads. Registering locks the wait rows (for key share). Otherwise a completion that had read
--   the watches earlier could commit unannounced after the client's read, and the client would never see it. A list cannot
--   lock a row that does not exist yet: a job whose submit commits at the same moment may come unannounced. The client sees
--   it at its next read: when it joins its channel, or at one of its occasional reads while it is live.
--   Live text (event `text`) is sent by the worker through Realtime's HTTP API, in batches, and never passes through the
--   database: 2,000 deltas would be 2,000 rows.
--
-- Invariants
--   * Nothing here can fail the transaction that changed the job.
--   * Only callers who may see a job can join its topics, and only a secret key can send on them.

create unlogged table public.response_watches (
  topic text primary key,
  watched_until timestamptz not null,
  text_until timestamptz
);
create index response_watches_until on public.response_watches (watched_until);
comment on index public.response_watches_until is 'Whether anything is watched at all, and what has expired.';
comment on table public.response_watches is
  'Topics that somebody watches now. Written by watch_response_job() and watch_response_jobs(); a crash empties it, and watchers renew within 45 s.';
comment on column public.response_watches.topic is 'response-job:<job id> or response-jobs:<owner id>.';
comment on column public.response_watches.watched_until is 'When the watch expires; 45 s after the last sign of life.';
comment on column public.response_watches.text_until is 'For a job: until when live text is wanted too; null if nobody asked for it.';
alter table public.response_watches enable row level security;
revoke all on public.response_watches from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.response_watches to service_role;

-- Security definer, here and below: only a role that bypasses row level security can insert into realtime.messages, and jobs
-- are changed by service_role, by pg_cron's postgres, or by whatever role runs an adopter's trigger that enqueues one. They
-- send only what is in the tables, on private topics.
create function durable_responses.announce(p_event text, p_topics text[], p_payloads jsonb[]) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if p_topics is null then
    return;
  end if;
  insert into realtime.messages (id, topic, event, payload, private, extension)
  select m.id, m.topic, p_event,
    -- As realtime.send() does.
    case when m.payload ? 'id' then m.payload else m.payload || jsonb_build_object('id', m.id) end, true, 'broadcast'
  from (
    select gen_random_uuid() as id, given.topic, given.payload from unnest(p_topics, p_payloads) given (topic, payload)
  ) m;
exception
  when others then
    begin
      perform realtime.send(given.payload, p_event, given.topic, true) from unnest(p_topics, p_payloads) given (topic, payload);
    exception
      -- Realtime is not installed, or was changed. Clients that poll still see the update.
      when others then
        raise warning 'Cannot announce on % and % more: % (%)', p_topics[1], cardinality(p_topics) - 1, sqlerrm, sqlstate;
    end;
end;
$$;
comment on function durable_responses.announce(text, text[], jsonb[]) is
  'Broadcasts an event on each topic, with the payload at the same place. Never fails.';

create function durable_responses.announce_jobs(p_job_ids uuid[]) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_topics text[];
  v_payloads jsonb[];
begin
  if not exists (select from public.response_watches where watched_until > now()) then
    return;
  end if;
  select array_agg(w.topic), array_agg(jsonb_build_object(
    'id', j.id, 'status', coalesce(wait.status, j.status), 'attempt', coalesce(wait.attempt, j.attempt), 'profile', j.profile,
    'fallback_reason', coalesce(wait.fallback_reason, j.fallback_reason), 'error_code', j.error_code,
    'created_at', j.created_at, 'updated_at', coalesce(wait.since, j.finished_at), 'finished_at', j.finished_at))
  into v_topics, v_payloads
  from durable_responses.jobs j
    left join durable_responses.waits wait on wait.job_id = j.id
    cross join lateral (values ('response-job:' || j.id), ('response-jobs:' || j.owner_id)) topic (name)
    join public.response_watches w on w.topic = topic.name and w.watched_until > now()
  where j.id = any (p_job_ids);
  perform durable_responses.announce('job', v_topics, v_payloads);
end;
$$;
comment on function durable_responses.announce_jobs(uuid[]) is
  'Announces the status of watched jobs. Called last by whatever changed them, while their rows are locked.';

create function durable_responses.announce_steps(p_job_id uuid, p_numbers integer[]) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_topics text[];
  v_payloads jsonb[];
begin
  if p_numbers is null or not exists (select from public.response_watches where watched_until > now()) then
    return;
  end if;
  select array_agg(w.topic order by s.number), array_agg(jsonb_build_object(
    'job_id', s.job_id, 'number', s.number, 'attempt', s.attempt, 'kind', s.kind, 'status', s.status,
    'server_label', s.server_label, 'tool', s.tool, 'started_at', s.started_at, 'finished_at', s.finished_at) order by s.number)
  into v_topics, v_payloads
  from durable_responses.jobs j
    cross join lateral (values ('response-job:' || j.id), ('response-jobs:' || j.owner_id)) topic (name)
    join public.response_watches w on w.topic = topic.name and w.watched_until > now()
    join public.response_steps s on s.job_id = j.id and s.number = any (p_numbers)
  where j.id = p_job_id;
  perform durable_responses.announce('step', v_topics, v_payloads);
end;
$$;
comment on function durable_responses.announce_steps(uuid, integer[]) is 'Announces the status of steps of a job that is watched.';

create function durable_responses.register_watch(p_job_id uuid, p_owner_id uuid, p_text boolean) returns timestamptz
language plpgsql security definer set search_path = ''
as $$
declare
  v_until constant timestamptz := now() + interval '45 s';
begin
  -- By now() and not durable_responses.clock(): a watch is renewed by real clients, which a test's clock does not move.
  if p_job_id is not null then
    perform from durable_responses.waits where job_id = p_job_id for key share;
  else
    perform from durable_responses.waits where owner_id = p_owner_id order by job_id for key share;
  end if;
  delete from public.response_watches where topic in (
    select topic from public.response_watches where watched_until < now() order by watched_until limit 10 for update skip locked);
  insert into public.response_watches (topic, watched_until, text_until)
  values (coalesce('response-job:' || p_job_id, 'response-jobs:' || p_owner_id), v_until, case when p_text then v_until end)
  on conflict (topic) do update set
    watched_until = excluded.watched_until, text_until = coalesce(excluded.text_until, response_watches.text_until);
  return v_until;
end;
$$;
comment on function durable_responses.register_watch(uuid, uuid, boolean) is
  'Registers a watch of a job, or of an owner''s list. It returns nothing about the job, so it checks no rights: a caller who may not see the job cannot join its topic.';

create function public.watch_response_job(p_job_id uuid, p_text boolean default true) returns timestamptz
language plpgsql set search_path = ''
as $$
begin
  if not exists (select from public.response_jobs where id = p_job_id) then
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
  return durable_responses.register_watch(p_job_id, null, p_text);
end;
$$;
comment on function public.watch_response_job(uuid, boolean) is
  'Registers that the caller watches this job. For 45 s its changes are announced and, unless p_text is false, its worker sends live text. Returns when it expires. Call it before the first read, and again before it expires.';

create function public.watch_response_jobs() returns timestamptz
language plpgsql set search_path = ''
as $$
begin
  if auth.uid() is null then
    raise exception using errcode = 'DR400', message = 'Cannot watch a list of jobs: the caller is not a signed-in user',
      hint = 'Only a signed-in user has a list. With a secret key, watch single jobs with watch_response_job().';
  end if;
  return durable_responses.register_watch(null, auth.uid(), false);
end;
$$;
comment on function public.watch_response_jobs() is
  'Registers that the caller watches the list of their own jobs. For 45 s their changes are announced on response-jobs:<user id>. Returns when it expires.';

create function public.watched_response_jobs(p_job_ids uuid[]) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('id', id, 'watched_until', w.text_until)), '[]'::jsonb)
    from unnest(p_job_ids) id join public.response_watches w on w.topic = 'response-job:' || id and w.text_until > now());
end;
$$;
comment on function public.watched_response_jobs(uuid[]) is
  'The jobs among these whose live text somebody reads now: [{id, watched_until}]. A later watched_until means that a watcher joined or renewed.';

do $$
begin
  -- Missing where Realtime is switched off; clients then poll.
  if to_regclass('realtime.messages') is null then
    return;
  end if;
  create policy response_jobs_listens on realtime.messages for select to authenticated
    using (extension = 'broadcast' and (
      (select realtime.topic()) = any (
        select 'response-jobs:' || owner from unnest((select durable_responses.visible_owners())::uuid[]) owner)
      or exists (
        select from public.response_jobs j
        -- Other topics give null here and find no row. The cast never sees text that is not a UUID.
        where j.id = (substring((select realtime.topic())
          from '^response-job:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$'))::uuid)));
end;
$$;

revoke execute on function durable_responses.announce(text, text[], jsonb[]), durable_responses.announce_jobs(uuid[]),
  durable_responses.announce_steps(uuid, integer[]), durable_responses.register_watch(uuid, uuid, boolean),
  public.watch_response_job(uuid, boolean), public.watch_response_jobs(), public.watched_response_jobs(uuid[])
  from public, anon, authenticated;
grant execute on function durable_responses.announce_jobs(uuid[]), durable_responses.announce_steps(uuid, integer[]),
  public.watched_response_jobs(uuid[]) to service_role;
grant execute on function durable_responses.register_watch(uuid, uuid, boolean), public.watch_response_job(uuid, boolean),
  public.watch_response_jobs() to authenticated, service_role;
-- Streams: the events of jobs that were submitted streaming, until shortly after they end.
--
-- Concepts
--   A stream contains what a job's runs have shown: text as it is written, items as they start and finish. Each event has a
--   number and is stored as the JSON that callers receive. A reader that comes later, or comes back, reads on from the event
--   that it names. A job has a stream only if it was submitted streaming: no other job pays for it.
--   The attempt that runs the job appends to it in batches. The stream's row is the fence: an attempt opens it first, and
--   writes of earlier attempts are refused. So no wait row is locked for text.
--
-- Invariants
--   * Numbers only grow. An attempt starts a thousand above what was written before it. The attempt before had fewer than
--     that many events shown and not yet written, so no event that a caller has seen comes again under another number.
--   * What a lost attempt left open is closed by the next one, which finds it from open_from on.
--   * A stream is only a view of the job: without it, readers get the answer, its items and its end from the job.

create table durable_responses.streams (
  job_id uuid primary key references durable_responses.jobs (id) on delete cascade,
  attempt integer not null default 0,
  next_number integer not null default 2,
  items integer not null default 0,
  open_from integer
) with (fillfactor = 50);
comment on table durable_responses.streams is
  'One row for each job that was submitted streaming: where its next events belong. Deleted ten minutes after the job has ended.';
comment on column durable_responses.streams.job_id is 'The job.';
comment on column durable_responses.streams.attempt is 'The attempt that writes: the fence. 0 before the first.';
comment on column durable_responses.streams.next_number is 'Number of the next event. 0 and 1 are response.created and response.in_progress, which are generated from the job.';
comment on column durable_responses.streams.items is 'How many output items have started: the next one''s output_index.';
comment on column durable_responses.streams.open_from is 'Number of the event that started the oldest open item; null if none is open.';

create table durable_responses.stream_events (
  job_id uuid not null references durable_responses.streams (job_id) on delete cascade,
  first_number integer not null,
  next_number integer not null,
  events text not null,
  primary key (job_id, first_number)
);
comment on table durable_responses.stream_events is 'Events of streams, in batches as they were written.';
comment on column durable_responses.stream_events.job_id is 'The job.';
comment on column durable_responses.stream_events.first_number is 'Number of the batch''s first event.';
comment on column durable_responses.stream_events.next_number is 'Number after its last.';
comment on column durable_responses.stream_events.events is 'One event per line, as JSON, as callers receive it.';

alter table durable_responses.streams enable row level security;
alter table durable_responses.stream_events enable row level security;
revoke all on durable_responses.streams, durable_responses.stream_events from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.streams, durable_responses.stream_events to service_role;

create function public.open_response_stream(p_job_id uuid, p_attempt integer) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_stream durable_responses.streams;
begin
  update durable_responses.streams set
    attempt = p_attempt,
    next_number = next_number + case when attempt between 1 and p_attempt - 1 then 1000 else 0 end
  where job_id = p_job_id and attempt <= p_attempt
  returning * into v_stream;
  if not found then
    return null;
  end if;
  return jsonb_build_object(
    'next', v_stream.next_number, 'items', v_stream.items,
    'open', (
      select string_agg(events, e'\n' order by first_number) from durable_responses.stream_events
      where job_id = p_job_id and next_number > v_stream.open_from));
end;
$$;
comment on function public.open_response_stream(uuid, integer) is
  'An attempt starts to write its job''s stream; earlier attempts no longer can. Returns {next, items, open}: open has the events from the oldest item on that has not ended. null if the job has no stream, or a later attempt has opened it.';

create function public.append_response_events(p_batches jsonb) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_held jsonb;
begin
  -- In the order of their ids, because two workers may write the same stream: the one that lost a job, and the one that has it.
  select jsonb_agg(jsonb_build_object('id', job_id, 'attempt', attempt, 'runs', exists (
    select from durable_responses.waits w where w.job_id = held.job_id and w.attempt = held.attempt and w.status = 'running')))
  into v_held
  from (
    select s.job_id, s.attempt
    from (select distinct id, attempt from jsonb_to_recordset(p_batches) as r (id uuid, attempt integer)) g
      join durable_responses.streams s on s.job_id = g.id and s.attempt = g.attempt
    order by s.job_id
    for no key update of s
  ) held;
  with given as materialized (
    select distinct on (g.id) g.*
    from jsonb_to_recordset(p_batches) as g (
        id uuid, attempt integer, first integer, next integer, items integer, open_from integer, events text)
      join jsonb_to_recordset(v_held) as h (id uuid, attempt integer) on h.id = g.id and h.attempt = g.attempt
    order by g.id
  ), written as (
    -- A batch that is sent again because its answer was lost may have grown.
    insert into durable_responses.stream_events (job_id, first_number, next_number, events)
    select id, first, next, events from given
    on conflict (job_id, first_number) do update set next_number = excluded.next_number, events = excluded.events
    -- The batch that was sent first may arrive last.
    where excluded.next_number > stream_events.next_number
  )
  update durable_responses.streams s set next_number = g.next, items = g.items, open_from = g.open_from
  from given g where s.job_id = g.id and g.next >= s.next_number;
  return coalesce(v_held, '[]');
end;
$$;
comment on function public.append_response_events(jsonb) is
  'Writes batches of events [{id, attempt, first, next, items, open_from, events}], at most one per attempt. Returns [{id, attempt, runs}] of those that may write. The other streams were taken over or deleted. runs: false if the attempt has ended by now, for example because its job was cancelled.';

create function public.read_response_events(
  p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false, p_after integer default 1, p_limit integer default 100
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, false);
begin
  if not exists (select from durable_responses.streams where job_id = p_job_id) then
    return null;
  end if;
  -- The status was read before the events: a job that was final by then has no more events than are read now.
  return jsonb_build_object(
    'status', coalesce((v.wait).status, (v.job).status),
    'batches', coalesce((
      select jsonb_agg(jsonb_build_object('first', b.first_number, 'events', b.events) order by b.first_number)
      from (
        select first_number, events from durable_responses.stream_events
        where job_id = p_job_id and first_number >= coalesce((
          select max(first_number) from durable_responses.stream_events where job_id = p_job_id and first_number <= p_after + 1), 0)
        order by first_number limit p_limit) b), '[]'::jsonb));
end;
$$;
comment on function public.read_response_events(uuid, uuid, boolean, integer, integer) is
  'The events of a job''s stream after number p_after, for callers who may see the job: {status, batches: [{first, events}]}, at most p_limit batches. The first batch may begin, and end, before p_after; its events are numbered from first on, one per line. null if the job has no stream.';

create function durable_responses.delete_ended_streams(p_limit integer) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_deleted integer;
begin
  delete from durable_responses.streams where job_id in (
    select s.job_id from durable_responses.streams s join durable_responses.jobs j on j.id = s.job_id
    where j.finished_at < durable_responses.clock() - interval '10 minutes'
    order by s.job_id limit p_limit for update of s skip locked);
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;
comment on function durable_responses.delete_ended_streams(integer) is
  'Deletes streams of jobs that ended ten minutes ago or more. Returns how many.';

revoke execute on function public.open_response_stream(uuid, integer), public.append_response_events(jsonb),
  public.read_response_events(uuid, uuid, boolean, integer, integer), durable_responses.delete_ended_streams(integer) from public, anon, authenticated;
grant execute on function public.open_response_stream(uuid, integer), public.append_response_events(jsonb),
  public.read_response_events(uuid, uuid, boolean, integer, integer), durable_responses.delete_ended_streams(integer) to service_role;
-- A job as JSON: for its owner, and for a worker.

-- A row that becomes JSON as a whole, which takes half as long as naming and taking each value; and json, as most callers only
-- pass it on.
create type durable_responses.job_shown as (
  id uuid, status text, profile text, metadata jsonb, attempt integer, response_id text, fallback_reason text, retry_of uuid,
  run_at timestamptz, deadline timestamptz, answer_until timestamptz, review_reason text, waiting jsonb,
  output_text text, output jsonb, output_parsed jsonb, usage jsonb, error jsonb,
  created_at timestamptz, updated_at timestamptz, finished_at timestamptz
);
comment on type durable_responses.job_shown is 'A job as its owner may see it, the body of GET /respond/:id. waiting: the calls that a person must decide.';

create function durable_responses.job_view(p_job durable_responses.jobs, p_wait durable_responses.waits) returns json
language plpgsql stable set search_path = ''
as $$
declare
  v_waiting jsonb;
begin
  if p_wait.status in ('awaiting_approval', 'awaiting_tool_output', 'needs_review') then
    select coalesce(jsonb_agg(jsonb_build_object(
      'number', s.number, 'request_id', s.item_id, 'kind', s.kind, 'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments,
      'digest', s.digest
    ) || case when s.run_by is not null then jsonb_build_object('call_id', s.call_id) else '{}' end order by s.number), '[]'::jsonb)
    into v_waiting
    from public.response_steps s where s.job_id = p_job.id and (s.status = 'uncertain'
      -- Nobody is asked about a call that a worker will make.
      or s.status = 'waiting' and s.run_by is distinct from 'worker');
  end if;
  -- Neither has a query: they are evaluated directly, without starting a plan.
  if p_job.status is null then
    return to_json(row(
      p_job.id, p_wait.status, p_job.profile, p_job.metadata, p_wait.attempt, p_wait.response_id, p_wait.fallback_reason, p_job.retry_of,
      case p_wait.status when 'queued' then p_wait.due end, p_wait.deadline,
      case when p_wait.status not in ('background', 'queued', 'running') then p_wait.due end, p_wait.review_reason, v_waiting,
      null, null, null, null, null,
      p_job.created_at, p_wait.since, null)::durable_responses.job_shown);
  end if;
  return to_json(row(
    p_job.id, p_job.status, p_job.profile, p_job.metadata, p_job.attempt, p_job.response_id, p_job.fallback_reason, p_job.retry_of,
    null, null, null, null, null,
    p_job.output_text, p_job.output, p_job.output_parsed, p_job.usage,
    case when p_job.error_code is not null then jsonb_strip_nulls(jsonb_build_object(
      'code', p_job.error_code, 'message', p_job.error_message, 'hint', p_job.error_hint)) end,
    p_job.created_at, p_job.finished_at, p_job.finished_at)::durable_responses.job_shown);
end;
$$;
comment on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits) is
  'A job as its owner may see it: the body of GET /respond/:id. waiting lists the calls that a person must decide.';

create function durable_responses.job_view(p_job_id uuid) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_job durable_responses.jobs;
  v_wait durable_responses.waits;
begin
  select * into v_job from durable_responses.jobs where id = p_job_id;
  select * into v_wait from durable_responses.waits where job_id = p_job_id;
  return durable_responses.job_view(v_job, v_wait)::jsonb;
end;
$$;
comment on function durable_responses.job_view(uuid) is 'The same, by id, as the job is now.';

create function durable_responses.work_so_far(p_wait durable_responses.waits) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'calls_started', p_wait.status = 'background' and p_wait.attempt > 1 and exists (
        select from public.response_steps s
        where s.job_id = p_wait.job_id and s.attempt = p_wait.attempt and s.status = 'started' and s.effect = 'once'),
      'background', case when p_wait.status = 'running' and p_wait.attempt > 1 and p_wait.fallback_reason is null
        then durable_responses.background_to_continue(p_wait) end,
      'run_since', case when p_wait.attempt > 1 then coalesce((
        select max(a.number) from durable_responses.attempts a
        where a.job_id = p_wait.job_id and a.outcome <> 'continued'), 0) + 1 else p_wait.attempt end,
      'usages', coalesce((
        select jsonb_agg(a.usage order by a.number) from durable_responses.attempts a
        where a.job_id = p_wait.job_id and p_wait.attempt > 1 and a.outcome = 'continued' and a.usage is not null), '[]'::jsonb),
      'earlier_responses', coalesce((
        select jsonb_agg(a.response_id order by a.number) from durable_responses.attempts a
        where a.job_id = p_wait.job_id and a.response_id is not null), '[]'::jsonb),
      'rounds', coalesce((select max(s.round) from public.response_steps s where s.job_id = p_wait.job_id), 0),
      'steps', coalesce((
        select jsonb_agg(jsonb_build_object(
          'number', s.number, 'attempt', s.attempt, 'item_id', s.item_id, 'kind', s.kind, 'effect', s.effect,
          'server_label', s.server_label, 'tool', s.tool, 'run_by', s.run_by, 'arguments', s.arguments, 'call_key', s.call_key,
          'call_repeat', s.call_repeat, 'output', s.output, 'error', s.error, 'item', s.item, 'answer', s.answer, 'answered_by', s.answered_by) order by s.number)
        from public.response_steps s
        where s.job_id = p_wait.job_id and s.status in ('finished', 'failed')), '[]'::jsonb),
      'open_calls', coalesce((
        select jsonb_agg(jsonb_build_object('number', s.number, 'attempt', s.attempt, 'item_id', s.item_id,
          'call_repeat', s.call_repeat, 'item', s.item) order by s.number)
        from public.response_steps s
        where s.job_id = p_wait.job_id and s.status = 'waiting' and s.run_by is not null), '[]'::jsonb)));
end;
$$;
comment on function durable_responses.work_so_far(durable_responses.waits) is
  'What a job''s earlier attempts, or the job that it retries, have done: the part of durable_responses.work that is empty for a first attempt.';

-- A view and not a function of one job, so that a claim of many is one query. json and not jsonb: a claim only passes it on, and
-- jsonb would be built anew for each value around it, then written as text all the same (half of a claim of many).
create view durable_responses.work with (security_invoker = true) as
  select w.job_id, case
    -- Nothing can have been done before the first attempt, unless by the job that this one retries.
    when w.attempt <= 1 and j.retry_of is null then to_json(first_try)
    else (to_jsonb(first_try) || durable_responses.work_so_far(w))::json
  end as work
  from durable_responses.waits w join durable_responses.jobs j on j.id = w.job_id
    left join public.response_routes r on r.route = j.route
    -- As clock() says, without a call.
    cross join (select coalesce(nullif(current_setting('durable_responses.now', true), '')::timestamptz, now()) as now) clock
    cross join lateral (
      select w.job_id as id, w.attempt, w.status, j.profile, j.owner_id, w.owner_key, coalesce(j.first_id, j.id) as first_id,
        j.input, j.request, j.settings, w.failures, w.response_id, j.once_tools, j.on_uncertain,
        -- As is_guarded() says, without a call for each.
        j.guard, j.guard = 'always' and not coalesce(r.ignores_approval, false) as guarded, coalesce(r.ignores_approval, false) as ignores_approval,
        -- Times go out as what is left, in ms: a worker's clock may differ from the database's.
        floor(date_part('epoch', w.deadline - clock.now) * 1000) as deadline_left_ms,
        floor(date_part('epoch', w.background_until - clock.now) * 1000) as background_left_ms,
        floor(date_part('epoch', clock.now - w.since) * 1000) as attempt_age_ms, w.settle_failures,
        exists (select from durable_responses.streams s where s.job_id = w.job_id) as streamed,
        false as calls_started, null::jsonb as background, w.attempt as run_since, '[]'::jsonb as usages,
        '[]'::jsonb as earlier_responses, 0 as rounds, '[]'::jsonb as steps, '[]'::jsonb as open_calls
      -- Kept apart by the planner, which would otherwise build the row in both cases.
      offset 0
    ) first_try;
comment on view durable_responses.work is
  'Unfinished jobs as a worker needs them: what to run, its fencing token, its finished steps, and the time that is left. background: {attempt, response_id} of a background response after which it may continue in background. ignores_approval: on its route, calls were made without the required yes. calls_started: calls that must not be made twice had their yes. open_calls: calls that OpenAI leaves to others, which must be made, or answered by the caller, before the model continues. run_since: the first attempt of the run that it continues; usages: of the attempts before it. earlier_responses: OpenAI''s ids of the responses of all attempts before it. rounds: how many of the job''s responses have asked for calls. streamed: its events are stored (13_streams.sql).';
revoke all on durable_responses.work from public, anon, authenticated, service_role;
grant select on durable_responses.work to service_role;

revoke execute on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits),
  durable_responses.job_view(uuid), durable_responses.work_so_far(durable_responses.waits) from public, anon, authenticated;
grant execute on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits),
  durable_responses.job_view(uuid), durable_responses.work_so_far(durable_responses.waits) to service_role;
-- Searching by text. `ilike` is not leakproof, so under row security no index can help it, and over 1,000,000 jobs it took
-- 1.4 s. A search covers the newest 10,000 jobs that the caller may see, and clients say so.

create function public.search_response_jobs(
  p_text text, p_limit integer default 50, p_before uuid default null, p_statuses text[] default null,
  p_profiles text[] default null, p_fell_back boolean default false
) returns setof public.response_jobs
language sql stable set search_path = '' rows 50
as $$
  select newest.*
  from (select * from public.response_jobs order by id desc limit 10000) newest,
    (select '%' || replace(replace(replace(p_text, '\', '\\'), '%', '\%'), '_', '\_') || '%' as anywhere) pattern
  where (p_before is null or newest.id < p_before)
    and (p_statuses is null or newest.status = any (p_statuses))
    and (p_profiles is null or newest.profile = any (p_profiles))
    and (not p_fell_back or newest.fallback_reason is not null)
    and (newest.query_text ilike pattern.anywhere or newest.output_text ilike pattern.anywhere
      or newest.error_code ilike pattern.anywhere or newest.error_message ilike pattern.anywhere
      or newest.fallback_reason ilike pattern.anywhere or newest.id::text like lower(substr(pattern.anywhere, 2)))
  order by newest.id desc
  limit p_limit;
$$;
comment on function public.search_response_jobs(text, integer, uuid, text[], text[], boolean) is
  'Finds the jobs that contain the text among the newest 10,000 that the caller may see, newest first: in the beginning of the query, the answer, the error, the fallback reason, or as the beginning of the id. p_before: only jobs below this id, for the next page.';
revoke execute on function public.search_response_jobs(text, integer, uuid, text[], text[], boolean) from public, anon;
grant execute on function public.search_response_jobs(text, integer, uuid, text[], text[], boolean) to authenticated, service_role;
-- Files that a request refers to: photos and documents, in Supabase Storage.
--
-- A part of a message refers to a file as {"type": "input_image" | "input_file", "storage": {"bucket", "path"}}, and so does a
-- screenshot in the caller's answer to a computer_call. Two kinds:
--   * sent files: what a caller sent as data and what is too large for a row. The function that accepts the job uploads it to
--     the private bucket response_files, as <owner>/<SHA-256 of the content>: the same photo sent twice is one file.
--   * the caller's own files, in any bucket. They stay the caller's, and are never changed or deleted here.
-- Accepting a job checks each file as its owner, by the row security of storage.objects, and pins its version: a row of
-- job_files. Each request to OpenAI needs that version; another one, or none, fails the job.
--
-- A sent file belongs to nobody but the jobs that refer to it. Its row in sent_files is written before its content (reserved),
-- so that no content is ever without a row, and deleted after it. When its last job is deleted, or a reservation ends unused, it is
-- due, and a worker removes it through Storage: deleting a row of storage.objects would leave the bytes. Once its removal has
-- begun it is not used again; whoever reserves the same one waits until it is gone.

create table durable_responses.sent_files (
  path text primary key,
  reserved_until timestamptz not null,
  due timestamptz,
  is_removing boolean not null default false,
  removals integer not null default 0,
  constraint sent_files_path_length check (char_length(path) between 1 and 200)
);
create index sent_files_due on durable_responses.sent_files (due) where due is not null;
comment on index durable_responses.sent_files_due is 'The next ones to remove.';
comment on table durable_responses.sent_files is
  'Contents of the bucket response_files: what callers sent as data and what is too large for a row. A row is there before its content, and until it is removed.';
comment on column durable_responses.sent_files.path is 'Where it is in the bucket: <owner, or server>/<SHA-256>.<extension>.';
comment on column durable_responses.sent_files.reserved_until is 'Until then a submit that is under way may refer to it.';
comment on column durable_responses.sent_files.due is 'When a worker looks whether it is still needed, and removes it if not. null while a job refers to it.';
comment on column durable_responses.sent_files.is_removing is 'Whether a worker has begun to remove it: then no job refers to it, and none will.';
comment on column durable_responses.sent_files.removals is 'How often its removal was begun.';

create table durable_responses.job_files (
  job_id uuid not null references durable_responses.jobs (id) on delete cascade,
  bucket text not null,
  path text not null,
  version text not null,
  primary key (job_id, bucket, path)
);
create index job_files_path on durable_responses.job_files (path, bucket);
comment on index durable_responses.job_files_path is 'Whether a job refers to a file.';
comment on table durable_responses.job_files is 'The files in Storage that a job''s input and its callers'' answers refer to, each with the version that was checked.';
comment on column durable_responses.job_files.job_id is 'The job.';
comment on column durable_responses.job_files.bucket is 'The bucket.';
comment on column durable_responses.job_files.path is 'The path in the bucket.';
comment on column durable_responses.job_files.version is 'Storage''s version and ETag of the content when the job, or the answer, was accepted.';

alter table durable_responses.sent_files enable row level security;
alter table durable_responses.job_files enable row level security;
revoke all on durable_responses.sent_files, durable_responses.job_files from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.sent_files to service_role;
grant select, insert, delete on durable_responses.job_files to service_role;

create function durable_responses.file_references(p_input jsonb) returns table (bucket text, path text)
language sql immutable set search_path = ''
as $$
  select distinct given ->> 'bucket', given ->> 'path'
  from (
    select jsonb_path_query(p_input, '$[*].content[*]
      ? ((@.type == "input_image" || @.type == "input_file") && exists (@.storage)).storage')
    union all
    select jsonb_path_query(p_input, '$[*].output[*]
      ? ((@.type == "input_image" || @.type == "input_file" || @.type == "computer_screenshot") && exists (@.storage)).storage')
  ) found (given)
  order by 2, 1;
$$;
comment on function durable_responses.file_references(jsonb) is
  'The files in Storage that the messages, outputs of calls and screenshots of an input refer to, by path. A null is a reference that names none.';

create function durable_responses.refuse_file(p_bucket text, p_path text) returns void
language plpgsql set search_path = ''
as $$
begin
  raise exception using errcode = 'DR424', detail = jsonb_build_object('bucket', p_bucket, 'path', p_path)::text,
    message = format('Cannot use the file ''%s/%s'': there is no such file, or it is not the owner''s to read',
      left(p_bucket, 100), left(p_path, 200)),
    hint = 'Check bucket and path, and that a select policy on storage.objects lets the owner read the file. Who continues somebody else''s conversation must be able to read its files. Nothing was accepted.';
end;
$$;
comment on function durable_responses.refuse_file(text, text) is
  'Refuses (DR424) a file that is not there, or not to be seen: the same answer for both. The detail names it as {bucket, path}.';

create function durable_responses.version_of(p_version text, p_metadata jsonb) returns text
language sql immutable set search_path = ''
as $$
  select concat_ws(' ', p_version, p_metadata ->> 'eTag');
$$;
comment on function durable_responses.version_of(text, jsonb) is
  'What tells one content of a file from another: Storage''s version, new with each upload, and the ETag.';

create function durable_responses.visible_files(p_buckets text[], p_paths text[], p_claims jsonb) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_role constant text := current_setting('role');
  v_given constant text := coalesce(current_setting('request.jwt.claims', true), '');
  v_headers constant text := coalesce(current_setting('request.headers', true), '');
  v_path constant text := current_setting('search_path');
  v_files jsonb;
begin
  if to_regclass('storage.objects') is null then
    return '[]'::jsonb;
  end if;
  if p_claims is not null then
    -- As for the owner's own requests. The headers of this one may contain the secret key.
    perform set_config('search_path', 'public, extensions', true), set_config('request.headers', '{}', true),
      set_config('request.jwt.claims', p_claims::text, true);
    perform set_config('role', 'authenticated', true);
  end if;
  select jsonb_agg(jsonb_build_object('bucket', o.bucket_id, 'path', o.name, 'version', o.version, 'metadata', o.metadata))
  into v_files
  from unnest(p_buckets, p_paths) wanted (bucket, path) join storage.objects o on o.bucket_id = wanted.bucket and o.name = wanted.path;
  if p_claims is not null then
    perform set_config('role', v_role, true);
    perform set_config('search_path', v_path, true), set_config('request.headers', v_headers, true),
      set_config('request.jwt.claims', v_given, true);
  end if;
  return coalesce(v_files, '[]');
end;
$$;
comment on function durable_responses.visible_files(text[], text[], jsonb) is
  'Those of the files that are there and that whoever has these claims may read, by the row security of storage.objects; without claims, that the current role may. Returns [{bucket, path, version, metadata}].';

create function durable_responses.pin_files(p_job_id uuid, p_owner_id uuid, p_input jsonb, p_claims jsonb default null) returns void
language plpgsql set search_path = ''
as $$
declare
  v_max constant integer := 500;
  v_own constant text := 'response_files';
  v_buckets text[];
  v_paths text[];
  v_sent text[];
  v_given jsonb;
  v_found jsonb;
  v_missing record;
begin
  select array_agg(bucket), array_agg(path) into v_buckets, v_paths from durable_responses.file_references(p_input);
  if v_paths is null then
    return;
  end if;
  if array_position(v_buckets, null) is not null or array_position(v_paths, null) is not null or cardinality(v_paths) > v_max then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept the references to files: each must have a bucket and a path, and there may be at most %s; there are %s',
        v_max, cardinality(v_paths)),
      hint = 'A part that refers to a file is {"type": "input_image", "storage": {"bucket": "photos", "path": "receipt.png"}}.';
  end if;
  if p_claims is not null and lower(p_claims ->> 'sub') is distinct from p_owner_id::text then
    raise exception using errcode = 'DR400',
      message = 'Cannot submit a job: claims must be those of its owner', hint = 'Leave them out: owner_claims() has them.';
  end if;
  -- What was sent is its owner's by its path: no policy lets a user into that bucket. So is what somebody else, who may act on a
  -- job of theirs, has shown in it. And who continues somebody else's job, because they may see it, takes over what was sent in it:
  -- it is part of the input, like a photo that is small enough for the row. Files in other buckets stay with who may read them.
  select array_agg(f.path order by f.path) into v_sent from unnest(v_buckets, v_paths) f (bucket, path)
  where f.bucket = v_own and (p_owner_id is null or split_part(f.path, '/', 1) = p_owner_id::text or exists (
    select from durable_responses.job_files shown join durable_responses.jobs j on j.id = shown.job_id
    where shown.bucket = v_own and shown.path = f.path and (j.owner_id = p_owner_id
      or j.id = (select continued_from from durable_responses.jobs where id = p_job_id))));
  perform from durable_responses.sent_files where path = any (v_sent) order by path for update;
  select array_agg(path) into v_sent from durable_responses.sent_files where path = any (v_sent) and not is_removing;
  v_found := durable_responses.visible_files(array(select v_own from unnest(v_sent)), v_sent, null);
  if exists (select from unnest(v_buckets) bucket where bucket <> v_own) then
    v_given := durable_responses.visible_files(
      array_replace(v_buckets, v_own, null), v_paths,
      case when p_owner_id is not null then coalesce(p_claims, durable_responses.owner_claims(p_owner_id)) end);
  end if;
  insert into durable_responses.job_files (job_id, bucket, path, version)
  select p_job_id, f ->> 'bucket', f ->> 'path', durable_responses.version_of(f ->> 'version', f -> 'metadata')
  from jsonb_array_elements(v_found || coalesce(v_given, '[]')) f
  -- Two answers may show the same screen.
  on conflict (job_id, bucket, path) do nothing;
  select w.bucket, w.path into v_missing from unnest(v_buckets, v_paths) w (bucket, path)
  where not exists (select from durable_responses.job_files f where f.job_id = p_job_id and f.bucket = w.bucket and f.path = w.path)
  limit 1;
  if found then
    perform durable_responses.refuse_file(v_missing.bucket, v_missing.path);
  end if;
  update durable_responses.sent_files set due = null, reserved_until = durable_responses.clock() where path = any (v_sent);
end;
$$;
comment on function durable_responses.pin_files(uuid, uuid, jsonb, jsonb) is
  'Checks the files that a new job''s input, or an answer to a call, refers to, as its owner (p_claims: those of their token, or else owner_claims(); without an owner: as the current role), and writes down their versions. Refuses: DR424 a file that is not there or not theirs to read, DR400 a reference that names none.';

create function durable_responses.sent_files_of(p_job_ids uuid[]) returns text[]
language sql stable set search_path = ''
as $$
  select array_agg(distinct path) from durable_responses.job_files where job_id = any (p_job_ids) and bucket = 'response_files';
$$;
comment on function durable_responses.sent_files_of(uuid[]) is 'The sent files that jobs refer to; null if there are none.';

create function durable_responses.release_files(p_paths text[]) returns void
language plpgsql set search_path = ''
as $$
begin
  -- Whoever looks, under the row's lock, finds out whether another job refers to it.
  update durable_responses.sent_files set due = greatest(durable_responses.clock(), reserved_until)
  where not is_removing and path in (
    select path from durable_responses.sent_files where path = any (p_paths) order by path for update);
end;
$$;
comment on function durable_responses.release_files(text[]) is
  'Jobs that referred to these sent files are deleted: a worker looks whether the files are still needed. Called last, since nothing is locked after sent files.';

create function durable_responses.release_lost_files(p_limit integer) returns void
language plpgsql set search_path = ''
as $$
begin
  perform durable_responses.release_files((
    select array_agg(path) from (
      select path from durable_responses.sent_files s
      where due is null and not exists (
        select from durable_responses.job_files f where f.path = s.path and f.bucket = 'response_files')
      limit p_limit) lost));
end;
$$;
comment on function durable_responses.release_lost_files(integer) is
  'The same for sent files whose jobs were deleted by hand, past the functions that delete jobs.';

create function public.reserve_response_files(p_files jsonb) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_until constant timestamptz := v_now + interval '15 minutes';
  v_limit constant integer := (select max_file_bytes from public.response_settings);
  v_large bigint := (select max((f ->> 'bytes')::bigint) from jsonb_array_elements(p_files) f);
  v_has_bucket boolean := to_regclass('storage.buckets') is not null;
  v_reserved integer;
begin
  if v_large > v_limit then
    raise exception using errcode = 'DR413',
      message = format('Cannot accept a file of %s bytes: one may have at most %s', v_large, v_limit),
      hint = 'Send a smaller one, or upload it to Storage and refer to it. The limit is response_settings.max_file_bytes.';
  end if;
  if v_has_bucket then
    -- A condition of its own: without Storage, its table cannot be named.
    v_has_bucket := exists (select from storage.buckets where id = 'response_files');
  end if;
  if not v_has_bucket then
    raise exception using errcode = 'DR413',
      message = format('Cannot accept a file of %s bytes: it is too large for a row, and there is no bucket response_files to put it into', v_large),
      hint = 'Send less than 1 MB. Or set up Supabase Storage, and create the private bucket response_files in it.';
  end if;
  insert into durable_responses.sent_files (path, reserved_until, due)
  select distinct f ->> 'path', v_until, v_until from jsonb_array_elements(p_files) f order by 1
  on conflict (path) do update set reserved_until = v_until, due = case when sent_files.due is not null then v_until end
  where not sent_files.is_removing;
  get diagnostics v_reserved = row_count;
  if v_reserved < (select count(distinct f ->> 'path') from jsonb_array_elements(p_files) f) then
    raise exception using errcode = '40001', message = 'Cannot reserve a file just now: the same one is being removed',
      hint = 'Send the request again.';
  end if;
  return (
    select coalesce(jsonb_agg(path order by path), '[]') from (select distinct f ->> 'path' as path from jsonb_array_elements(p_files) f) given
    where not exists (select from storage.objects o where o.bucket_id = 'response_files' and o.name = given.path));
end;
$$;
comment on function public.reserve_response_files(jsonb) is
  'Before files are uploaded to the bucket response_files: [{path, bytes}]. Returns the paths whose content is not there yet. A file that no job refers to 15 minutes later is removed. Refuses: DR413 larger than response_settings.max_file_bytes, or no Storage; 40001 one that is being removed.';

create function public.get_response_files(p_job_id uuid) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_known constant jsonb := (
    select jsonb_agg(jsonb_build_object('bucket', bucket, 'path', path, 'version', version))
    from durable_responses.job_files where job_id = p_job_id);
begin
  if v_known is null then
    return '[]'::jsonb;
  end if;
  return (
    select jsonb_agg(f || jsonb_build_object('current',
      coalesce(durable_responses.version_of(o.version, o.metadata) = f ->> 'version', false)))
    from jsonb_array_elements(v_known) f
      left join storage.objects o on o.bucket_id = f ->> 'bucket' and o.name = f ->> 'path');
end;
$$;
comment on function public.get_response_files(uuid) is
  'The files that a job refers to: [{bucket, path, version, current}]. current: whether that version is still there.';

create function public.claim_unused_response_files(p_limit integer default 100) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_paths text[];
begin
  select array_agg(path) into v_paths from (
    select path from durable_responses.sent_files where due <= v_now order by due limit p_limit for update skip locked) locked;
  if v_paths is null then
    return '[]'::jsonb;
  end if;
  -- In statements of their own: under the locks, they see each job that refers to one of the files.
  update durable_responses.sent_files s set due = null
  where s.path = any (v_paths) and not s.is_removing
    and exists (select from durable_responses.job_files f where f.path = s.path and f.bucket = 'response_files');
  update durable_responses.sent_files s set is_removing = true, removals = removals + 1,
    due = v_now + least(interval '1 minute' * power(2, least(s.removals, 10)), interval '1 hour')
  where s.path = any (v_paths) and s.due is not null;
  return (select coalesce(jsonb_agg(path order by path), '[]') from durable_responses.sent_files
    where path = any (v_paths) and is_removing);
end;
$$;
comment on function public.claim_unused_response_files(integer) is
  'Sent files that no job refers to, for a worker to remove from the bucket response_files. Returns their paths. Until forget_response_files() they are due again, after 1 minute, 2, 4, … at most an hour.';

create function public.forget_response_files(p_paths text[]) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_forgotten integer;
begin
  delete from durable_responses.sent_files where path in (
    select path from durable_responses.sent_files where path = any (p_paths) and is_removing order by path for update);
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end;
$$;
comment on function public.forget_response_files(text[]) is 'The worker has removed these sent files from Storage. Returns how many were known.';

revoke execute on function durable_responses.file_references(jsonb), durable_responses.refuse_file(text, text),
  durable_responses.version_of(text, jsonb), durable_responses.visible_files(text[], text[], jsonb),
  durable_responses.pin_files(uuid, uuid, jsonb, jsonb), durable_responses.sent_files_of(uuid[]),
  durable_responses.release_files(text[]), durable_responses.release_lost_files(integer), public.reserve_response_files(jsonb), public.get_response_files(uuid),
  public.claim_unused_response_files(integer), public.forget_response_files(text[]) from public, anon, authenticated;
grant execute on function durable_responses.file_references(jsonb), durable_responses.refuse_file(text, text),
  durable_responses.version_of(text, jsonb), durable_responses.visible_files(text[], text[], jsonb),
  durable_responses.pin_files(uuid, uuid, jsonb, jsonb), durable_responses.sent_files_of(uuid[]),
  durable_responses.release_files(text[]), durable_responses.release_lost_files(integer), public.reserve_response_files(jsonb), public.get_response_files(uuid),
  public.claim_unused_response_files(integer), public.forget_response_files(text[]) to service_role;

-- Private, and without a policy: only secret keys read it.
do $$
begin
  if to_regclass('storage.buckets') is null then
    raise notice 'There is no Supabase Storage here: images and files over 1 MB are refused';
    return;
  end if;
  insert into storage.buckets (id, name, public) values ('response_files', 'response_files', false)
  on conflict (id) do update set public = false;
end;
$$;
-- One question is one job: the same request again, before its answer was read, returns the existing job.
--
-- Libraries repeat a request when a connection breaks, agents ask again when they get no message, people reload. None of them
-- sends an idempotency key. So a submission that joins (from the OpenAI-compatible endpoint, for owners and profiles whose
-- tools must not act twice) leaves its question here, and the same request finds it until its answer is read (retrieved
-- or continued from), and at most 60 s after the job is final. The answer to the request itself does not count, nor does the end
-- of its stream: nobody knows whether they arrived, and who did not get them asks again.
--
-- Some repeats say that they are one (the openai SDK: x-stainless-retry-count). They join for 15 minutes, whoever has read the
-- answer elsewhere: the SDK waits 10 minutes for an answer, so if a connection dies unnoticed, its repeat comes long after the
-- job. A new question is one only if its first try was refused. It cannot be told apart, and joins: an answer that is not new
-- is better than a second email.
--
-- A job that failed before it could do anything that must not be done twice is not joined: a person's "try again" would show
-- the same failure for a minute.
--
-- When a user deletes a job (27_deletion.sql), a repeat of its request may still be on its way, and would be a second email. So the
-- question stays without its job, as long as the repeat would have joined; an idempotency key stays as long after the deletion.
-- A repeat is refused (DR414): what it asks for was done, and is deleted. A new question that does not say that it is a repeat is
-- a new job. The rows have no content: owner, hash, the deleted job's id, and until when.

create table durable_responses.open_questions (
  owner_id uuid not null,
  request_hash text not null,
  job_id uuid not null,
  taken boolean not null default false,
  deleted_until timestamptz,
  primary key (owner_id, request_hash)
);
create index open_questions_deleted on durable_responses.open_questions (deleted_until) where deleted_until is not null;
comment on index durable_responses.open_questions_deleted is 'Which questions of deleted jobs nobody repeats any more.';
create index open_questions_job on durable_responses.open_questions (job_id);
comment on index durable_responses.open_questions_job is 'From a job to its question, when its answer has been read or it is deleted.';
comment on table durable_responses.open_questions is
  'The last job of each request that came without an idempotency key: the same request again joins it, as long as the owner has not read its answer. One row per owner and request, written with the job. No foreign key: it is inserted before its job. A trigger deletes it with the job, unless the request may still be repeated.';
comment on column durable_responses.open_questions.owner_id is 'The owner. Requests of two owners never join.';
comment on column durable_responses.open_questions.request_hash is 'SHA-256 of the request.';
comment on column durable_responses.open_questions.job_id is 'The job that answers it.';
comment on column durable_responses.open_questions.taken is 'Whether the owner has read its answer: then only a request that says that it is a repeat joins.';
comment on column durable_responses.open_questions.deleted_until is 'Of a deleted job: until when a request that says that it is a repeat is refused (DR414). Null as long as there is the job.';
alter table durable_responses.open_questions enable row level security;
revoke all on durable_responses.open_questions from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.open_questions to service_role;

create function durable_responses.did_nothing(p_job durable_responses.jobs) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return not exists (select from public.response_steps where job_id = p_job.id and effect = 'once')
    and (durable_responses.is_guarded(p_job)
      or not exists (select from durable_responses.attempts where job_id = p_job.id and mode = 'background'));
end;
$$;
comment on function durable_responses.did_nothing(durable_responses.jobs) is
  'Whether a final job has certainly made no call that must not be made twice: its ledger has none, not even a refused one, and no background run could make one that the ledger does not know.';

create function durable_responses.longest_repeat() returns interval
language plpgsql immutable set search_path = ''
as $$
begin
  return interval '15 min';
end;
$$;
comment on function durable_responses.longest_repeat() is
  'How long after the end of a job a request that says that it is a repeat may come: the openai SDK waits 10 minutes for an answer first.';

create function durable_responses.refuse_deleted_job(p_job_id uuid, p_key text default null) returns void
language plpgsql immutable set search_path = ''
as $$
begin
  raise exception using errcode = 'DR414', detail = p_job_id::text,
    message = format('Cannot repeat %s: its job %s has ended and was deleted',
      case when p_key is null then 'this request' else format('the request with idempotency key %L', left(p_key, 100)) end, p_job_id),
    hint = 'Nothing was accepted. To ask the same again on purpose, send it with a new idempotency key.';
end;
$$;
comment on function durable_responses.refuse_deleted_job(uuid, text) is
  'Refuses (DR414) a repeat of the request of a deleted job: a new job could do the same a second time. The detail is the job''s id.';

create function durable_responses.remember_deleted(p_job durable_responses.jobs) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  if p_job.status = 'failed' and durable_responses.did_nothing(p_job) then
    return;
  end if;
  update durable_responses.open_questions set deleted_until = p_job.finished_at + durable_responses.longest_repeat()
  where job_id = p_job.id and p_job.finished_at > v_now - durable_responses.longest_repeat();
  -- A key says for itself that the request is the same, however long after the end it comes.
  update durable_responses.idempotency_keys set deleted_until = v_now + durable_responses.longest_repeat()
  where owner_key = coalesce(p_job.owner_id, '00000000-0000-0000-0000-000000000000') and key = p_job.idempotency_key and job_id = p_job.id;
end;
$$;
comment on function durable_responses.remember_deleted(durable_responses.jobs) is
  'Keeps the question and the key of a final job that is about to be deleted, so that no repeat of its request is a new job. Not those of a job that failed and did nothing.';

create function durable_responses.forget_deleted(p_limit integer) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_keys integer;
  v_questions integer;
begin
  delete from durable_responses.idempotency_keys where (owner_key, key) in (
    select owner_key, key from durable_responses.idempotency_keys where deleted_until <= v_now
    order by owner_key, key collate "C" limit p_limit for update skip locked);
  get diagnostics v_keys = row_count;
  delete from durable_responses.open_questions where (owner_id, request_hash) in (
    select owner_id, request_hash from durable_responses.open_questions where deleted_until <= v_now
    order by owner_id, request_hash limit p_limit for update skip locked);
  get diagnostics v_questions = row_count;
  return v_keys + v_questions;
end;
$$;
comment on function durable_responses.forget_deleted(integer) is
  'Deletes the keys and questions of deleted jobs whose time is over, at most p_limit of each. Returns how many.';

create function durable_responses.join_question(p_owner_id uuid, p_request_hash text, p_job_id uuid, p_is_repeat boolean) returns uuid
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_since constant timestamptz := v_now - case when p_is_repeat then durable_responses.longest_repeat() else interval '60 s' end;
  v_open durable_responses.open_questions;
begin
  loop
    -- If two ask at once, the second waits here until the first job is committed or rolled back.
    insert into durable_responses.open_questions (owner_id, request_hash, job_id) values (p_owner_id, p_request_hash, p_job_id)
    on conflict do nothing;
    if found then
      return null;
    end if;
    select * into v_open from durable_responses.open_questions
    where owner_id = p_owner_id and request_hash = p_request_hash for update;
    -- Its job may have been deleted between the two.
    exit when found;
  end loop;
  if v_open.deleted_until > v_now and (p_is_repeat or v_open.job_id = p_job_id) then
    perform durable_responses.refuse_deleted_job(v_open.job_id);
  end if;
  if v_open.job_id = p_job_id then
    return null;
  end if;
  if (p_is_repeat or not v_open.taken) and exists (
    select from durable_responses.jobs j
    where j.id = v_open.job_id and j.owner_id = p_owner_id
      and (j.status is null or j.finished_at > v_since
        and not (j.status = 'failed' and durable_responses.did_nothing(j)))
  ) then
    return v_open.job_id;
  end if;
  update durable_responses.open_questions set job_id = p_job_id, taken = false, deleted_until = null
  where owner_id = p_owner_id and request_hash = p_request_hash;
  return null;
end;
$$;
comment on function durable_responses.join_question(uuid, text, uuid, boolean) is
  'The job that already answers this owner''s request: unfinished, or final for at most 60 s with an answer that was not read yet (for a request that says that it is a repeat: for 15 min, read or not), unless it failed and did nothing. null if there is none: then the request belongs to p_job_id, which the same transaction must insert. Refuses (DR414) a repeat of a request whose job was deleted.';

create function public.take_response_answer(p_job_id uuid, p_owner_id uuid default null) returns void
language plpgsql set search_path = ''
as $$
begin
  -- If an operator reads the answer, or a server that acts for nobody, the owner has still not read it.
  update durable_responses.open_questions q set taken = true
  from durable_responses.jobs j
  where q.job_id = p_job_id and j.id = q.job_id and j.status is not null and q.owner_id = p_owner_id and not q.taken;
end;
$$;
comment on function public.take_response_answer(uuid, uuid) is
  'The owner has read the answer of a final job: the same request from now on is a new job. Does nothing for a job that is not final, or not the caller''s.';

revoke execute on function durable_responses.did_nothing(durable_responses.jobs), durable_responses.longest_repeat(),
  durable_responses.refuse_deleted_job(uuid, text), durable_responses.remember_deleted(durable_responses.jobs), durable_responses.forget_deleted(integer),
  durable_responses.join_question(uuid, text, uuid, boolean), public.take_response_answer(uuid, uuid)
  from public, anon, authenticated;
grant execute on function durable_responses.did_nothing(durable_responses.jobs), durable_responses.longest_repeat(),
  durable_responses.refuse_deleted_job(uuid, text), durable_responses.remember_deleted(durable_responses.jobs), durable_responses.forget_deleted(integer),
  durable_responses.join_question(uuid, text, uuid, boolean), public.take_response_answer(uuid, uuid)
  to service_role;
-- The JSON of a submit, and how it is parsed: an unknown field or an invalid value is refused (DR400).
--
-- The fields have the types of the columns of jobs, so each value is checked once, as it is parsed, and what was not given keeps
-- the value of the row of defaults: an insert that called for both once more took a tenth of a submit.

create type durable_responses.submission as (
  schema_major integer,
  id uuid,
  profile durable_responses.profile_name,
  input jsonb,
  request jsonb,
  owner_id uuid,
  metadata durable_responses.metadata,
  idempotency_key durable_responses.idempotency_key,
  request_hash text,
  mode text,
  priority durable_responses.priority,
  accept_ms bigint,
  background_ms durable_responses.budget_ms,
  deadline_ms durable_responses.budget_ms,
  approval_ms durable_responses.budget_ms,
  review_ms durable_responses.budget_ms,
  poll_ms durable_responses.interval_ms,
  max_attempts durable_responses.attempts_limit,
  backoff_base_ms durable_responses.interval_ms,
  backoff_cap_ms durable_responses.interval_ms,
  route text,
  model text,
  tool_servers text[],
  once_tools boolean,
  on_uncertain durable_responses.uncertainty,
  guard durable_responses.guard_of,
  settings jsonb,
  continued_from uuid,
  joins boolean,
  is_repeat boolean,
  stream boolean,
  claims jsonb
);
comment on type durable_responses.submission is
  'What submit_response_job() takes, as JSON. Durations in ms. Only profile and one of input and request are required; see the columns of jobs for the values. id is a new UUIDv7, with which a submit whose answer was lost can be repeated. joins: if the owner has made the same request (request_hash) and not read the answer, that job is returned instead of a new one. is_repeat: whether the request says itself that it may have been sent before. stream: the events of its runs are stored as they come (13_streams.sql). claims: of the owner''s token, as whom the files that the input refers to are checked (16_files.sql); not stored.';

create function durable_responses.read_submission(p_job jsonb) returns durable_responses.submission
language plpgsql stable set search_path = ''
as $$
declare
  -- What is not given, in the order of the type's fields.
  v_default constant durable_responses.submission :=
    '(,,,,,,{},,,synchronous,0,20000,600000,86400000,604800000,2592000000,30000,5,1000,300000,,,,t,review,always,,,f,f,f,)'::durable_responses.submission;
  v_given durable_responses.submission;
  v_unknown text;
begin
  if jsonb_typeof(p_job) is distinct from 'object' then
    raise exception using errcode = 'DR400',
      message = format('Cannot submit a job: p_job must be an object, not %s', coalesce(jsonb_typeof(p_job), 'null')),
      hint = 'Give {"profile": "default", "input": "What is new?"}.';
  end if;
  if p_job - array['schema_major', 'id', 'profile', 'input', 'request', 'owner_id', 'metadata', 'idempotency_key', 'request_hash',
    'mode', 'priority', 'accept_ms', 'background_ms', 'deadline_ms', 'approval_ms', 'review_ms', 'poll_ms', 'max_attempts',
    'backoff_base_ms', 'backoff_cap_ms', 'route', 'model', 'tool_servers', 'once_tools', 'on_uncertain', 'guard', 'settings',
    'continued_from', 'joins', 'is_repeat', 'stream', 'claims'] <> '{}'
  then
    select name into v_unknown from jsonb_object_keys(p_job) name
    where name not in (
      select attname from pg_catalog.pg_attribute where attrelid = 'durable_responses.submission'::regclass and attnum > 0)
    limit 1;
    raise exception using errcode = 'DR400', message = format('Cannot submit a job: there is no field %L', left(v_unknown, 64)),
      hint = 'See the comment of submit_response_job() for the fields.';
  end if;
  begin
    v_given := jsonb_populate_record(v_default, p_job);
    -- A null is a value that is not given.
    if num_nulls(v_given.metadata, v_given.mode, v_given.priority, v_given.accept_ms, v_given.background_ms, v_given.deadline_ms,
      v_given.approval_ms, v_given.review_ms, v_given.poll_ms, v_given.max_attempts, v_given.backoff_base_ms, v_given.backoff_cap_ms,
      v_given.once_tools, v_given.on_uncertain, v_given.guard, v_given.joins, v_given.is_repeat, v_given.stream) > 0
    then
      v_given := jsonb_populate_record(v_default, (select jsonb_object_agg(key, value) from jsonb_each(p_job) where value <> 'null'));
    end if;
  exception
    when data_exception then
      raise exception using errcode = 'DR400', message = format('Cannot submit a job: %s', sqlerrm),
        hint = 'See the type durable_responses.submission for the type of each field.';
  end;
  if v_given.schema_major is not null then
    perform durable_responses.check_schema_major(v_given.schema_major);
  end if;
  if v_given.profile is null then
    raise exception using errcode = 'DR400', message = 'Cannot submit a job without a profile', hint = 'Give "profile": "default".';
  end if;
  if (v_given.input is null) = (v_given.request is null) then
    raise exception using errcode = 'DR400',
      message = format('Cannot submit a job: exactly one of input and request must be given, not %s',
        case when v_given.input is null then 'neither' else 'both' end),
      hint = 'Give "input": "your question"; or call enqueue_response_job().';
  end if;
  if v_given.backoff_base_ms > v_given.backoff_cap_ms then
    raise exception using errcode = 'DR400',
      message = format('Cannot submit a job: backoff_base_ms (%s) must be at most backoff_cap_ms (%s)',
        v_given.backoff_base_ms, v_given.backoff_cap_ms),
      hint = 'They are the first and the longest delay between attempts, in ms. The defaults are 1000 and 300000.';
  end if;
  return v_given;
end;
$$;
comment on function durable_responses.read_submission(jsonb) is 'Parses and checks a submission. Refuses (DR400) what it cannot read.';
revoke execute on function durable_responses.read_submission(jsonb) from public, anon, authenticated;
grant execute on function durable_responses.read_submission(jsonb) to service_role;
-- Accepting jobs: one with all its options, one in plain SQL, many at once.
--
-- response_settings.max_unfinished_per_user limits a user's unfinished jobs: one who sends 10,000 would otherwise spend the
-- project's money and OpenAI's rate limit for everybody. They are counted in an index, and no further than the limit.
-- Simultaneous submits do not see each other, so the limit may be exceeded by as many as run at once. A lock per user would
-- make every submit wait instead.

create function durable_responses.too_many_jobs(p_owner_id uuid) returns boolean
language plpgsql stable set search_path = '' set enable_seqscan = off
as $$
begin
  if p_owner_id is null then
    return false;
  end if;
  return (
    select s.max_unfinished_per_user is not null and s.max_unfinished_per_user <= (
      select count(*) from (
        select from durable_responses.waits where owner_id = p_owner_id limit s.max_unfinished_per_user
      ) unfinished)
    from public.response_settings s);
end;
$$;
comment on function durable_responses.too_many_jobs(uuid) is
  'Whether a user has as many unfinished jobs as response_settings.max_unfinished_per_user allows.';

create function durable_responses.refuse_too_many() returns void
language plpgsql set search_path = ''
as $$
begin
  raise exception using errcode = 'DR429',
    message = format('Cannot accept another job from this user: %s are unfinished, which is the limit',
      (select max_unfinished_per_user from public.response_settings)),
    hint = 'Wait for some to finish, or cancel some. The limit is response_settings.max_unfinished_per_user.';
end;
$$;
comment on function durable_responses.refuse_too_many() is 'Refuses (DR429) one more unfinished job of a user.';

create function durable_responses.hash_of(p_profile text, p_input jsonb, p_request jsonb) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  -- jsonb keeps numbers as they were written, whatever their size.
  return encode(sha256(convert_to(jsonb_build_array(p_profile, p_input, p_request)::text, 'utf8')), 'hex');
end;
$$;
comment on function durable_responses.hash_of(text, jsonb, jsonb) is 'SHA-256 of the request, to tell a repeat from a reused key.';

create function durable_responses.repeated_job(p_owner_id uuid, p_key text, p_request_hash text) returns uuid
language plpgsql set search_path = ''
as $$
declare
  v_known durable_responses.idempotency_keys;
begin
  select * into v_known from durable_responses.idempotency_keys
  where owner_key = coalesce(p_owner_id, '00000000-0000-0000-0000-000000000000') and key = p_key;
  if found and v_known.request_hash is distinct from p_request_hash then
    raise exception using errcode = 'DR422',
      message = format('Cannot use idempotency key %L again: it was used with another request', left(p_key, 100)),
      hint = 'Use a new key for a new request, and the same key only to repeat the same one. Nothing was submitted.';
  end if;
  if v_known.deleted_until is not null then
    perform durable_responses.refuse_deleted_job(v_known.job_id, p_key);
  end if;
  return v_known.job_id;
end;
$$;
comment on function durable_responses.repeated_job(uuid, text, text) is
  'The job that the owner created with this idempotency key, or null. Refuses a key that was used with another request (DR422), and one whose job was deleted a short time ago (DR414).';

create function durable_responses.repeat_view(p_job_id uuid) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_view constant jsonb := durable_responses.job_view(p_job_id);
begin
  if v_view ->> 'id' is null then
    raise exception using errcode = '40001',
      message = 'Cannot return the job of this idempotency key: it was deleted at the same moment',
      hint = 'Submit again to create a new job.';
  end if;
  return v_view;
end;
$$;
comment on function durable_responses.repeat_view(uuid) is
  'The job that a repeat returns. If it was deleted after the repeat found it, the submit is repeated (40001) and creates a new job.';

create function public.submit_response_job(p_job jsonb) returns json
language plpgsql set search_path = ''
  -- Each connection plans every statement once, not six times, and with indexes, whatever the tables' size at that moment.
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  g durable_responses.submission := durable_responses.read_submission(p_job);
  v_id constant uuid := coalesce(g.id, durable_responses.uuid_v7());
  v_owner_key constant uuid := coalesce(g.owner_id, '00000000-0000-0000-0000-000000000000');
  v_route constant text := coalesce(g.route, g.profile);
  v_known record;
  v_open uuid;
  v_background boolean;
  v_fallback_reason text;
  v_job durable_responses.jobs;
  v_wait durable_responses.waits;
begin
  -- Written out, because every submit would pay for a function call.
  if g.owner_id is not null and exists (select from durable_responses.deleted_owners where owner_id = g.owner_id) then
    perform durable_responses.refuse_deleted_owner(g.owner_id);
  end if;
  -- Whether anybody watches, too: a client that begins to while this runs sees the job when it reads next (12_announcements.sql).
  select r.route, r.breaker, r.paused_until, r.ignores_approval,
    exists (select from public.response_watches where watched_until > now()) as watched
  into v_known from (select) one left join public.response_routes r on r.route = v_route;
  if v_known.route is null then
    perform durable_responses.ensure_route(v_route, g.profile, g.model, g.tool_servers);
  end if;
  if g.idempotency_key is not null then
    insert into durable_responses.idempotency_keys (owner_key, key, request_hash, job_id)
    values (v_owner_key, g.idempotency_key, g.request_hash, v_id)
    on conflict do nothing;
    if not found then
      update durable_responses.idempotency_keys set request_hash = g.request_hash, job_id = v_id, deleted_until = null
      where owner_key = v_owner_key and key = g.idempotency_key and deleted_until <= v_now;
      if not found then
        return json_build_object('created', false, 'job', durable_responses.repeat_view(
          durable_responses.repeated_job(g.owner_id, g.idempotency_key, g.request_hash)));
      end if;
    end if;
  end if;
  if g.joins and g.owner_id is not null and g.idempotency_key is null then
    v_open := durable_responses.join_question(g.owner_id, g.request_hash, v_id, g.is_repeat);
    if v_open is not null then
      return json_build_object('created', false, 'joined', true, 'job', durable_responses.job_view(v_open));
    end if;
  end if;
  if g.id is not null then
    -- A caller that gives an id generated it for this very job, and may not know that the job was accepted.
    select * into v_job from durable_responses.jobs where id = g.id and owner_id is not distinct from g.owner_id;
    if found then
      return json_build_object('created', false, 'job', durable_responses.repeat_view(g.id));
    end if;
  end if;
  if g.owner_id is not null and durable_responses.too_many_jobs(g.owner_id) then
    perform durable_responses.refuse_too_many();
  end if;
  v_background := g.mode = 'background';
  if v_background and (v_known.breaker <> 'closed' or v_known.paused_until > v_now) then
    v_fallback_reason := durable_responses.background_verdict(v_route);
    v_background := v_fallback_reason is null;
  end if;
  insert into durable_responses.jobs (
    id, owner_id, profile, input, request, metadata, idempotency_key, priority, route,
    max_attempts, backoff_base_ms, backoff_cap_ms, deadline_ms, approval_ms, review_ms, poll_ms,
    background_ms, once_tools, on_uncertain, guard, settings, continued_from, created_at, query_text
  ) values (
    v_id, g.owner_id, g.profile, g.input, g.request, g.metadata, g.idempotency_key, g.priority, v_route,
    g.max_attempts, g.backoff_base_ms, g.backoff_cap_ms, g.deadline_ms, g.approval_ms, g.review_ms, g.poll_ms,
    g.background_ms, g.once_tools, g.on_uncertain, g.guard, g.settings, g.continued_from, v_now,
    case jsonb_typeof(g.input) when 'string' then left(g.input #>> '{}', 500)
      else durable_responses.query_text(coalesce(g.input, durable_responses.visible_input(g.request))) end
  ) returning * into v_job;
  -- query_text of a plain text is written out above, because every submit would pay for a function call.
  if jsonb_typeof(coalesce(g.input, g.request -> 'input')) = 'array' then
    perform durable_responses.pin_files(v_id, g.owner_id, coalesce(g.input, g.request -> 'input'), g.claims);
  end if;
  insert into durable_responses.waits (
    job_id, status, due, since, route, priority, owner_id, owner_key, ready, ready_xid, attempt, deadline, background_until,
    fallback_reason
  ) values (
    v_id, case when v_background then 'background' else 'queued' end,
    case when v_background then
      v_now + make_interval(secs => least(g.accept_ms, v_job.background_ms, v_job.deadline_ms) / 1000.0) else v_now end,
    v_now, v_route, v_job.priority, g.owner_id, v_owner_key, not v_background,
    case when not v_background then pg_current_xact_id() end, v_background::integer,
    v_now + make_interval(secs => v_job.deadline_ms / 1000.0),
    case when v_background then v_now + make_interval(secs => v_job.background_ms / 1000.0) end, v_fallback_reason
  ) returning * into v_wait;
  if g.stream then
    insert into durable_responses.streams (job_id) values (v_id);
  end if;
  if v_known.watched then
    perform durable_responses.announce_jobs(array[v_id]);
  end if;
  return json_build_object('created', true, 'job', durable_responses.job_view(v_job, v_wait),
    'guarded', v_job.guard = 'always' and not coalesce(v_known.ignores_approval, false));
end;
$$;
comment on function public.submit_response_job(jsonb) is
  'Accepts a job: p_job has the fields of durable_responses.submission. mode is background or synchronous (default). Returns {created, job, joined?, guarded?}: a repeat with the same idempotency_key and request_hash returns the first job, and so does, joined, the same question again where the submission joins; guarded: its background runs need a yes before each call that must not be made twice. Refuses: DR400 invalid, DR411 owner deleted, DR414 a repeat of a deleted job''s request, DR422 key reused, DR424 no such file, DR426 schema mismatch, DR429 too many jobs.';

create function public.enqueue_response_job(
  p_query text, p_profile text default 'default', p_owner_id uuid default null, p_metadata jsonb default '{}',
  p_idempotency_key text default null
) returns uuid
language plpgsql set search_path = ''
as $$
begin
  if coalesce(btrim(p_query), '') = '' then
    raise exception using errcode = 'DR400', message = 'Cannot enqueue a job without a query: p_query is empty',
      hint = 'select public.enqueue_response_job(''What is in my inbox?'', ''mail'');';
  end if;
  perform durable_responses.check_profiles(array[p_profile]);
  return (public.submit_response_job(jsonb_build_object(
    'profile', p_profile, 'input', p_query, 'owner_id', p_owner_id, 'metadata', p_metadata,
    'idempotency_key', p_idempotency_key,
    'request_hash', case when p_idempotency_key is not null then durable_responses.hash_of(p_profile, to_jsonb(p_query), null) end
  )) #>> '{job,id}')::uuid;
end;
$$;
comment on function public.enqueue_response_job(text, text, uuid, jsonb, text) is
  'Accepts a query from SQL, for example from a trigger or a cron job; it runs synchronously, in a worker. Returns the job''s id; with p_idempotency_key, a repeat returns the first one''s.';

create function public.submit_response_jobs(p_jobs jsonb) returns json
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_first constant bigint := (date_part('epoch', clock_timestamp()) * 4096000)::bigint;
  v_ids uuid[];
  v_made uuid[];
  v_profiles text[];
  v_owners uuid[];
  v_repeat record;
  v_answer jsonb;
begin
  if jsonb_typeof(p_jobs) is distinct from 'array' then
    raise exception using errcode = 'DR400',
      message = format('Cannot submit jobs: p_jobs must be an array, not %s', coalesce(jsonb_typeof(p_jobs), 'null')),
      hint = 'Give [{"profile": "default", "input": "What is new?", "idempotency_key": "news/1"}, …].';
  end if;
  select array_agg(distinct p.profile order by p.profile), array_agg(distinct p.owner_id) filter (where p.owner_id is not null)
  into v_profiles, v_owners from jsonb_to_recordset(p_jobs) as p (profile text, owner_id uuid);
  perform durable_responses.check_profiles(v_profiles);
  perform durable_responses.refuse_deleted_owner(owner_id) from unnest(v_owners) owner_id;
  perform durable_responses.ensure_route(name, name, '', '{}') from unnest(v_profiles) name
  where not exists (select from public.response_routes r where r.route = name);

  if exists (select from durable_responses.idempotency_keys where deleted_until <= v_now) then
    delete from durable_responses.idempotency_keys where (owner_key, key) in (
      select k.owner_key, k.key
      from jsonb_to_recordset(p_jobs) as g (owner_id uuid, idempotency_key text)
        join durable_responses.idempotency_keys k
          on k.owner_key = coalesce(g.owner_id, '00000000-0000-0000-0000-000000000000') and k.key = g.idempotency_key
      where k.deleted_until <= v_now order by k.owner_key, k.key collate "C" for update of k);
  end if;
  -- Keys in order, so that two batches with the same keys cannot deadlock.
  with given as materialized (
    select g.*, coalesce(g.owner_id, '00000000-0000-0000-0000-000000000000') as owner_key,
      -- As uuid_v7() and hash_of() do: calls of them for each job would be a tenth of the whole. Each id a microsecond after
      -- the one before, so that they are in order. The version is the 7 before the last 12 bits.
      (lpad(to_hex((((v_first + ordinality * 4) >> 12) << 16) | 28672 | ((v_first + ordinality * 4) & 4095)), 16, '0')
        || substr(gen_random_uuid()::text, 20))::uuid as id,
      case when g.idempotency_key is not null then
        encode(sha256(convert_to(jsonb_build_array(g.profile, g.input, g.request)::text, 'utf8')), 'hex') end as request_hash
    from rows from (jsonb_to_recordset(p_jobs) as (
      profile text, input jsonb, request jsonb, owner_id uuid, metadata jsonb, idempotency_key text,
      priority smallint, deadline_ms bigint, max_attempts integer)) with ordinality g
  ), taken as (
    insert into durable_responses.idempotency_keys (owner_key, key, request_hash, job_id)
    select owner_key, idempotency_key, request_hash, id
    from given where idempotency_key is not null order by owner_key, idempotency_key collate "C", ordinality
    on conflict do nothing
    returning job_id
  ), made as (
    insert into durable_responses.jobs (
      id, owner_id, profile, input, request, metadata, idempotency_key, priority, route, max_attempts, deadline_ms, created_at,
      query_text)
    select id, owner_id, profile, input, request, coalesce(metadata, '{}'),
      idempotency_key, coalesce(priority, 0), profile, coalesce(max_attempts, 5), coalesce(deadline_ms, 86400000), v_now,
      case jsonb_typeof(input) when 'string' then left(input #>> '{}', 500)
        else durable_responses.query_text(coalesce(input, durable_responses.visible_input(request))) end
    from given where idempotency_key is null or id in (select job_id from taken) order by ordinality
    returning id, owner_id, route, priority, deadline_ms
  ), waiting as (
    insert into durable_responses.waits (
      job_id, status, due, since, route, priority, owner_id, owner_key, ready, ready_xid, deadline)
    select id, 'queued', v_now, v_now, route, priority, owner_id, coalesce(owner_id, '00000000-0000-0000-0000-000000000000'),
      true, pg_current_xact_id(), v_now + make_interval(secs => deadline_ms / 1000.0)
    from made
  )
  select (select array_agg(id order by ordinality) from given), (select array_agg(id) from made) into v_ids, v_made;
  if v_owners is not null and exists (
    select from public.response_settings s, unnest(v_owners) owner (id)
    where s.max_unfinished_per_user < (
        select count(*) from (
          select from durable_responses.waits w where w.owner_id = owner.id limit s.max_unfinished_per_user + 1) unfinished)
      -- A repeat adds nothing.
      and exists (select from durable_responses.waits w where w.job_id = any (v_made) and w.owner_id = owner.id)
  ) then
    perform durable_responses.refuse_too_many();
  end if;
  if jsonb_path_exists(p_jobs, '$[*].input[*].content[*].storage') or jsonb_path_exists(p_jobs, '$[*].request.input[*].content[*].storage') then
    perform durable_responses.pin_files(j.id, j.owner_id, coalesce(j.input, j.request -> 'input'))
    from (
      select * from durable_responses.jobs
      where id = any (v_made) and jsonb_typeof(coalesce(input, request -> 'input')) = 'array' order by id) j;
  end if;
  perform durable_responses.announce_jobs(v_made);
  -- Mostly none of them is a repeat.
  if cardinality(v_made) = cardinality(v_ids) then
    return (select json_agg(json_build_object('id', id, 'created', true)) from unnest(v_ids) id);
  end if;
  v_answer := coalesce((
    select jsonb_agg(jsonb_build_object('id', id, 'created', true)) from unnest(v_ids) id), '[]');
  for v_repeat in
    select g.ordinality, durable_responses.repeated_job(
      g.owner_id, g.idempotency_key, durable_responses.hash_of(g.profile, g.input, g.request)) as id
    from rows from (jsonb_to_recordset(p_jobs) as (
      profile text, input jsonb, request jsonb, owner_id uuid, idempotency_key text)) with ordinality g
    where v_ids[g.ordinality] <> all (coalesce(v_made, '{}'))
  loop
    perform durable_responses.repeat_view(v_repeat.id);
    v_answer := jsonb_set(v_answer, array[(v_repeat.ordinality - 1)::text],
      jsonb_build_object('id', v_repeat.id, 'created', false));
  end loop;
  return v_answer::json;
exception
  when check_violation or not_null_violation or data_exception then
    raise exception using errcode = 'DR400', message = format('Cannot submit jobs: %s', sqlerrm),
      hint = 'No job of the batch was submitted. Each job needs a profile, and an input or a request.';
end;
$$;
comment on function public.submit_response_jobs(jsonb) is
  'Accepts many jobs in one call: [{profile, input | request, owner_id?, metadata?, idempotency_key?, priority?, deadline_ms?, max_attempts?}]. All or none. Returns [{id, created}] in the same order.';

revoke execute on function durable_responses.too_many_jobs(uuid),
  durable_responses.refuse_too_many(), durable_responses.hash_of(text, jsonb, jsonb),
  durable_responses.repeated_job(uuid, text, text), durable_responses.repeat_view(uuid), public.submit_response_job(jsonb),
  public.enqueue_response_job(text, text, uuid, jsonb, text), public.submit_response_jobs(jsonb) from public, anon, authenticated;
grant execute on function durable_responses.too_many_jobs(uuid),
  durable_responses.refuse_too_many(), durable_responses.hash_of(text, jsonb, jsonb),
  durable_responses.repeated_job(uuid, text, text), durable_responses.repeat_view(uuid), public.submit_response_job(jsonb),
  public.enqueue_response_job(text, text, uuid, jsonb, text), public.submit_response_jobs(jsonb) to service_role;
-- Background: recording the response, finding the job of a webhook, polling, falling back.

create function durable_responses.next_poll(p_wait durable_responses.waits, p_after_ms bigint) returns timestamptz
language plpgsql stable set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  -- least() ignores nulls: a limit that has passed must not keep bringing the poll forward.
  return least(
    v_now + make_interval(secs => p_after_ms / 1000.0),
    case when p_wait.background_until > v_now then p_wait.background_until end,
    case when p_wait.deadline > v_now then p_wait.deadline end
  );
end;
$$;
comment on function durable_responses.next_poll(durable_responses.waits, bigint) is
  'When to poll a background response next: after p_after_ms, but no later than its budget or the job''s deadline ends.';

create function durable_responses.job_or_deleted(p_job_id uuid, p_attempt integer) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  if exists (select from durable_responses.jobs where id = p_job_id) then
    return durable_responses.job_view(p_job_id);
  end if;
  if not exists (select from durable_responses.tombstones where job_id = p_job_id) then
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
  return jsonb_build_object('id', p_job_id, 'status', 'cancelled', 'attempt', p_attempt);
end;
$$;
comment on function durable_responses.job_or_deleted(uuid, integer) is
  'A job as its owner may see it. A deleted one counts as cancelled: its response is still ours. Refuses (DR404) a job that never was.';

create function public.is_response_of_another(p_job_id uuid, p_attempt integer, p_response_id text) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  -- Of other jobs, only background responses: the others are not stored at OpenAI, and nothing is asked about them by id.
  return exists (
      select from durable_responses.waits where response_id = p_response_id and (job_id <> p_job_id or attempt <> p_attempt))
    or exists (
      select from durable_responses.attempts
      where response_id = p_response_id and mode = 'background' and (job_id <> p_job_id or number <> p_attempt))
    or exists (
      select from durable_responses.attempts where job_id = p_job_id and number <> p_attempt and response_id = p_response_id);
end;
$$;
comment on function public.is_response_of_another(uuid, integer, text) is
  'Whether a response id belongs to another attempt, of this job or of another one. As the id of this attempt''s response it is useless: whoever asks for it reads, or cancels, another response.';

create function durable_responses.assign_response(
  p_wait durable_responses.waits, p_response_id text, p_request_id text, p_poll_ms integer
) returns void
language plpgsql set search_path = ''
as $$
begin
  if public.is_response_of_another(p_wait.job_id, p_wait.attempt, p_response_id) then
    return;
  end if;
  update durable_responses.waits set
    response_id = p_response_id, request_id = p_request_id, due = durable_responses.next_poll(p_wait, p_poll_ms)
  where job_id = p_wait.job_id;
exception
  -- Another job got the same id at this moment, or the id is too long for an index.
  when unique_violation or program_limit_exceeded then
    null;
end;
$$;
comment on function durable_responses.assign_response(durable_responses.waits, text, text, integer) is
  'Writes the id of the response that a background job waits for, and when to poll it. An id that is of no use is treated as missing: the job waits for the webhook.';

create function public.record_background_response(
  p_job_id uuid, p_attempt integer, p_response_id text, p_request_id text default null, p_poll_ms integer default 30000
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_orphaned jsonb;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if v_wait.status = 'background' and v_wait.attempt = p_attempt then
    if v_wait.response_id is null then
      perform durable_responses.assign_response(v_wait, p_response_id, p_request_id, p_poll_ms);
    end if;
  elsif not public.is_response_of_another(p_job_id, p_attempt, p_response_id) then
    -- The job has moved on while OpenAI was answering (cancelled, or past its accept budget). The response is then an
    -- orphan that must not run its tools: the cancel is repeated until OpenAI confirms it.
    update durable_responses.attempts set response_id = p_response_id, request_id = p_request_id
    where job_id = p_job_id and number = p_attempt and mode = 'background' and response_id is null;
    if found or exists (select from durable_responses.tombstones where job_id = p_job_id) then
      perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, p_response_id);
      v_orphaned := durable_responses.upstream(p_job_id, p_attempt, p_response_id);
    end if;
  end if;
  return jsonb_build_object(
    'orphaned', v_orphaned is not null, 'upstream', v_orphaned, 'job', durable_responses.job_or_deleted(p_job_id, p_attempt));
end;
$$;
comment on function public.record_background_response(uuid, integer, text, text, integer) is
  'OpenAI has accepted the background request. Returns {orphaned, upstream, job}. orphaned: the attempt has ended meanwhile, or the job was deleted; the response, upstream as claim_pending_cancels() returns it, must be cancelled. The id of another attempt''s response is treated as missing.';

create function public.claim_background_job(
  p_response_id text, p_poll_ms integer default 30000, p_schema_major integer default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_ended record;
begin
  perform durable_responses.check_schema_major(p_schema_major);
  -- Pushing the poll back keeps the poller away while the webhook settles the job; if the webhook's worker dies, the poll
  -- comes one interval later.
  update durable_responses.waits w set due = durable_responses.next_poll(w, p_poll_ms)
  where response_id = p_response_id and status = 'background'
  returning * into v_wait;
  if found then
    return jsonb_build_object('known', true, 
      'work', (select work from durable_responses.work where job_id = v_wait.job_id), 'abandoned', null);
  end if;
  select a.job_id, a.number, a.outcome into v_ended
  from durable_responses.attempts a
  where a.response_id = p_response_id and a.mode = 'background'
  order by a.started_at desc limit 1;
  if not found then
    return jsonb_build_object('known', false, 'work', null, 'abandoned', null);
  end if;
  -- A response that nobody waits for may have continued anyway: what it did must be recorded. If one is over, a server whose ids
  -- repeat may have given its id to a response that nobody has recorded: only its metadata can tell.
  return jsonb_build_object(
    'known', v_ended.outcome not in ('completed', 'continued') or not exists (
      select from durable_responses.waits where status = 'background' and not ready and response_id is null),
    'work', null,
    'abandoned', case when v_ended.outcome not in ('completed', 'continued') then
      durable_responses.upstream(v_ended.job_id, v_ended.number, p_response_id) end);
end;
$$;
comment on function public.claim_background_job(text, integer, integer) is
  'A webhook came. Returns {known, work, abandoned}. work: null if no job waits for this response. known: whether it is surely one of ours. abandoned: a response whose attempt ended without it, as claim_pending_cancels() returns it.';

create function public.adopt_background_response(
  p_job_id uuid, p_attempt integer, p_response_id text, p_poll_ms integer default 30000, p_instead_of text default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_attempt integer;
  v_other text;
begin
  -- The response may arrive before the worker that asked for it has recorded it, or after that worker died.
  -- A run that could not continue in background has a reason recorded, and continues in its worker.
  if exists (
    select from durable_responses.waits
    where job_id = p_job_id and attempt = p_attempt - 1 and status = 'running' and (continuing or fallback_reason is null)
  ) then
    perform public.continue_in_background(p_job_id, p_attempt - 1, p_response_id);
  end if;
  if not exists (
    select from durable_responses.waits where job_id = p_job_id and attempt = p_attempt and status = 'background'
    union all
    select from durable_responses.attempts where job_id = p_job_id and number = p_attempt and mode = 'background'
  ) then
    if exists (select from durable_responses.tombstones where job_id = p_job_id) then
      -- The response of a deleted job is still ours.
      v_attempt := p_attempt;
    else
      -- The attempt that sent the yes was ended from outside before it recorded the response: the job was cancelled, or held for
      -- review. The ledger has the response's calls as started by that attempt, and as uncertain since it ended.
      select number into v_attempt from durable_responses.attempts
      where job_id = p_job_id and number = p_attempt - 1 and mode = 'synchronous'
        -- The response of a synchronous run names its own attempt: it is not lost.
        and not exists (select from durable_responses.attempts where job_id = p_job_id and response_id = p_response_id);
    end if;
    if v_attempt is null then
      return jsonb_build_object('known', false, 'work', null, 'abandoned', null);
    end if;
    perform durable_responses.request_upstream_cancel(p_job_id, v_attempt, p_response_id);
    return jsonb_build_object('known', true, 'work', null,
      'abandoned', durable_responses.upstream(p_job_id, v_attempt, p_response_id));
  end if;
  select response_id into v_other from (
    select response_id from durable_responses.waits where job_id = p_job_id and attempt = p_attempt
    union all
    select response_id from durable_responses.attempts where job_id = p_job_id and number = p_attempt
  ) recorded where response_id <> p_response_id limit 1;
  -- A create may be answered with an id that is nobody's. Whoever calls this finds out whose the other response is.
  if v_other is not null and v_other is distinct from p_instead_of then
    return jsonb_build_object('known', false, 'work', null, 'abandoned', null, 'other', v_other, 'twin', case
      when not exists (select from durable_responses.waits where job_id = p_job_id and attempt = p_attempt and status = 'background')
      then durable_responses.upstream(p_job_id, p_attempt, p_response_id) end);
  elsif v_other is not null then
    update durable_responses.waits set response_id = null
    where job_id = p_job_id and attempt = p_attempt and status = 'background' and response_id = v_other;
    if not found then
      return jsonb_build_object('known', true, 'work', null,
        'abandoned', durable_responses.upstream(p_job_id, p_attempt, p_response_id));
    end if;
  end if;
  perform public.record_background_response(p_job_id, p_attempt, p_response_id, null, p_poll_ms);
  -- An id that another attempt has cannot be recorded, but whoever has read the response can settle the job.
  if exists (
    select from durable_responses.waits
    where job_id = p_job_id and attempt = p_attempt and status = 'background' and response_id is null
  ) then
    return jsonb_build_object('known', true, 'work', (select work from durable_responses.work where job_id = p_job_id), 'abandoned', null);
  end if;
  return public.claim_background_job(p_response_id, p_poll_ms);
end;
$$;
comment on function public.adopt_background_response(uuid, integer, text, integer, text) is
  'Assigns a response that OpenAI accepted but nobody recorded to the attempt named in its metadata. If that attempt never began, because the job was cancelled, held for review or deleted meanwhile, it is abandoned, and cancelled until that is confirmed. p_instead_of: the id that the attempt has, which is not that of its response. Returns {known, work, abandoned} as claim_background_job() does; other: the id that the attempt has, if it is another one, and nothing was done; twin: this response as an abandoned one, if the attempt has ended.';

create function public.claim_background_polls(p_limit integer default 20) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_wait durable_responses.waits;
  v_work jsonb := '[]'::jsonb;
begin
  for v_wait in
    select * from durable_responses.waits
    where status = 'background' and not ready and due <= v_now
    order by due limit p_limit
    for no key update skip locked
  loop
    -- The poller settles jobs that are past their deadline. A minute later the job fails here: nothing that OpenAI answers
    -- may keep a job from ending.
    if v_wait.deadline <= v_now - interval '1 minute' then
      if v_wait.response_id is not null then
        perform durable_responses.request_upstream_cancel(v_wait.job_id, v_wait.attempt, v_wait.response_id);
      end if;
      perform durable_responses.settle_calls(v_wait.job_id, v_wait.attempt);
      perform durable_responses.end_attempt(v_wait, 'failed', durable_responses.deadline_error(v_wait));
      perform durable_responses.finish(v_wait, 'failed', durable_responses.deadline_error(v_wait));
    else
      update durable_responses.waits w set due = durable_responses.next_poll(w, j.poll_ms)
      from durable_responses.jobs j
      where w.job_id = v_wait.job_id and j.id = w.job_id;
      v_work := v_work || (select work::jsonb from durable_responses.work where job_id = v_wait.job_id);
    end if;
  end loop;
  return jsonb_build_object('work', v_work, 'webhooks', durable_responses.claim_unread_webhooks(p_limit));
end;
$$;
comment on function public.claim_background_polls(integer) is
  'Returns {work, webhooks}. work: background jobs that are due to be polled, the longest-waiting first. webhooks: ids of responses that a webhook has reported, and that could not be read (38_unread_webhooks.sql). Each job is returned again after its interval until it is settled, and fails a minute after its deadline, whatever OpenAI answers.';

create function public.fall_back_response_job(
  p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint default 0, p_steps jsonb default '[]',
  p_unknown boolean default false, p_cancel_upstream boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background}');
  v_job durable_responses.jobs;
  v_uncertain text;
begin
  select * into v_job from durable_responses.jobs where id = p_job_id;
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(p_job_id, p_attempt);
  -- A cancel is only a request: the response is read again until it has ended.
  if (p_cancel_upstream or p_unknown) and v_wait.response_id is not null then
    perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, v_wait.response_id);
  end if;
  if p_unknown and v_job.once_tools and v_job.on_uncertain = 'review' and not durable_responses.is_guarded(v_job) then
    v_uncertain := coalesce(v_uncertain, case when v_wait.response_id is null
      then 'OpenAI may have run this in background and called its tools, but nobody knows: no response could be found'
      else format('OpenAI has run this in background and may have called its tools: %s', p_error ->> 'message') end);
    perform durable_responses.write_steps(p_job_id, p_attempt, jsonb_build_array(jsonb_build_object(
      'item_id', 'unguarded_run', 'kind', 'unguarded_run', 'status', 'uncertain', 'effect', 'once')));
  end if;
  -- A worker that was lost, or ended, as it handed a yes over says nothing about the route, nor does a request that was too long.
  if not v_wait.failure_counted and p_error ->> 'code' not in ('openai_invalid_request', 'request_too_large') and (v_wait.response_id is not null or not exists (
    select from durable_responses.attempts
    where job_id = p_job_id and number = p_attempt - 1 and outcome = 'continued' and error_code = 'worker_lost'
  )) then
    perform durable_responses.route_background_failed(v_wait.route, p_error ->> 'code');
  end if;
  perform durable_responses.pause_for(p_job_id, p_error, p_retry_after_ms);
  if v_uncertain is not null then
    perform durable_responses.end_attempt(v_wait, 'suspended', p_error);
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain, p_error);
  else
    perform durable_responses.end_attempt(v_wait, 'failed', p_error);
    if v_wait.deadline <= durable_responses.clock() then
      perform durable_responses.finish(v_wait, 'failed', durable_responses.deadline_error(v_wait));
    else
      v_wait.fallback_reason := p_error ->> 'code';
      perform durable_responses.requeue(v_wait, durable_responses.clock() + durable_responses.bounded_delay(p_retry_after_ms));
    end if;
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.fall_back_response_job(uuid, integer, jsonb, bigint, jsonb, boolean, boolean) is
  'The background attempt failed: the job is queued for a synchronous one, or held for review while a call is in doubt. p_unknown: a background run may exist about which nothing is known; with the guard, it can only have made the calls that had a yes. p_cancel_upstream: its response may still run, and must be cancelled.';

create function public.record_settle_failure(
  p_job_id uuid, p_attempt integer, p_error text, p_after_ms bigint default null, p_failed_code text default null
) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_failures integer;
  v_route text;
begin
  if p_failed_code is not null then
    update durable_responses.waits set failure_counted = true
    where job_id = p_job_id and attempt = p_attempt and status = 'background' and not failure_counted
    returning route into v_route;
    perform durable_responses.route_background_failed(v_route, p_failed_code);
  end if;
  update durable_responses.waits w set
    settle_failures = w.settle_failures + 1, settle_error = left(p_error, 1000),
    due = case when p_after_ms is null then w.due else least(
      durable_responses.clock() + durable_responses.bounded_delay(p_after_ms),
      case when w.background_until > durable_responses.clock() then w.background_until end,
      case when w.deadline > durable_responses.clock() then w.deadline end) end
  where w.job_id = p_job_id and w.attempt = p_attempt and w.status = 'background'
  returning w.settle_failures into v_failures;
  return v_failures;
end;
$$;
comment on function public.record_settle_failure(uuid, integer, text, bigint, text) is
  'A background response could not be settled. Counts it, stores why, and polls again after p_after_ms if given. p_failed_code: it has failed, and only what it did is not known: the breaker counts that once. Returns the count; null if the attempt has ended.';

create function durable_responses.bounded_delay(p_ms bigint) returns interval
language plpgsql stable set search_path = ''
as $$
begin
  return make_interval(secs => least(greatest(coalesce(p_ms, 0), 0) / 1000.0, (select max_delay_s from public.response_settings)));
end;
$$;
comment on function durable_responses.bounded_delay(bigint) is
  'A delay that OpenAI asked for, in ms, never longer than response_settings.max_delay_s.';

revoke execute on function durable_responses.next_poll(durable_responses.waits, bigint),
  durable_responses.bounded_delay(bigint),
  durable_responses.job_or_deleted(uuid, integer),
  public.is_response_of_another(uuid, integer, text),
  durable_responses.assign_response(durable_responses.waits, text, text, integer),
  public.record_background_response(uuid, integer, text, text, integer),
  public.claim_background_job(text, integer, integer),
  public.adopt_background_response(uuid, integer, text, integer, text),
  public.claim_background_polls(integer),
  public.fall_back_response_job(uuid, integer, jsonb, bigint, jsonb, boolean, boolean),
  public.record_settle_failure(uuid, integer, text, bigint, text) from public, anon, authenticated;
grant execute on function durable_responses.next_poll(durable_responses.waits, bigint),
  durable_responses.bounded_delay(bigint),
  durable_responses.job_or_deleted(uuid, integer),
  public.is_response_of_another(uuid, integer, text),
  durable_responses.assign_response(durable_responses.waits, text, text, integer),
  public.record_background_response(uuid, integer, text, text, integer),
  public.claim_background_job(text, integer, integer),
  public.adopt_background_response(uuid, integer, text, integer, text),
  public.claim_background_polls(integer),
  public.fall_back_response_job(uuid, integer, jsonb, bigint, jsonb, boolean, boolean),
  public.record_settle_failure(uuid, integer, text, bigint, text) to service_role;
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
-- The outcome of an attempt: a result, a question, a failure, or a call in doubt.

create function public.complete_response_jobs(p_results jsonb) returns jsonb
language plpgsql set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
  set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_jobs uuid[];
  v_attempts integer[];
  v_routes text[];
  v_modes text[];
  v_took bigint[];
  v_steps record;
  v_route record;
begin
  -- In the order of their ids, so that two calls with the same jobs cannot deadlock.
  with given as materialized (
    -- One that is named twice counts once.
    select distinct on (job_id, attempt) * from jsonb_to_recordset(p_results) as r (
      job_id uuid, attempt integer, response_id text, output jsonb, output_text text, output_parsed jsonb,
      usage jsonb, request_id text)
    order by job_id, attempt
  ), gone as (
    -- Returns the columns that are needed below: joining them again would be nested loops, the square of the batch.
    delete from durable_responses.waits w using given g
    where w.job_id = g.job_id and w.attempt = g.attempt and w.status in ('background', 'running')
    returning w.job_id, w.attempt, w.status, w.route, w.failures, w.fallback_reason, w.worker, w.warnings, w.since,
      case w.status when 'background' then 'background' else 'synchronous' end as mode,
      coalesce(g.response_id, w.response_id) as response_id, coalesce(g.request_id, w.request_id) as request_id,
      g.output, g.output_text, nullif(g.output_parsed, 'null') as output_parsed, nullif(g.usage, 'null') as usage
  ), written as (
    update durable_responses.jobs j set
      status = 'completed', finished_from = x.status, finished_at = v_now, attempt = x.attempt, failures = x.failures,
      fallback_reason = x.fallback_reason, response_id = x.response_id,
      output = x.output, output_text = x.output_text, output_parsed = x.output_parsed, usage = x.usage
    from gone x
    where j.id = x.job_id
  ), ended as (
    insert into durable_responses.attempts (
      job_id, number, mode, worker, response_id, request_id, outcome, usage, warnings, started_at, finished_at)
    select job_id, attempt, mode, worker, response_id, request_id, 'completed', usage, warnings, since, v_now from gone
  )
  select array_agg(job_id), array_agg(attempt), array_agg(route), array_agg(mode),
    array_agg(floor(extract(epoch from v_now - since) * 1000))
  into v_jobs, v_attempts, v_routes, v_modes, v_took
  from gone;
  if v_jobs is null then
    return '[]';
  end if;

  -- Most runs have saved everything before they end.
  if jsonb_path_exists(p_results, '$[*].steps[*]') then
    for v_steps in
      select r.job_id, r.attempt, r.steps from jsonb_to_recordset(p_results) as r (job_id uuid, attempt integer, steps jsonb)
      where (r.job_id, r.attempt) in (select * from unnest(v_jobs, v_attempts)) and jsonb_array_length(r.steps) > 0
      order by r.job_id
    loop
      perform durable_responses.write_steps(v_steps.job_id, v_steps.attempt, v_steps.steps);
    end loop;
  end if;
  -- A response may end with a call in flight. If it must not be made twice, the ledger says that nobody knows its outcome.
  update public.response_steps s set
    status = case when s.effect = 'once' and j.on_uncertain = 'review' then 'uncertain' else 'void' end,
    finished_at = case when s.effect is distinct from 'once' or j.on_uncertain = 'retry' then v_now end
  from unnest(v_jobs, v_attempts) w (job_id, attempt)
    join durable_responses.jobs j on j.id = w.job_id
  where s.job_id = w.job_id and s.attempt = w.attempt and s.status = 'started';

  for v_route in
    select r.route, w.mode, w.took
    from (
      select route, mode, avg(took)::bigint as took from unnest(v_routes, v_modes, v_took) each (route, mode, took)
      group by route, mode) w
      join public.response_routes r on r.route = w.route
    where case w.mode
      when 'background' then r.breaker <> 'closed' or r.background_failures > 0 or r.paused_until <= v_now
      -- A sample is enough for an average; a write by every call would make all of them wait for one row.
      else r.paused_until <= v_now or r.typical_ms is null or random() < 0.1
    end
    order by r.route
  loop
    perform durable_responses.route_succeeded(v_route.route, v_route.mode, v_route.took);
  end loop;
  perform durable_responses.announce_jobs(v_jobs);
  return to_jsonb(v_jobs);
end;
$$;
comment on function public.complete_response_jobs(jsonb) is
  'Writes results [{job_id, attempt, response_id, output, output_text?, output_parsed?, usage?, request_id?, steps?}]. Returns the ids of the jobs that took their result; for the others, the attempt had ended.';

create function public.complete_response_job(
  p_job_id uuid, p_attempt integer, p_response_id text, p_output jsonb, p_output_text text default null,
  p_output_parsed jsonb default null, p_usage jsonb default null, p_request_id text default null, p_steps jsonb default '[]'
) returns json
language plpgsql set search_path = ''
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_wait durable_responses.waits;
  v_job durable_responses.jobs;
  v_mode text;
  v_started boolean;
  v_watched boolean;
  v_learns boolean;
begin
  -- The same as complete_response_jobs() does for many. For one job, simple statements cost half as much.
  delete from durable_responses.waits
  where job_id = p_job_id and attempt = p_attempt and status in ('background', 'running')
  returning * into v_wait;
  if not found then
    -- Refuses, and says why.
    perform durable_responses.lock_attempt(p_job_id, p_attempt, '{}');
  end if;
  v_mode := case v_wait.status when 'background' then 'background' else 'synchronous' end;
  p_usage := nullif(p_usage, 'null');
  update durable_responses.jobs set
    status = 'completed', finished_from = v_wait.status, finished_at = v_now, attempt = p_attempt, failures = v_wait.failures,
    fallback_reason = v_wait.fallback_reason, response_id = coalesce(p_response_id, v_wait.response_id),
    output = p_output, output_text = p_output_text, output_parsed = nullif(p_output_parsed, 'null'), usage = p_usage
  where id = p_job_id
  returning * into v_job;
  if p_steps <> '[]' then
    perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  end if;
  -- What else there may be to do, in the same look; after the wait was locked, as watches are read (12_announcements.sql).
  insert into durable_responses.attempts (
    job_id, number, mode, worker, response_id, request_id, outcome, usage, warnings, started_at, finished_at)
  values (
    p_job_id, p_attempt, v_mode, v_wait.worker, v_job.response_id, coalesce(p_request_id, v_wait.request_id), 'completed', p_usage,
    v_wait.warnings, v_wait.since, v_now)
  returning
    exists (select from public.response_steps where job_id = p_job_id and attempt = p_attempt and status = 'started'),
    exists (select from public.response_watches where watched_until > now()),
    (select case v_mode
      when 'background' then r.breaker <> 'closed' or r.background_failures > 0 or r.paused_until <= v_now
      else r.paused_until <= v_now or r.typical_ms is null or random() < 0.1
    end from public.response_routes r where r.route = v_wait.route)
  into v_started, v_watched, v_learns;
  if v_started then
    update public.response_steps set
      status = case when effect = 'once' and v_job.on_uncertain = 'review' then 'uncertain' else 'void' end,
      finished_at = case when effect is distinct from 'once' or v_job.on_uncertain = 'retry' then v_now end
    where job_id = p_job_id and attempt = p_attempt and status = 'started';
  end if;
  if v_learns then
    perform durable_responses.route_succeeded(v_wait.route, v_mode, durable_responses.ms_between(v_wait.since, v_now));
  end if;
  if v_watched then
    perform durable_responses.announce_jobs(array[p_job_id]);
  end if;
  return durable_responses.job_view(v_job, null);
end;
$$;
comment on function public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text, jsonb) is
  'Writes the result of one attempt. Refuses (DR410) an attempt that has ended.';

create function durable_responses.status_while_asked(p_job_id uuid) returns text
language plpgsql stable set search_path = ''
as $$
begin
  -- People first: their answer may settle a call that the caller would otherwise be asked to make.
  return (
    select case when bool_or(kind = 'mcp_approval_request') then 'awaiting_approval' else 'awaiting_tool_output' end
    from public.response_steps
    where job_id = p_job_id and status = 'waiting' and run_by is distinct from 'worker'
    having count(*) > 0);
end;
$$;
comment on function durable_responses.status_while_asked(uuid) is
  'The status of a job that waits for somebody outside: awaiting_approval while a person is asked, else awaiting_tool_output; null when nobody is asked.';

create function durable_responses.continue_when_answered(p_wait durable_responses.waits) returns void
language plpgsql set search_path = ''
as $$
declare
  v_asked constant text := durable_responses.status_while_asked(p_wait.job_id);
begin
  if v_asked is null then
    perform durable_responses.requeue(p_wait);
  elsif v_asked <> p_wait.status then
    perform durable_responses.hold(p_wait, v_asked, null);
  end if;
end;
$$;
comment on function durable_responses.continue_when_answered(durable_responses.waits) is
  'Several may have been asked at once: the run continues when the last has answered.';

create function public.suspend_response_job(
  p_job_id uuid, p_attempt integer, p_response_id text, p_steps jsonb, p_usage jsonb default null, p_answers jsonb default '{}'
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background,running}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(p_job_id, p_attempt);
  perform durable_responses.end_attempt(v_wait, 'suspended', null, p_response_id, null, nullif(p_usage, 'null'));
  if v_uncertain is not null then
    -- The review comes first: the next run asks again for what still needs a yes.
    update public.response_steps set status = 'void', finished_at = durable_responses.clock()
    where job_id = p_job_id and attempt = p_attempt and status = 'waiting' and kind = 'mcp_approval_request';
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain);
  else
    perform durable_responses.answer_as_guard(p_job_id, p_attempt, p_answers);
    if p_response_id is not null then
      -- As for a response that completes: OpenAI answers again.
      perform durable_responses.route_answered(v_wait.route, durable_responses.ms_between(v_wait.since, durable_responses.clock()));
    end if;
    perform durable_responses.hold(v_wait, coalesce(durable_responses.status_while_asked(p_job_id), 'awaiting_approval'), null);
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.suspend_response_job(uuid, integer, text, jsonb, jsonb, jsonb) is
  'The model asked to call tools that need a person''s yes, or that the caller makes: the job waits, without a worker. p_answers, {<item_id>: {approve, reason?}}: answers that need no person; they are sent with the person''s. If a call is in doubt, the job is held for review instead.';

create function durable_responses.may_retry_refused_key(p_wait durable_responses.waits, p_error jsonb) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return p_error ->> 'code' = 'openai_auth_failed' and p_error ->> 'status' = '401'
    and p_wait.failures + 1 < (select max_attempts from durable_responses.jobs where id = p_wait.job_id)
    and not exists (
      select from durable_responses.attempts where job_id = p_wait.job_id and error_code = 'openai_key_refused')
    -- A key that OpenAI calls incorrect gets another try only if it worked a moment ago.
    and (p_error ->> 'type' is distinct from 'invalid_api_key' or exists (
      select from durable_responses.jobs
      where status = 'completed' and finished_at > durable_responses.clock() - interval '15 minutes'));
end;
$$;
comment on function durable_responses.may_retry_refused_key(durable_responses.waits, jsonb) is
  'Whether OpenAI refused the key with a 401 for the first time in this job: valid keys are refused once in thousands of requests.';

create function public.fail_response_job(
  p_job_id uuid, p_attempt integer, p_error jsonb, p_cancel_upstream boolean default false, p_steps jsonb default '[]'
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background,running}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(p_job_id, p_attempt);
  if v_uncertain is null and durable_responses.may_retry_refused_key(v_wait, p_error) then
    perform durable_responses.end_attempt(v_wait, 'failed', p_error || '{"code": "openai_key_refused"}');
    if v_wait.status = 'background' then
      v_wait.fallback_reason := 'openai_key_refused';
    end if;
    perform durable_responses.requeue_after_failure(v_wait, p_error);
    return durable_responses.job_view(p_job_id);
  end if;
  perform durable_responses.pause_for(p_job_id, p_error, null);
  if p_cancel_upstream and v_wait.response_id is not null then
    perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, v_wait.response_id);
  end if;
  -- Even a permanent failure waits for a person while a side effect is uncertain, because a retry must know the outcome.
  if v_uncertain is not null then
    perform durable_responses.end_attempt(v_wait, 'suspended', p_error);
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain, p_error);
  else
    perform durable_responses.end_attempt(v_wait, 'failed', p_error);
    perform durable_responses.finish(v_wait, 'failed', p_error);
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.fail_response_job(uuid, integer, jsonb, boolean, jsonb) is
  'The attempt failed permanently: the job fails, or is held for review while a call is in doubt. p_error: {code, message, hint?, type?, request_id?}.';

create function public.retry_response_later(p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint default null) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
  v_uncertain constant text := durable_responses.settle_calls(p_job_id, p_attempt);
begin
  perform durable_responses.pause_for(p_job_id, p_error, p_retry_after_ms);
  if v_uncertain is not null then
    perform durable_responses.end_attempt(v_wait, 'suspended', p_error);
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain);
  else
    perform durable_responses.end_attempt(v_wait, 'failed', p_error);
    perform durable_responses.requeue_after_failure(v_wait, p_error, p_retry_after_ms);
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.retry_response_later(uuid, integer, jsonb, bigint) is
  'The attempt failed and may succeed later: queued again with backoff, at least p_retry_after_ms from now.';

create function public.quarantine_response_job(p_job_id uuid, p_attempt integer, p_error jsonb, p_steps jsonb default '[]') returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background,running}');
begin
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  -- A person decides, whatever on_uncertain says: the ledger and the model contradict each other.
  update public.response_steps set
    status = case when effect = 'once' then 'uncertain' when run_by is not null then 'waiting' else 'void' end,
    finished_at = case when effect is distinct from 'once' and run_by is null then durable_responses.clock() end
  where job_id = p_job_id and attempt = p_attempt and status = 'started';
  perform durable_responses.end_attempt(v_wait, 'suspended', p_error);
  perform durable_responses.hold(v_wait, 'needs_review', p_error ->> 'message', p_error);
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.quarantine_response_job(uuid, integer, jsonb, jsonb) is
  'Stops an attempt and holds the job for review: a call was repeated, or may have been made.';

revoke execute on function durable_responses.may_retry_refused_key(durable_responses.waits, jsonb), durable_responses.status_while_asked(uuid),
  durable_responses.continue_when_answered(durable_responses.waits), public.complete_response_jobs(jsonb),
  public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text, jsonb),
  public.suspend_response_job(uuid, integer, text, jsonb, jsonb, jsonb), public.fail_response_job(uuid, integer, jsonb, boolean, jsonb),
  public.retry_response_later(uuid, integer, jsonb, bigint), public.quarantine_response_job(uuid, integer, jsonb, jsonb)
  from public, anon, authenticated;
grant execute on function durable_responses.may_retry_refused_key(durable_responses.waits, jsonb), durable_responses.status_while_asked(uuid),
  durable_responses.continue_when_answered(durable_responses.waits), public.complete_response_jobs(jsonb),
  public.complete_response_job(uuid, integer, text, jsonb, text, jsonb, jsonb, text, jsonb),
  public.suspend_response_job(uuid, integer, text, jsonb, jsonb, jsonb), public.fail_response_job(uuid, integer, jsonb, boolean, jsonb),
  public.retry_response_later(uuid, integer, jsonb, bigint), public.quarantine_response_job(uuid, integer, jsonb, jsonb) to service_role;
-- What a caller may do with a job: read, cancel, retry (34_decisions.sql: resolve; 35_answers.sql: approve and give outputs).
--
-- The functions are called with the secret key, in the name of a user (p_owner_id) or of the key's holder (p_as_service).
-- visible_owners() and actionable_owners() decide whose jobs that user may see or act on, under the claims from
-- owner_claims().

create function durable_responses.owners_of(p_owner_id uuid, p_act boolean) returns uuid[]
language plpgsql set search_path = ''
as $$
declare
  v_claims constant text := current_setting('request.jwt.claims', true);
  v_owners uuid[];
begin
  if p_owner_id is null then
    return '{}'::uuid[];
  end if;
  perform set_config('request.jwt.claims', durable_responses.owner_claims(p_owner_id)::text, true);
  v_owners := case when p_act then durable_responses.actionable_owners() else durable_responses.visible_owners() end;
  perform set_config('request.jwt.claims', coalesce(v_claims, ''), true);
  return v_owners;
end;
$$;
comment on function durable_responses.owners_of(uuid, boolean) is 'Whose jobs this user may see, or act on.';

create function durable_responses.find_job(
  p_job_id uuid, p_owner_id uuid, p_as_service boolean, p_act boolean,
  out job durable_responses.jobs, out wait durable_responses.waits
) returns record
language plpgsql set search_path = ''
as $$
begin
  -- A token is valid until it expires, even if its user was deleted.
  perform durable_responses.refuse_deleted_owner(p_owner_id);
  if p_act then
    select * into wait from durable_responses.waits where job_id = p_job_id for update;
    if found then
      select * into job from durable_responses.jobs where id = p_job_id;
    else
      select * into job from durable_responses.jobs where id = p_job_id for update;
    end if;
  else
    select * into job from durable_responses.jobs where id = p_job_id;
    if job.status is null then
      select * into wait from durable_responses.waits where job_id = p_job_id;
      -- It may have become final between the two reads.
      if not found then
        select * into job from durable_responses.jobs where id = p_job_id;
      end if;
    end if;
  end if;
  if job.id is null or not (coalesce(p_as_service, false) or coalesce(job.owner_id = any (durable_responses.owners_of(p_owner_id, p_act)), false)) then
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
end;
$$;
comment on function durable_responses.find_job(uuid, uuid, boolean, boolean) is
  'The job and its wait (locked if p_act), if the caller may see it or act on it. Otherwise DR404, for a missing job and for somebody else''s alike. Refuses a deleted user (DR411).';

create function public.get_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, false);
begin
  return durable_responses.job_view(v.job, v.wait)::jsonb;
end;
$$;
comment on function public.get_response_job(uuid, uuid, boolean) is 'A job as its owner may see it.';

create function public.get_response_record(
  p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false, p_after integer default 0,
  p_with_input boolean default false, p_whole boolean default false, p_with_answers boolean default false, p_answered integer default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, false);
  v_job durable_responses.jobs := v.job;
  v_waits constant boolean := coalesce((v.wait).status in ('awaiting_approval', 'awaiting_tool_output'), false);
  -- No function shows people what the columns hide from them. Operators are people too.
  v_for_server constant boolean := p_whole or p_as_service and p_owner_id is null;
  -- The question after which everything is new: the reader's, or the last one that was answered.
  v_asked constant integer := coalesce(p_answered, (
    select max(s.number) from public.response_steps s
    where s.job_id = v_job.id and (s.run_by = 'caller' and s.status in ('finished', 'failed')
      or s.kind = 'mcp_approval_request' and s.answered_by <> 'guard' and s.answer ? 'approve')));
begin
  return durable_responses.job_view(v_job, v.wait)::jsonb
    || jsonb_build_object(
      'model', case when v_for_server then v_job.request ->> 'model' end,
      'whole_request', v_job.request is not null,
      'settings', v_job.settings,
      'previous_response_id', coalesce('resp_' || replace(v_job.continued_from::text, '-', ''),
        case when v_for_server then v_job.request ->> 'previous_response_id' end),
      -- Whether the same question would still join this finished job.
      'joinable', v_job.status is not null and exists (select from durable_responses.open_questions q where q.job_id = v_job.id and not q.taken),
      -- Only servers see which tools an MCP server has.
      'with_tool_lists', v_for_server,
      'handed_out', (
        select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'kind', s.kind, 'call_id', s.call_id, 'answered_at', extract(epoch from s.answered_at))
          || case when p_with_answers and v_job.output is null and s.status in ('finished', 'failed')
            then jsonb_build_object('item', s.item, 'output', s.output, 'error', s.error) else '{}' end
          order by s.number), '[]'::jsonb)
        from public.response_steps s where s.job_id = v_job.id and s.run_by = 'caller'),
      'answered', (
        select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'request_id', s.item_id, 'approve', (s.answer ->> 'approve')::boolean,
          'answered_at', extract(epoch from s.answered_at))
          order by s.number), '[]'::jsonb)
        from public.response_steps s
        where s.job_id = v_job.id and s.kind = 'mcp_approval_request' and s.answered_by <> 'guard' and s.answer ? 'approve'),
      -- What stands between the calls: part of a question that waits, and of what a conversation continues from.
      'between', (
        select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'item', s.item) order by s.number), '[]'::jsonb)
        from public.response_steps s
        where (v_waits or p_with_answers or v_asked is not null) and v_job.output is null and s.job_id = v_job.id and s.run_by is null and s.status = 'finished'
          and s.item is not null and s.kind not in ('mcp_call', 'mcp_approval_request', 'mcp_approval_response', 'unguarded_run')),
      'answered_number', p_answered,
      -- The attempt that asks ends with it, and what follows the answer is of a later one. A call may have waited for the answer.
      'known', (
        select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'kind', s.kind, 'id', coalesce(s.item ->> 'id', s.item_id)) order by s.number), '[]'::jsonb)
        from public.response_steps asked join public.response_steps s on s.job_id = asked.job_id and s.attempt <= asked.attempt
        where asked.job_id = v_job.id and asked.number = v_asked
          and (s.finished_at <= asked.started_at or s.kind <> 'mcp_call' and s.run_by is distinct from 'worker')),
      -- In the order in which they finished: a call that was shown keeps its place, whatever finishes later.
      -- The ids of items that callers see are made of step numbers.
      'last_number', coalesce((select max(s.number) from public.response_steps s where s.job_id = v_job.id), 0),
      'calls', (
        select coalesce(jsonb_agg(jsonb_build_object('number', c.number, 'item', c.item) order by c.finished_at, c.number), '[]'::jsonb)
        from (
          -- The guard's questions and answers stay between OpenAI and us.
          select s.finished_at, s.number, coalesce(case when s.kind = 'mcp_call' then s.item end || case when exists (
            select from public.response_steps g
            where g.job_id = s.job_id and g.answered_by = 'guard' and g.item ->> 'id' = s.item ->> 'approval_request_id'
          ) then '{"approval_request_id": null}'::jsonb else '{}' end, jsonb_build_object(
            -- To a reader, a call that we make looks like one that OpenAI makes: the caller has nothing left to do.
            'type', 'mcp_call', 'id', coalesce(s.item ->> 'id', s.item_id),
            'server_label', coalesce(s.server_label, 'functions'), 'name', s.tool,
            'arguments', coalesce(s.arguments, '{}'), 'output', s.output, 'error', s.error,
            'status', case when s.error is null then 'completed' else 'failed' end, 'approval_request_id', null
          )) as item
          from public.response_steps s
          where s.job_id = v_job.id and (s.kind = 'mcp_call' or s.run_by = 'worker') and s.status in ('finished', 'failed')
          order by s.finished_at, s.number
          offset p_after
        ) c
      )
    )
    || case when p_with_input
      then jsonb_build_object('input', coalesce(v_job.input,
        case when v_for_server then v_job.request -> 'input' else durable_responses.visible_input(v_job.request) end))
      else '{}'::jsonb
    end;
end;
$$;
comment on function public.get_response_record(uuid, uuid, boolean, integer, boolean, boolean, boolean, integer) is
  'A job with its calls from the p_after-th on and its input, from which the OpenAI-compatible endpoint makes a response. Users see of a whole request what visible_input() returns; a secret key sees model and input as they are. p_whole: so does a server that acts for a user, if it only sends them on to OpenAI. p_with_answers: with the answered calls of a job that has no output, for a conversation that continues. p_answered: the number of a step that asked, whose answer the reader has given. known: the items that the response had when it asked, or when it last asked what was answered.';

create function public.get_response_records(
  p_job_ids uuid[], p_owner_id uuid default null, p_as_service boolean default false, p_whole boolean default false,
  p_with_answers boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_records jsonb[];
  v_id uuid;
begin
  foreach v_id in array p_job_ids loop
    begin
      v_records := v_records
        || public.get_response_record(v_id, p_owner_id, p_as_service, p_whole => p_whole, p_with_answers => p_with_answers);
    exception when sqlstate 'DR404' then
      -- A conversation may name what is deleted, or somebody else's. The caller says what that means.
      continue;
    end;
  end loop;
  return coalesce(to_jsonb(v_records), '[]');
end;
$$;
comment on function public.get_response_records(uuid[], uuid, boolean, boolean, boolean) is
  'get_response_record() of several jobs, in one call: a conversation refers to many. Without those that are not there, or not the caller''s to see.';

create function public.cancel_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_job durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
  v_upstream jsonb;
begin
  if v_job.status = 'cancelled' then
    return jsonb_build_object('job', durable_responses.job_view(v_job, v_wait), 'upstream', null);
  end if;
  if v_job.status is not null then
    raise exception using errcode = 'DR409', message = format('Cannot cancel job %s: it is already %s', p_job_id, v_job.status),
      hint = 'Only a job that has not finished can be cancelled.';
  end if;
  if v_wait.status = 'background' and v_wait.response_id is not null then
    perform durable_responses.request_upstream_cancel(p_job_id, v_wait.attempt, v_wait.response_id);
    v_upstream := durable_responses.upstream(p_job_id, v_wait.attempt, v_wait.response_id);
  end if;
  -- This does not take back a call in flight: a retry of the job must know about it.
  perform durable_responses.settle_calls(p_job_id, v_wait.attempt);
  perform durable_responses.end_attempt(v_wait, 'cancelled');
  perform durable_responses.finish(v_wait, 'cancelled');
  return jsonb_build_object('job', durable_responses.job_view(p_job_id), 'upstream', v_upstream);
end;
$$;
comment on function public.cancel_response_job(uuid, uuid, boolean) is
  'Cancels a job that has not finished; a second cancel returns it unchanged. Returns {job, upstream}. upstream: a background response to cancel at OpenAI, as claim_pending_cancels() returns it.';

create function public.retry_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_old durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
  v_unread boolean;
  v_uncertain boolean;
  v_new uuid := durable_responses.uuid_v7();
begin
  if v_wait.status = 'queued' then
    update durable_responses.waits set due = least(due, v_now), ready = true, ready_xid = pg_current_xact_id() where job_id = p_job_id;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(p_job_id));
  end if;
  if v_wait.status = 'needs_review' then
    return jsonb_build_object('created', false,
      'job', public.resolve_response_job(p_job_id, 'did_not_happen', null, p_owner_id, p_as_service));
  end if;
  if v_old.status is null or v_old.status not in ('failed', 'cancelled') then
    raise exception using errcode = 'DR409',
      message = format('Cannot retry job %s: it is %s', p_job_id, coalesce(v_wait.status, v_old.status)),
      hint = 'You can retry a failed or cancelled job, run a queued one now, and run one that needs_review again.';
  end if;
  if exists (select from durable_responses.jobs where retry_of = p_job_id) then
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(
      (select id from durable_responses.jobs where retry_of = p_job_id)));
  end if;
  perform durable_responses.refuse_deleted_owner(v_old.owner_id);
  if durable_responses.too_many_jobs(v_old.owner_id) then
    perform durable_responses.refuse_too_many();
  end if;
  -- The output of a cancelled background run was not read: without the guard, nobody knows what it did before.
  v_unread := v_old.once_tools and v_old.on_uncertain = 'review' and not durable_responses.is_guarded(v_old) and exists (
    select from durable_responses.attempts
    where job_id = p_job_id and number = v_old.attempt and mode = 'background'
      and (outcome = 'cancelled' or error_code = 'deadline_exceeded'));
  v_uncertain := v_unread or exists (select from public.response_steps where job_id = p_job_id and status = 'uncertain');
  -- A final row never changes, so a retry is a new job. There is one per original, whose row is locked: a second retry returns
  -- the same job.
  insert into durable_responses.jobs (
    id, owner_id, profile, input, request, metadata, retry_of, first_id, priority, route, max_attempts, backoff_base_ms, backoff_cap_ms,
    deadline_ms, approval_ms, review_ms, poll_ms, background_ms, once_tools, on_uncertain, guard, settings, continued_from, created_at, query_text
  ) values (
    v_new, v_old.owner_id, v_old.profile, v_old.input, v_old.request, v_old.metadata, v_old.id, coalesce(v_old.first_id, v_old.id), v_old.priority, v_old.route,
    v_old.max_attempts, v_old.backoff_base_ms, v_old.backoff_cap_ms,
    v_old.deadline_ms, v_old.approval_ms, v_old.review_ms, v_old.poll_ms, v_old.background_ms,
    v_old.once_tools, v_old.on_uncertain, v_old.guard, v_old.settings, v_old.continued_from, v_now, v_old.query_text
  );
  insert into durable_responses.job_files (job_id, bucket, path, version)
  select v_new, bucket, path, version from durable_responses.job_files where job_id = p_job_id;
  insert into durable_responses.waits (job_id, status, due, since, route, priority, owner_id, owner_key, deadline, review_reason)
  values (
    v_new, case when v_uncertain then 'needs_review' else 'queued' end,
    case when v_uncertain then v_now + make_interval(secs => v_old.review_ms / 1000.0) else v_now end,
    v_now, v_old.route, v_old.priority, v_old.owner_id,
    coalesce(v_old.owner_id, '00000000-0000-0000-0000-000000000000'), v_now + make_interval(secs => v_old.deadline_ms / 1000.0),
    case when v_uncertain then 'The job that this one retries ended while a side effect was uncertain' end
  );
  -- The new job takes over the old one's ledger, so that it does not repeat what the old job did. The final messages are left
  -- out, because they answered for the run that failed. So is a yes that was not used, because it was given for the old job.
  -- A call uses the request that it names, or else the last one for the same call before it.
  insert into public.response_steps (
    job_id, number, attempt, item_id, kind, status, effect, server_label, tool, run_by, arguments, call_key,
    output, error, item, answer, answered_by, answered_at, started_at, finished_at
  )
  select v_new, s.number, 0, s.attempt || ':' || s.item_id, s.kind, s.status, s.effect, s.server_label, s.tool, s.run_by, s.arguments,
    s.call_key, s.output, s.error, s.item,
    case when s.status <> 'uncertain' then s.answer end, case when s.status <> 'uncertain' then s.answered_by end,
    case when s.status <> 'uncertain' then s.answered_at end, s.started_at, s.finished_at
  from public.response_steps s
  where s.job_id = p_job_id and (s.status in ('finished', 'failed') and s.kind <> 'message' or s.status = 'uncertain')
    and (s.kind <> 'mcp_approval_request' or exists (
      select from public.response_steps made
      where made.job_id = p_job_id and (made.kind = 'mcp_call' or made.run_by is not null) and made.number > s.number
        and made.status in ('finished', 'failed', 'uncertain')
        and case when s.call_id is not null then made.call_id = s.call_id
          when made.item ->> 'approval_request_id' is not null
          then made.item ->> 'approval_request_id' = s.item ->> 'id' and made.attempt >= s.attempt
            and not exists (
              select from public.response_steps later
              where later.job_id = p_job_id and later.kind = s.kind and later.item ->> 'id' = s.item ->> 'id'
                and later.attempt <= made.attempt and later.number > s.number and later.number < made.number)
          else made.server_label = s.server_label and made.tool = s.tool and made.arguments is not distinct from s.arguments
            and not exists (
              select from public.response_steps later
              where later.job_id = p_job_id and later.kind = s.kind and later.number > s.number and later.number < made.number
                and later.status = 'finished' and later.server_label = s.server_label and later.tool = s.tool
                and later.arguments is not distinct from s.arguments)
        end));
  if v_unread then
    perform durable_responses.write_steps(v_new, 0, jsonb_build_array(jsonb_build_object(
      'item_id', 'unguarded_run', 'kind', 'unguarded_run', 'status', 'uncertain', 'effect', 'once')));
  end if;
  if v_uncertain then
    perform durable_responses.doubt(v_new);
  end if;
  perform durable_responses.announce_jobs(array[v_new]);
  return jsonb_build_object('created', true, 'job', durable_responses.job_view(v_new));
end;
$$;
comment on function public.retry_response_job(uuid, uuid, boolean) is
  'Runs a job again: a failed or cancelled one as a new job with the old ledger, a queued one at once, one that needs_review as if its one call in doubt had not been made. Returns {created, job}; a second retry returns the first one''s job.';

revoke execute on function durable_responses.owners_of(uuid, boolean), durable_responses.find_job(uuid, uuid, boolean, boolean),
  public.get_response_job(uuid, uuid, boolean), public.get_response_record(uuid, uuid, boolean, integer, boolean, boolean, boolean, integer),
  public.get_response_records(uuid[], uuid, boolean, boolean, boolean),
  public.cancel_response_job(uuid, uuid, boolean),
  public.retry_response_job(uuid, uuid, boolean) from public, anon, authenticated;
grant execute on function durable_responses.owners_of(uuid, boolean), durable_responses.find_job(uuid, uuid, boolean, boolean),
  public.get_response_job(uuid, uuid, boolean), public.get_response_record(uuid, uuid, boolean, integer, boolean, boolean, boolean, integer),
  public.get_response_records(uuid[], uuid, boolean, boolean, boolean),
  public.cancel_response_job(uuid, uuid, boolean),
  public.retry_response_job(uuid, uuid, boolean) to service_role;
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
-- The guard in background. A background response asks before each call that must not be made twice, as a synchronous run
-- does, and ends when it has asked. The run continues in further attempts:
--
--   background n    completes with its requests; they are answered here, and the job is queued      (continue_response_job)
--   running n + 1   a worker writes the calls as started, and sends the answers in a request of its own  (save_response_steps)
--   background n + 2  the response to that request                                                  (continue_in_background)
--
-- The attempt that sends the yes writes the call's row, and hands it to the attempt whose response makes the call, in the
-- transaction that starts that attempt. Whichever of the two ends without the call's result finds it started (settle_calls).
--
-- The worker may be lost between the call's row and the record of the response. Then nobody knows whether OpenAI has the yes.
-- With the row, the worker has marked the wait (continuing). So n + 2 starts without an id, and waits until the background
-- budget ends, like any response that nobody recorded:
--   * its webhook names n + 2, before or after the lease expires: it is the attempt's response   (adopt_background_response)
--   * the worker was only slow, and records it late                                                  (continue_in_background)
--   * the worker was only slow, and has not sent it: the calls are void, the job is queued            (withdraw_continuation)
--   * nothing comes: the calls are uncertain, and a person decides                                    (fall_back_response_job)
-- In none of these does another worker get the job while the yes may be on its way.

create function durable_responses.is_guarded(p_job durable_responses.jobs) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return p_job.guard = 'always'
    and not coalesce((select ignores_approval from public.response_routes where route = p_job.route), false);
end;
$$;
comment on function durable_responses.is_guarded(durable_responses.jobs) is
  'Whether the only calls that a background run of the job can have made, of those that must not be made twice, are those that had their yes.';

create function durable_responses.background_to_continue(p_wait durable_responses.waits) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  -- The last background attempt that asked for something. Later ones did not: their steps would show it.
  return (
    select jsonb_build_object('attempt', a.number, 'response_id', a.response_id)
    from durable_responses.attempts a
    where a.job_id = p_wait.job_id and a.mode = 'background' and a.outcome in ('continued', 'suspended')
      and exists (
        select from public.response_routes r
        where r.route = p_wait.route and (r.breaker = 'closed'
            -- A probe: while the breaker is not closed, no other job is accepted in background.
            or r.breaker = 'half_open' and coalesce(r.opened_at < (
              select j.created_at from durable_responses.jobs j where j.id = p_wait.job_id), true))
          and (r.paused_until is null or r.paused_until <= durable_responses.clock()))
    order by a.number desc limit 1);
end;
$$;
comment on function durable_responses.background_to_continue(durable_responses.waits) is
  'The background response after which a run may continue in background: {attempt, response_id}; null if there is none, or if its route is not healthy and the job is no probe.';

create function durable_responses.answer_as_guard(p_job_id uuid, p_attempt integer, p_answers jsonb) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  update public.response_steps s set
    status = 'finished', finished_at = v_now, answer = p_answers -> s.item_id, answered_by = 'guard', answered_at = v_now
  where s.job_id = p_job_id and s.attempt = p_attempt and s.status = 'waiting' and p_answers ? s.item_id;
end;
$$;
comment on function durable_responses.answer_as_guard(uuid, integer, jsonb) is
  'Answers the requests of an attempt that need no person: {<item_id>: {approve, reason?}}. Requests without an answer keep waiting.';

create function public.continue_response_job(
  p_job_id uuid, p_attempt integer, p_response_id text, p_steps jsonb, p_answers jsonb, p_usage jsonb default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{background}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(p_job_id, p_attempt);
  if v_uncertain is not null then
    -- The review comes first: the next run asks again.
    update public.response_steps set status = 'void', finished_at = v_now
    where job_id = p_job_id and attempt = p_attempt and status = 'waiting' and kind = 'mcp_approval_request';
    perform durable_responses.end_attempt(v_wait, 'suspended', null, p_response_id, null, nullif(p_usage, 'null'));
    perform durable_responses.hold(v_wait, 'needs_review', v_uncertain);
    return durable_responses.job_view(p_job_id);
  end if;
  perform durable_responses.answer_as_guard(p_job_id, p_attempt, p_answers);
  -- The next run asks again about requests without an answer.
  update public.response_steps set status = 'void', finished_at = v_now
  where job_id = p_job_id and attempt = p_attempt and status = 'waiting' and kind = 'mcp_approval_request';
  perform durable_responses.end_attempt(v_wait, 'continued', null, p_response_id, null, nullif(p_usage, 'null'));
  perform durable_responses.route_answered(v_wait.route, durable_responses.ms_between(v_wait.since, v_now));
  perform durable_responses.requeue(v_wait);
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.continue_response_job(uuid, integer, text, jsonb, jsonb, jsonb) is
  'A background response asked before calls that need no person, or asked for calls of ours (steps with run_by, waiting): the job is queued for a worker, which makes these calls and sends the answers. p_answers: {<item_id>: {approve, reason?}}, for requests among p_steps. For the breaker it is neither a success nor a failure.';

create function durable_responses.await_continuation(
  p_wait durable_responses.waits, p_response_id text, p_request_id text default null, p_poll_ms integer default null,
  p_error jsonb default null
) returns void
language plpgsql set search_path = ''
as $$
declare
  v_job durable_responses.jobs;
begin
  select * into v_job from durable_responses.jobs where id = p_wait.job_id;
  perform durable_responses.end_attempt(p_wait, 'continued', p_error);
  update public.response_steps set attempt = p_wait.attempt + 1
  where job_id = p_wait.job_id and attempt = p_wait.attempt and status = 'started';
  p_wait.background_until := durable_responses.clock() + make_interval(secs => v_job.background_ms / 1000.0);
  update durable_responses.waits set
    status = 'background', attempt = p_wait.attempt + 1, request_id = p_request_id,
    background_until = p_wait.background_until, due = durable_responses.next_poll(p_wait, v_job.poll_ms)
  where job_id = p_wait.job_id
  returning * into p_wait;
  if p_response_id is not null then
    perform durable_responses.assign_response(p_wait, p_response_id, p_request_id, coalesce(p_poll_ms, v_job.poll_ms));
  end if;
  perform durable_responses.announce_jobs(array[p_wait.job_id]);
end;
$$;
comment on function durable_responses.await_continuation(durable_responses.waits, text, text, integer, jsonb) is
  'The running attempt ends as continued: the response to its last request is the next attempt, and takes over the started calls. p_response_id: null if nobody knows whether OpenAI has the request; the id of another attempt''s response is treated as null. p_error: {code, message}, why the attempt could not record it.';

create function public.continue_in_background(
  p_job_id uuid, p_attempt integer, p_response_id text, p_request_id text default null, p_poll_ms integer default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_orphaned boolean := false;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if p_response_id is not null and public.is_response_of_another(p_job_id, p_attempt + 1, p_response_id) then
    -- Reading it would show what an earlier response did, and cancelling it could end another job's.
    p_response_id := null;
  end if;
  if v_wait.attempt = p_attempt and v_wait.status = 'running' then
    perform durable_responses.await_continuation(v_wait, p_response_id, p_request_id, p_poll_ms);
  elsif p_response_id is not null and exists (
    -- The lease expired first: the next attempt waits, or has waited, for exactly this response.
    select from durable_responses.waits
    where job_id = p_job_id and attempt = p_attempt + 1 and status = 'background' and response_id is null
    union all
    select from durable_responses.attempts
    where job_id = p_job_id and number = p_attempt + 1 and mode = 'background' and response_id is null
  ) then
    return public.record_background_response(p_job_id, p_attempt + 1, p_response_id, p_request_id,
      coalesce(p_poll_ms, (select poll_ms from durable_responses.jobs where id = p_job_id))) - 'upstream';
  elsif p_response_id is not null and not exists (
    -- Its webhook may have arrived first.
    select from durable_responses.waits where job_id = p_job_id and attempt = p_attempt + 1 and response_id = p_response_id
    union all
    select from durable_responses.attempts where job_id = p_job_id and number = p_attempt + 1 and response_id = p_response_id
  ) and (
    exists (select from durable_responses.jobs where id = p_job_id)
    or exists (select from durable_responses.tombstones where job_id = p_job_id)
  ) then
    -- The job has moved on. The ledger has the response's calls as started by the attempt that ended.
    v_orphaned := true;
    perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, p_response_id);
  end if;
  return jsonb_build_object('orphaned', v_orphaned, 'job', durable_responses.job_or_deleted(p_job_id, p_attempt));
end;
$$;
comment on function public.continue_in_background(uuid, integer, text, text, integer) is
  'A run continues in background as the next attempt, which takes over the started calls. p_response_id: null if OpenAI''s answer to the request could not be read; the id of another attempt''s response is treated as null. Returns {orphaned, job}. orphaned: the job has moved on, and the response must be cancelled.';

create function public.record_background_failure(p_job_id uuid, p_attempt integer, p_error jsonb) returns void
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits := durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
begin
  perform durable_responses.route_background_failed(v_wait.route, p_error ->> 'code');
  update durable_responses.waits set
    fallback_reason = p_error ->> 'code', warnings = warnings || left(p_error ->> 'message', 500), continuing = false
  where job_id = p_job_id;
end;
$$;
comment on function public.record_background_failure(uuid, integer, jsonb) is
  'A run could not continue in background, and continues in its worker instead.';

create function public.withdraw_continuation(p_job_id uuid, p_attempt integer, p_steps jsonb) returns boolean
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if v_wait.attempt = p_attempt and v_wait.status = 'running' then
    perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
    update durable_responses.waits set continuing = false where job_id = p_job_id;
    return true;
  elsif v_wait.attempt = p_attempt + 1 and v_wait.status = 'background' and v_wait.response_id is null then
    -- The lease expired first, and the job waits for a response that does not exist.
    perform durable_responses.write_steps(p_job_id, v_wait.attempt, p_steps);
    perform durable_responses.end_attempt(v_wait, 'handed_over');
    perform durable_responses.requeue(v_wait);
    return true;
  end if;
  if exists (
    select from durable_responses.attempts where job_id = p_job_id and number = p_attempt + 1 and response_id is not null
  ) then
    -- The response exists, whatever OpenAI has answered: it shows the outcome of the calls.
    return false;
  end if;
  -- The job was ended or held otherwise, maybe as the attempt that waited for the response and took its calls over. That they
  -- were not made may end a review.
  select coalesce(max(s.attempt), p_attempt) into p_attempt from public.response_steps s
  where s.job_id = p_job_id and s.attempt = p_attempt + 1
    and s.item_id in (select step ->> 'item_id' from jsonb_array_elements(p_steps) step);
  return public.save_response_steps(p_job_id, p_attempt, p_steps);
end;
$$;
comment on function public.withdraw_continuation(uuid, integer, jsonb) is
  'The request that was to continue a run in background has not been sent, or OpenAI has refused it. p_steps: its calls, as void. If the job waits for its response already, it is queued. Returns false if the job has moved on otherwise.';

create function public.record_ignored_approval(p_job_id uuid, p_attempt integer, p_detail text) returns void
language plpgsql set search_path = ''
as $$
begin
  perform public.warn_response_attempt(p_job_id, p_attempt, p_detail);
  update public.response_routes r set
    ignores_approval = true, ignores_approval_since = durable_responses.clock(), updated_at = durable_responses.clock()
  from durable_responses.jobs j
  where j.id = p_job_id and r.route = j.route and not r.ignores_approval;
end;
$$;
comment on function public.record_ignored_approval(uuid, integer, text) is
  'A call that must not be made twice was made without the required yes: from now on, nothing on this route counts as guarded.';

revoke execute on function durable_responses.is_guarded(durable_responses.jobs),
  durable_responses.background_to_continue(durable_responses.waits),
  durable_responses.answer_as_guard(uuid, integer, jsonb),
  durable_responses.await_continuation(durable_responses.waits, text, text, integer, jsonb),
  public.continue_response_job(uuid, integer, text, jsonb, jsonb, jsonb),
  public.continue_in_background(uuid, integer, text, text, integer), public.record_background_failure(uuid, integer, jsonb),
  public.withdraw_continuation(uuid, integer, jsonb),
  public.record_ignored_approval(uuid, integer, text) from public, anon, authenticated;
grant execute on function durable_responses.is_guarded(durable_responses.jobs),
  durable_responses.background_to_continue(durable_responses.waits),
  durable_responses.answer_as_guard(uuid, integer, jsonb),
  durable_responses.await_continuation(durable_responses.waits, text, text, integer, jsonb),
  public.continue_response_job(uuid, integer, text, jsonb, jsonb, jsonb),
  public.continue_in_background(uuid, integer, text, text, integer), public.record_background_failure(uuid, integer, jsonb),
  public.withdraw_continuation(uuid, integer, jsonb),
  public.record_ignored_approval(uuid, integer, text) to service_role;
-- Deletion of one final job, or of everything an owner has, and of what may still arrive afterwards.
--
-- A deletion permanently removes rows: input, answer, steps, attempts; and the files that were sent with the job, once no other job
-- refers to them (16_files.sql). What must outlive them has no content:
--   * a cancel that OpenAI has not confirmed (upstream_cancels): the response must be stopped in any case;
--   * a tombstone of each job: it refuses a late worker, and a response that OpenAI accepts late is cancelled;
--   * the question and the key of a job that somebody deleted, for the 15 minutes in which its request may be repeated
--     (17_open_questions.sql): a repeat must not do the same again. They go at once if the owner is deleted;
--   * the owner's id in deleted_owners: nothing more is accepted from that user, whose token is valid until it expires.
--
-- Deleted users are recorded, never guessed: by delete_response_owner(), or by a row that a deletion in Supabase Auth leaves in
-- deleted_owners. Owners from third-party auth have no row in auth.users, so a missing row says nothing.

create table durable_responses.tombstones (
  job_id uuid primary key,
  attempt integer not null,
  deleted_at timestamptz not null
);
create index tombstones_deleted on durable_responses.tombstones (deleted_at);
comment on index durable_responses.tombstones_deleted is 'Pruning.';
comment on table durable_responses.tombstones is
  'Deleted jobs, for response_settings.retention_days: whatever arrives for them is refused. No foreign key, no content.';
comment on column durable_responses.tombstones.job_id is 'The deleted job.';
comment on column durable_responses.tombstones.attempt is 'Its last attempt.';
comment on column durable_responses.tombstones.deleted_at is 'When it was deleted.';

create table durable_responses.deleted_owners (
  owner_id uuid,
  requested_at timestamptz default now(),
  swept_at timestamptz,
  done_at timestamptz
);
create index deleted_owners_owner on durable_responses.deleted_owners (owner_id);
comment on index durable_responses.deleted_owners_owner is 'Whether an owner is deleted: asked by each submit.';
create index deleted_owners_open on durable_responses.deleted_owners (swept_at nulls first) where done_at is null;
comment on index durable_responses.deleted_owners_open is 'Whose jobs are still to be deleted, the longest-waiting first.';
comment on table durable_responses.deleted_owners is
  'Deleted users. Their jobs are deleted, or will be within a minute, and no more are accepted. It has no constraints, so that writing a row cannot make the deletion of a user fail. Duplicates are harmless.';
comment on column durable_responses.deleted_owners.owner_id is 'The owner.';
comment on column durable_responses.deleted_owners.requested_at is 'Since when nothing is accepted from this owner.';
comment on column durable_responses.deleted_owners.swept_at is 'When cron last looked for jobs of this owner.';
comment on column durable_responses.deleted_owners.done_at is 'When no job was left; at least ten minutes later, because a submit may have been running.';

alter table durable_responses.tombstones enable row level security;
alter table durable_responses.deleted_owners enable row level security;
revoke all on durable_responses.tombstones, durable_responses.deleted_owners from public, anon, authenticated, service_role;
grant select, insert, delete on durable_responses.tombstones to service_role;
grant select, insert, update on durable_responses.deleted_owners to service_role;

create function durable_responses.is_deleted_owner(p_owner_id uuid) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return p_owner_id is not null and exists (select from durable_responses.deleted_owners where owner_id = p_owner_id);
end;
$$;
comment on function durable_responses.is_deleted_owner(uuid) is 'Whether this user is deleted.';

create function durable_responses.refuse_deleted_owner(p_owner_id uuid) returns void
language plpgsql stable set search_path = ''
as $$
begin
  if durable_responses.is_deleted_owner(p_owner_id) then
    raise exception using errcode = 'DR411', message = format('Cannot accept anything for user %s: the user was deleted', p_owner_id),
      hint = 'Nothing was accepted. Sign in as an existing user.';
  end if;
end;
$$;
comment on function durable_responses.refuse_deleted_owner(uuid) is 'Refuses (DR411) anything in the name of a deleted user.';

create function durable_responses.erase_jobs(p_job_ids uuid[]) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_files constant text[] := durable_responses.sent_files_of(p_job_ids);
  v_erased integer;
begin
  -- The caller holds the locks: of the wait rows, or of the rows of final jobs.
  insert into durable_responses.tombstones (job_id, attempt, deleted_at)
  select j.id, coalesce(w.attempt, j.attempt, 0), durable_responses.clock()
  from durable_responses.jobs j left join durable_responses.waits w on w.job_id = j.id
  where j.id = any (p_job_ids)
  on conflict do nothing;
  insert into durable_responses.upstream_cancels (job_id, attempt, response_id, due, requested_at)
  select w.job_id, w.attempt, w.response_id, durable_responses.clock(), durable_responses.clock()
  from durable_responses.waits w where w.job_id = any (p_job_ids) and w.response_id is not null
  on conflict do nothing;
  delete from durable_responses.jobs where id = any (p_job_ids);
  get diagnostics v_erased = row_count;
  perform durable_responses.release_files(v_files);
  return v_erased;
end;
$$;
comment on function durable_responses.erase_jobs(uuid[]) is
  'Deletes jobs with everything that belongs to them, leaves tombstones, and keeps pending cancels. Returns how many.';

create function public.delete_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_job durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
begin
  if v_job.status is null then
    raise exception using errcode = 'DR409', message = format('Cannot delete job %s: it is %s', p_job_id, v_wait.status),
      hint = 'Cancel it first. Only a final job can be deleted.';
  end if;
  perform durable_responses.remember_deleted(v_job);
  perform durable_responses.erase_jobs(array[p_job_id]);
  return jsonb_build_object('id', p_job_id, 'deleted', true);
end;
$$;
comment on function public.delete_response_job(uuid, uuid, boolean) is
  'Deletes a final job with its input, answer and ledger. For 15 minutes, a repeat of its request is refused (DR414). Refuses (DR409) one that has not finished. Returns {id, deleted}.';

create function public.delete_response_owner(p_owner_id uuid, p_limit integer default 1000) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_unfinished uuid[];
  v_final uuid[];
  v_left boolean;
begin
  if p_owner_id is null then
    raise exception using errcode = 'DR400', message = 'Cannot delete an owner without an id: p_owner_id is null',
      hint = 'Pass the user''s id as auth.users has it.';
  end if;
  if not durable_responses.is_deleted_owner(p_owner_id) then
    insert into durable_responses.deleted_owners (owner_id, requested_at) values (p_owner_id, v_now);
  end if;
  select array_agg(job_id) into v_unfinished from (
    select job_id from durable_responses.waits where owner_id = p_owner_id order by job_id limit p_limit for update) locked;
  select array_agg(id) into v_final from (
    select id from durable_responses.jobs where owner_id = p_owner_id and status is not null
    order by id limit greatest(p_limit - coalesce(cardinality(v_unfinished), 0), 0) for update) locked;
  perform durable_responses.erase_jobs(v_unfinished || v_final);
  -- What was kept for repeats of jobs that the user had deleted before: nothing is accepted any more.
  delete from durable_responses.idempotency_keys where owner_key = p_owner_id and deleted_until is not null;
  delete from durable_responses.open_questions where owner_id = p_owner_id and deleted_until is not null;
  delete from public.response_watches where topic = 'response-jobs:' || p_owner_id;
  v_left := exists (select from durable_responses.jobs where owner_id = p_owner_id and status is not null)
    or exists (select from durable_responses.waits where owner_id = p_owner_id);
  update durable_responses.deleted_owners set swept_at = v_now,
    done_at = case when not v_left and v_final is null and v_unfinished is null and requested_at <= v_now - interval '10 minutes' then v_now end
  where owner_id = p_owner_id and done_at is null;
  return jsonb_build_object('cancelled', coalesce(cardinality(v_unfinished), 0),
    'deleted', coalesce(cardinality(v_unfinished || v_final), 0), 'left', v_left);
end;
$$;
comment on function public.delete_response_owner(uuid, integer) is
  'Deletes everything that a user has: cancels their responses at OpenAI, deletes their jobs with inputs, answers and ledgers (at most p_limit in this call), and accepts no more from this user. Returns {cancelled, deleted, left}. While jobs are left, cron continues within a minute.';

create function public.run_response_deletions(p_limit integer default 1000) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_owner uuid;
  v_deleted integer := 0;
  v_failed integer := 0;
  v_streams integer := 0;
begin
  for v_owner in
    select owner_id from durable_responses.deleted_owners
    where done_at is null and owner_id is not null order by swept_at nulls first limit 20
  loop
    -- All in one transaction, and other jobs' renewals may wait for its locks.
    exit when v_deleted >= p_limit;
    begin
      v_deleted := v_deleted + (public.delete_response_owner(v_owner, p_limit) ->> 'deleted')::integer;
    exception
      -- An owner who cannot be deleted now must not block the others, and is tried again after them.
      when others then
        raise warning 'Cannot delete the jobs of user % yet: % (%)', v_owner, sqlerrm, sqlstate;
        v_failed := v_failed + 1;
        update durable_responses.deleted_owners set swept_at = durable_responses.clock() where owner_id = v_owner;
    end;
  end loop;
  begin
    v_streams := durable_responses.delete_ended_streams(20 * p_limit);
    perform durable_responses.forget_deleted(p_limit);
    -- Runs in place do not sign off when they end, and claims count the workers that are there.
    delete from public.response_workers where id in (
      select id from public.response_workers
      where kind = 'inline' and seen_at < durable_responses.clock() - interval '5 minutes' order by id for update skip locked);
  exception
    when others then
      raise warning 'Cannot delete ended streams and forgotten questions yet: % (%)', sqlerrm, sqlstate;
      v_failed := v_failed + 1;
  end;
  return jsonb_build_object('deleted', v_deleted, 'failed', v_failed, 'streams', v_streams);
end;
$$;
comment on function public.run_response_deletions(integer) is
  'Run by pg_cron: continues the deletion of users, the longest-waiting first, until p_limit jobs are deleted, and deletes streams that have ended, and what was kept for repeats of deleted jobs. Returns {deleted, failed, streams}.';

-- Security definer: whoever deletes a user (Supabase Auth's own role, the dashboard's) has no right to write here.
create function durable_responses.record_deleted_user() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  insert into durable_responses.deleted_owners (owner_id, requested_at) values (old.id, now());
  return null;
exception
  when others then
    -- The deletion of a user succeeds, whatever is wrong here. The log says so, and delete_response_owner() makes up for it.
    raise warning 'Cannot record that user % is deleted: % (%)', old.id, sqlerrm, sqlstate;
    return null;
end;
$$;
comment on function durable_responses.record_deleted_user() is
  'Records that a user of Supabase Auth was deleted, or marked as deleted. Never fails.';

revoke execute on function durable_responses.is_deleted_owner(uuid), durable_responses.refuse_deleted_owner(uuid),
  durable_responses.erase_jobs(uuid[]), durable_responses.record_deleted_user(),
  public.delete_response_job(uuid, uuid, boolean), public.delete_response_owner(uuid, integer) from public, anon, authenticated;
revoke execute on function durable_responses.record_deleted_user() from service_role;
grant execute on function durable_responses.is_deleted_owner(uuid), durable_responses.refuse_deleted_owner(uuid),
  durable_responses.erase_jobs(uuid[]),
  public.delete_response_job(uuid, uuid, boolean), public.delete_response_owner(uuid, integer) to service_role;
-- Runs as the owner, postgres, from pg_cron; no API role has a reason to call it.
revoke execute on function public.run_response_deletions(integer) from public, anon, authenticated, service_role;

do $$
begin
  if to_regclass('auth.users') is null then
    raise notice 'There is no auth.users here: call delete_response_owner() when a user leaves';
    return;
  end if;
  create or replace trigger durable_responses_user_deleted after delete on auth.users
    for each row execute function durable_responses.record_deleted_user();
  if exists (select from pg_catalog.pg_attribute where attrelid = 'auth.users'::regclass and attname = 'deleted_at') then
    create or replace trigger durable_responses_user_marked after update of deleted_at on auth.users
      for each row when (old.deleted_at is null and new.deleted_at is not null)
      execute function durable_responses.record_deleted_user();
  end if;
end;
$$;
-- Calls for the caller: of functions and other tools of a profile, or of a whole request, that the caller runs. The job waits
-- (awaiting_tool_output) until each call has its output (35_answers.sql).

create function durable_responses.refuse_unfit_answer(p_call public.response_steps, p_kind text, p_output text) returns void
language plpgsql stable set search_path = ''
as $$
declare
  v_answer jsonb;
  v_unseen text;
begin
  if p_call.kind <> p_kind then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept a %s_output for call %s: it is a %s', left(p_kind, 40), left(p_call.call_id, 100), p_call.kind),
      hint = format('Answer it with a %s_output.', p_call.kind);
  end if;
  if p_kind not in ('apply_patch_call', 'shell_call', 'computer_call') then
    return;
  end if;
  begin
    v_answer := p_output::jsonb;
  exception when invalid_text_representation then
    v_answer := null;
  end;
  if jsonb_typeof(v_answer) is distinct from 'object' then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept the output of call %s: of a %s it is the fields of the answer as JSON', left(p_call.call_id, 100), p_kind),
      hint = format('Send the %s_output item to POST /respond/:id/tool-output, or its fields but type and call_id here.', p_kind);
  end if;
  select string_agg(safety ->> 'id', ', ') into v_unseen
  from jsonb_path_query(p_call.item, '$.pending_safety_checks[*]') safety
  where not jsonb_path_exists(v_answer, '$.acknowledged_safety_checks[*] ? (@.id == $id)', jsonb_build_object('id', safety -> 'id'));
  if v_unseen is not null then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept the output of call %s: its safety checks are not acknowledged: %s', left(p_call.call_id, 100), left(v_unseen, 500)),
      hint = 'Show them to a person. If they agree, send the checks in acknowledged_safety_checks.';
  end if;
end;
$$;
comment on function durable_responses.refuse_unfit_answer(public.response_steps, text, text) is
  'Refuses (DR400) an answer of another kind than the call, and one to a computer_call that does not acknowledge its pending safety checks: OpenAI would refuse it, when it cannot be given again.';

create function public.find_response_tool_calls(
  p_call_ids text[], p_owner_id uuid default null, p_as_service boolean default false, p_job_id uuid default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_owners constant uuid[] := durable_responses.owners_of(p_owner_id, true);
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('call_id', call_id, 'job_id', job_id, 'waits', waits, 'numbers', numbers) order by call_id), '[]'::jsonb)
    from (
      -- An API may use a call's id again in a later response. A request is about the job that has asked for most of its calls.
      select distinct on (call_id) call_id, job_id, waits, numbers
      from (
        select s.call_id, s.job_id, count(*) over (partition by s.job_id) as calls, array_agg(s.number order by s.number) as numbers,
          bool_or(s.status = 'waiting') and coalesce(w.status in ('awaiting_tool_output', 'awaiting_approval'), false) as waits
        from public.response_steps s
          join durable_responses.jobs j on j.id = s.job_id
          left join durable_responses.waits w on w.job_id = s.job_id
        where s.run_by = 'caller' and s.call_id = any (p_call_ids) and (coalesce(p_as_service, false) or j.owner_id = any (v_owners))
        group by s.call_id, s.job_id, w.status
      ) handed_out
      order by call_id, job_id is distinct from p_job_id, calls desc, job_id desc
    ) found);
end;
$$;
comment on function public.find_response_tool_calls(text[], uuid, boolean, uuid) is
  'Which jobs, of those that the caller may act on, have handed out these calls: [{call_id, job_id, waits, numbers}], one job for each call that is known. waits: whether the job still waits for its output. numbers: the steps, if its API has used the id several times. p_job_id: the job to prefer.';

revoke execute on function durable_responses.refuse_unfit_answer(public.response_steps, text, text),
  public.find_response_tool_calls(text[], uuid, boolean, uuid) from public, anon, authenticated;
grant execute on function durable_responses.refuse_unfit_answer(public.response_steps, text, text),
  public.find_response_tool_calls(text[], uuid, boolean, uuid) to service_role;
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
-- Tools that are Postgres functions. The tool's effect and the ledger's row of its call are one transaction: both exist or
-- neither does, so the call happens exactly once, and is never in doubt. Before it, there is no row, or one that waits: such a
-- call has not happened.
--
-- The order matters:
--   1. search_path, claims and role of the owner are set, so that row security holds in the tool as for the owner's own
--      requests. The headers of the worker's request are removed, because they contain the secret key.
--   2. the call
--      A function that leaves another role or other claims behind is refused: what runs next would run as somebody else.
--   3. deferred constraints and triggers run now: at the commit they would run as service_role, and a failure there would
--      undo the ledger's row
--   4. the role is reset
--   5. the wait row is locked and the attempt compared, only now: a lock held while a slow tool runs would stall the renewal
--      of every lease of its worker
--   6. the ledger's row is written. After the lock, because steps are numbered under it: tools of one response run at the same
--      time, and two that were numbered earlier would deadlock.
-- An exception rolls back 1 to 3 and becomes the tool's error. An attempt that is no longer current rolls back everything.
--
-- How long it may take: the statement timeout cancels the call after 8 s, and the model is told. A function that catches
-- query_canceled and continues has used that up, because a statement has one timeout. From Postgres 17 on, the transaction
-- timeout then ends the whole session, which no function can catch. Before 17, nothing in Postgres ends it. Either way the worker
-- gets no answer in time and gives the call up (give_up_sql_tool): the ledger then has it as failed, and if the function ends
-- after all, it finds that row and is rolled back.
--
-- A tool that runs dynamic SQL can reset the role, and one that is SECURITY DEFINER has its owner's rights: their authors are
-- responsible for them. docs/tools.md says so.

create function durable_responses.argument_names(p_names text[], p_modes "char"[], p_arguments integer) returns text[]
language sql immutable set search_path = ''
as $$
  select coalesce(array_agg(coalesce(a.name, '') order by a.place), '{}')
  from unnest(p_names, p_modes) with ordinality a (name, mode, place)
  where coalesce(a.mode, 'i') in ('i', 'b', 'v') and (p_modes is not null or a.place <= p_arguments);
$$;
comment on function durable_responses.argument_names(text[], "char"[], integer) is
  'The names of a function''s input arguments, in order, from pg_proc''s proargnames, proargmodes and pronargs. An argument without a name has an empty one; if no argument has a name, there are none.';

create function durable_responses.sql_tool_query(p_function text, p_arguments jsonb) returns text
language plpgsql stable set search_path = ''
as $$
declare
  v_name constant text[] := parse_ident(p_function);
  v_given constant text[] := array(select jsonb_object_keys(p_arguments) order by 1);
  v_found bigint;
  v_function record;
  v_columns text;
  v_arguments text;
  v_call text;
begin
  select count(*) over () as found, f.* into v_function
  from (
    select p.oid, p.proretset, p.prorettype, p.proargtypes, names.list as names
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      cross join lateral durable_responses.argument_names(p.proargnames, p.proargmodes, p.pronargs) names (list)
    where n.nspname = v_name[1] and p.proname = v_name[2] and p.prokind = 'f'
      and v_given <@ names.list and names.list[1 : p.pronargs - p.pronargdefaults] <@ v_given
  ) f;
  v_found := coalesce(v_function.found, 0);
  if v_found <> 1 then
    raise exception using errcode = 'DR500',
      message = format('Cannot call %s with the arguments %s: %s function of this name takes exactly these', p_function,
        coalesce(nullif(array_to_string(v_given, ', '), ''), '(none)'), case v_found when 0 then 'no' else 'more than one' end),
      hint = 'Give the fields of inputSchema the names of the function''s arguments. Every argument without a default needs one.';
  end if;
  select string_agg(format('%I %s', name, format_type(v_function.proargtypes[place - 1], null)), ', ' order by place),
    string_agg(format('%I => given.%I', name, name), ', ' order by place)
  into v_columns, v_arguments
  from unnest(v_function.names) with ordinality a (name, place) where name = any (v_given);
  v_call := format('%I.%I(%s)', v_name[1], v_name[2], v_arguments);
  return case
    when v_function.proretset then format('select coalesce(jsonb_agg(to_jsonb(answer)), ''[]'') from %s %s as answer',
      'jsonb_to_record($1) as given (' || v_columns || ') cross join lateral', v_call)
    when v_function.prorettype = 'void'::regtype then format('select to_jsonb((%s)::text)', v_call)
    else format('select to_jsonb(%s)', v_call)
  end || case
    when not v_function.proretset and v_columns is not null then format(' from jsonb_to_record($1) as given (%s)', v_columns)
    else ''
  end;
end;
$$;
comment on function durable_responses.sql_tool_query(text, jsonb) is
  'The query that calls a SQL tool: its arguments ($1, an object) by name, each cast to the type of the function''s argument. Refuses (DR500) a function that does not take exactly these.';

create function durable_responses.sql_tool_outcome(p_job_id uuid, p_attempt integer, p_item_id text) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object('output', output, 'error', error) from public.response_steps
  where job_id = p_job_id and attempt = p_attempt and item_id = p_item_id and status in ('finished', 'failed');
$$;
comment on function durable_responses.sql_tool_outcome(uuid, integer, text) is
  'How a call of a SQL tool has ended, as {output, error}; null if it has not.';

create function public.run_sql_tool(
  p_job_id uuid, p_attempt integer, p_step jsonb, p_function text, p_arguments jsonb, p_as text default 'user'
) returns jsonb
language plpgsql set search_path = ''
  -- The platform's limit for its API, set here too: PostgREST from 12.2 on takes it from the function that it calls, older
  -- versions from the role that they connect with. Set inside, it would not limit the statement that is already running.
  set statement_timeout = '8s'
as $$
declare
  v_max_bytes constant integer := 1000000;
  v_role constant text := current_setting('role');
  v_claims constant text := current_setting('request.jwt.claims', true);
  v_limit constant interval := current_setting('statement_timeout')::interval;
  v_session_limit constant text := current_setting('transaction_timeout', true);
  v_wait durable_responses.waits;
  v_known jsonb;
  v_query text;
  v_identity text;
  v_answer jsonb;
  v_output text;
  v_error text;
  v_state text;
  v_hint text;
begin
  -- A repeat, because the first answer was lost.
  v_known := durable_responses.sql_tool_outcome(p_job_id, p_attempt, p_step ->> 'item_id');
  if v_known is not null then
    return v_known;
  end if;
  -- Checked without a lock: a call that is late already need not be made.
  select * into v_wait from durable_responses.waits where job_id = p_job_id;
  if v_wait.attempt is distinct from p_attempt or v_wait.status <> 'running' then
    perform durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
  end if;
  if p_as is null or p_as not in ('user', 'service') or p_as = 'user' and v_wait.owner_id is null then
    raise exception using errcode = 'DR500',
      message = format('Cannot call %s as ''%s'': %s', p_function, p_as,
        case p_as when 'user' then 'the job has no owner' else 'it must be user or service' end),
      hint = 'A job of a server has no owner: give the tool as: "service", or submit the job as a user.';
  end if;
  v_query := durable_responses.sql_tool_query(p_function, p_arguments);
  -- It counts from here. Shorter than the worker's patience with the database, so that its repeat finds nobody else at work.
  if v_session_limit is not null then
    perform set_config('transaction_timeout', '9s', true);
  end if;
  begin
    perform set_config('search_path', 'public, extensions', true), set_config('request.headers', '{}', true),
      set_config('request.cookies', '{}', true);
    if p_as = 'user' then
      perform set_config('request.jwt.claims', durable_responses.owner_claims(v_wait.owner_id)::text, true);
      perform set_config('role', 'authenticated', true);
    end if;
    v_identity := concat_ws(' ', current_setting('role'), current_setting('request.jwt.claims', true));
    execute v_query into v_answer using p_arguments;
    if v_identity is distinct from concat_ws(' ', current_setting('role'), current_setting('request.jwt.claims', true)) then
      raise exception using errcode = 'insufficient_privilege',
        message = format('Cannot accept what %s did: it changed the role or the claims that it was called with, and was undone', p_function);
    end if;
    set constraints all immediate;
    perform set_config('role', v_role, true);
    perform set_config('search_path', '', true), set_config('request.jwt.claims', coalesce(v_claims, ''), true);
    v_output := case jsonb_typeof(v_answer) when 'string' then v_answer #>> '{}' else coalesce(v_answer::text, 'null') end;
    if octet_length(v_output) > v_max_bytes then
      raise exception using errcode = 'program_limit_exceeded',
        message = format('Cannot accept the output: it has %s bytes, and at most %s are accepted; the call was rolled back', octet_length(v_output), v_max_bytes),
        hint = 'Ask for less, a page at a time.';
    end if;
  exception
    -- `others` includes neither of the two before it.
    when query_canceled or assert_failure or others then
      get stacked diagnostics v_state = returned_sqlstate, v_error = message_text, v_hint = pg_exception_hint;
      -- A function may raise query_canceled itself. The time tells which it is.
      v_error := case
        when v_state = '57014' and clock_timestamp() - statement_timestamp() > v_limit * 0.95
          then 'Cannot finish the call: it took too long, and was undone'
        else concat_ws('. ', v_error, nullif(v_hint, ''))
      end;
  end;
  if v_session_limit is not null then
    perform set_config('transaction_timeout', v_session_limit, true);
  end if;
  v_wait := durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
  if durable_responses.sql_tool_outcome(p_job_id, p_attempt, p_step ->> 'item_id') is not null then
    -- The same call ran twice at once, and the other one has finished, or the worker has given this one up. It is rolled back,
    -- and its repeat finds the row.
    raise exception using errcode = 'serialization_failure', message = 'The call has already been made';
  end if;
  perform durable_responses.write_steps(p_job_id, p_attempt, jsonb_build_array(p_step || jsonb_build_object(
    'status', case when v_error is null then 'finished' else 'failed' end,
    'output', case when v_error is null then v_output end, 'error', v_error)));
  return jsonb_build_object('output', case when v_error is null then v_output end, 'error', v_error);
end;
$$;
comment on function public.run_sql_tool(uuid, integer, jsonb, text, jsonb, text) is
  'Calls a Postgres function as a tool and writes the ledger''s row of the call, in one transaction. p_step: as write_steps() takes it; its status and outcome are set here. p_as: user (the job''s owner, with their claims and row security) or service. Returns {output, error}. Refuses: DR410 an attempt that is no longer current, DR500 a function that does not take the arguments, or no owner.';

create function public.give_up_sql_tool(p_job_id uuid, p_attempt integer, p_step jsonb, p_error text) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_known jsonb;
begin
  perform durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
  v_known := durable_responses.sql_tool_outcome(p_job_id, p_attempt, p_step ->> 'item_id');
  if v_known is not null then
    return v_known;
  end if;
  perform durable_responses.write_steps(p_job_id, p_attempt, jsonb_build_array(
    p_step || jsonb_build_object('status', 'failed', 'output', null, 'error', p_error)));
  return jsonb_build_object('output', null, 'error', p_error);
end;
$$;
comment on function public.give_up_sql_tool(uuid, integer, jsonb, text) is
  'Ends a call of a SQL tool that gave no answer in time. If it has ended meanwhile, returns its outcome {output, error}. Otherwise writes it as failed with p_error: should the function still run, it is rolled back at its end. Refuses: DR410 an attempt that is no longer current.';

revoke execute on function durable_responses.argument_names(text[], "char"[], integer),
  durable_responses.sql_tool_query(text, jsonb),
  durable_responses.sql_tool_outcome(uuid, integer, text),
  public.give_up_sql_tool(uuid, integer, jsonb, text),
  public.run_sql_tool(uuid, integer, jsonb, text, jsonb, text) from public, anon, authenticated;
grant execute on function durable_responses.argument_names(text[], "char"[], integer),
  durable_responses.sql_tool_query(text, jsonb),
  durable_responses.sql_tool_outcome(uuid, integer, text),
  public.give_up_sql_tool(uuid, integer, jsonb, text),
  public.run_sql_tool(uuid, integer, jsonb, text, jsonb, text) to service_role;
-- What pg_cron runs: waking a worker when there is something to do, and deleting what is old.
--
-- Waking needs two values in Vault, which `npx durable-responses connect` puts there: durable_responses_project_url and
-- durable_responses_worker_secret. The secret can wake the worker and nothing else: headers queued in pg_net are readable by
-- any database role that can connect, so a service key must never go there.

create extension if not exists pg_cron with schema pg_catalog;
create extension if not exists pg_net with schema extensions;
create extension if not exists supabase_vault with schema vault;

create function public.wake_response_worker() returns bigint
language plpgsql set search_path = ''
as $$
declare
  v_url text;
  v_secret text;
begin
  if not public.response_work_due() then
    return null;
  end if;
  select decrypted_secret into v_url from vault.decrypted_secrets where name = 'durable_responses_project_url';
  select decrypted_secret into v_secret from vault.decrypted_secrets where name = 'durable_responses_worker_secret';
  if v_url is null or v_secret is null then
    raise exception using errcode = 'DR500',
      message = format('Cannot wake the worker: the Vault secret %s is not set',
        case when v_url is null then 'durable_responses_project_url' else 'durable_responses_worker_secret' end),
      hint = 'Run npx durable-responses connect.';
  end if;
  return net.http_post(
    url := rtrim(v_url, '/') || '/functions/v1/run-jobs',
    body := '{"source": "cron"}'::jsonb,
    headers := jsonb_build_object('content-type', 'application/json', 'x-worker-secret', v_secret),
    timeout_milliseconds := 5000
  );
end;
$$;
comment on function public.wake_response_worker() is
  'Run by pg_cron: posts to run-jobs, but only if there is something to do. Returns pg_net''s request id, or null.';

create function public.prune_response_jobs(p_limit integer default 10000) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_settings public.response_settings;
  v_now constant timestamptz := durable_responses.clock();
  v_runs_before timestamptz;
  v_ids uuid[];
  v_files text[];
  v_jobs integer;
  v_runs integer;
begin
  select * into v_settings from public.response_settings;
  v_runs_before := v_now - make_interval(days => v_settings.cron_history_days);
  select array_agg(id) into v_ids from (
    select j.id from durable_responses.jobs j
    where j.finished_at < v_now - make_interval(days => v_settings.retention_days)
      -- A cancel that OpenAI has not confirmed yet is still work to do.
      and not exists (select from durable_responses.upstream_cancels c where c.job_id = j.id)
    order by j.finished_at limit p_limit
  ) old;
  v_files := durable_responses.sent_files_of(v_ids);
  delete from durable_responses.jobs where id = any (v_ids);
  get diagnostics v_jobs = row_count;
  delete from public.response_watches where watched_until < now();
  -- Those of deleted jobs: the others are deleted with their job.
  delete from public.response_flags f
  where f.created_at < v_now - make_interval(days => v_settings.retention_days)
    and not exists (select from durable_responses.jobs j where j.id = f.job_id);
  -- Runs in place do not sign off when they end.
  delete from public.response_workers where id in (
    select id from public.response_workers where seen_at < v_now - interval '1 hour' order by id for update);
  delete from durable_responses.tombstones where job_id in (
    select t.job_id from durable_responses.tombstones t
    where t.deleted_at < v_now - make_interval(days => v_settings.retention_days) order by t.deleted_at limit p_limit);
  -- Only runs of our own cron jobs. A run that a server restart cut off has no end_time. One that could not connect has no
  -- start_time either, and is as old as the runs around it.
  delete from cron.job_run_details where runid in (
    select r.runid from cron.job_run_details r
    where r.jobid in (select jobid from cron.job where jobname like 'durable-responses-%')
      and (coalesce(r.end_time, r.start_time) < v_runs_before
        or (coalesce(r.end_time, r.start_time) is null and r.runid < (
          select max(old.runid) from cron.job_run_details old where coalesce(old.end_time, old.start_time) < v_runs_before)))
    order by r.runid limit p_limit
  );
  get diagnostics v_runs = row_count;
  perform durable_responses.release_files(v_files);
  perform durable_responses.release_lost_files(p_limit);
  return jsonb_build_object('jobs', v_jobs, 'cron_runs', v_runs);
end;
$$;
comment on function public.prune_response_jobs(integer) is
  'Run by pg_cron: deletes finished jobs, and the history of our own cron jobs, older than response_settings says; at most p_limit of each. Returns {jobs, cron_runs}.';

-- Both run as the owner, postgres, from pg_cron; no API role has a reason to call them.
revoke execute on function public.wake_response_worker(), public.prune_response_jobs(integer)
  from public, anon, authenticated, service_role;

do $$
declare
  v_version integer[] := (
    select string_to_array(split_part(extversion, '-', 1), '.')::integer[] from pg_catalog.pg_extension where extname = 'pg_cron'
  );
begin
  -- pg_cron before 1.5 does not accept seconds.
  perform cron.schedule('durable-responses-wake',
    case when v_version >= array[1, 5] then '10 seconds' else '* * * * *' end,
    'select public.wake_response_worker()');
  perform cron.schedule('durable-responses-delete', '* * * * *', 'select public.run_response_deletions()');
  perform cron.schedule('durable-responses-prune', '17 * * * *', 'select public.prune_response_jobs()');
end;
$$;
-- Monitoring: the timeline of a job, health, and what doctor reads.
--
-- The views are security invoker: readers see what they may see. The functions of doctor and connect are security definer:
-- what they read and write (cron.job, net._http_response, supabase_migrations, vault) belongs to postgres, PostgREST does not
-- expose it, and grants would open it to every other use. Each does one fixed thing, takes no SQL and no name, and returns no
-- secret.

create view public.response_timeline with (security_invoker = true) as
select j.id as job_id, j.created_at as at, 0 as attempt, 'accepted' as event, 'profile ' || j.profile as detail
from public.response_jobs j
union all
select a.job_id, a.started_at, a.number, 'attempt_started', a.mode
from public.response_attempts a
union all
select a.job_id, a.finished_at, a.number, 'attempt_' || a.outcome,
  a.mode || coalesce(': ' || a.error_code, '') || coalesce(': ' || a.error_message, '')
from public.response_attempts a where a.outcome is not null
union all
select s.job_id, coalesce(s.finished_at, s.started_at), s.attempt, 'step_' || s.status,
  s.kind || coalesce(' ' || coalesce(s.server_label || '.', '') || s.tool, '') || coalesce(': ' || left(s.error, 200), '')
from public.response_steps s
union all
select s.job_id, s.answered_at, s.attempt, 'answered', s.answer::text || ' by ' || s.answered_by
from public.response_steps s where s.answered_at is not null
union all
select j.id, j.finished_at, j.attempt, j.status, coalesce(j.error_code || ': ' || j.error_message, left(j.output_text, 200))
from public.response_jobs j where j.finished_at is not null;
comment on view public.response_timeline is
  'What happened to each job, one row for each event: select * from response_timeline where job_id = ''…'' order by at, attempt;';
comment on column public.response_timeline.job_id is 'The job.';
comment on column public.response_timeline.at is 'When.';
comment on column public.response_timeline.attempt is 'The attempt that it belongs to; 0 before the first.';
comment on column public.response_timeline.event is 'accepted, attempt_started, attempt_<outcome>, step_<status>, answered, or the final status.';
comment on column public.response_timeline.detail is 'More about it, in words.';
revoke all on public.response_timeline from public, anon, authenticated, service_role;
grant select on public.response_timeline to authenticated, service_role;

create view public.response_health with (security_invoker = true) as
with unfinished as (
  select
    count(*) filter (where status = 'background') as background,
    count(*) filter (where status = 'queued') as queued,
    count(*) filter (where status = 'running') as running,
    count(*) filter (where status = 'awaiting_approval') as awaiting_approval,
    count(*) filter (where status = 'awaiting_tool_output') as awaiting_tool_output,
    count(*) filter (where status = 'needs_review') as needs_review,
    round(extract(epoch from now() - min(due) filter (where status = 'queued' and due <= now())), 1) as oldest_due_s,
    count(*) filter (where status = 'running' and due <= now()) as lost_leases,
    count(*) filter (where status = 'background' and due <= now()) as overdue_polls
  from durable_responses.waits
), final as (
  select
    count(*) filter (where status = 'completed') as completed_24h,
    count(*) filter (where status = 'failed') as failed_24h,
    count(*) filter (where status = 'cancelled') as cancelled_24h,
    round(percentile_cont(0.5) within group (order by extract(epoch from finished_at - created_at))
      filter (where status = 'completed')::numeric, 1) as answer_p50_s,
    round(percentile_cont(0.95) within group (order by extract(epoch from finished_at - created_at))
      filter (where status = 'completed')::numeric, 1) as answer_p95_s
  from durable_responses.jobs where finished_at > now() - interval '24 hours'
), recent as (
  select round(avg((reason is not null)::integer), 3) as fallback_rate_24h from (
    select fallback_reason as reason from durable_responses.jobs
    where finished_at > now() - interval '24 hours' and created_at > now() - interval '24 hours'
    union all
    select w.fallback_reason from durable_responses.waits w join durable_responses.jobs j on j.id = w.job_id
    where j.created_at > now() - interval '24 hours'
  ) of_24h
), flags as (
  select count(*) as flags_24h from public.response_flags where created_at > now() - interval '24 hours'
), routes as (
  select count(*) as routes_ignoring_approval from public.response_routes where ignores_approval
)
select u.background, u.queued, u.running, u.awaiting_approval, u.awaiting_tool_output, u.needs_review,
  f.completed_24h, f.failed_24h, f.cancelled_24h, u.oldest_due_s, u.lost_leases, u.overdue_polls,
  r.fallback_rate_24h, f.answer_p50_s, f.answer_p95_s, x.flags_24h, g.routes_ignoring_approval
from unfinished u, final f, recent r, flags x, routes g;
comment on view public.response_health is
  'One row: jobs by status, what is overdue, and the last 24 hours'' fallback rate and time to answer. oldest_due_s, lost_leases and overdue_polls well above zero mean that no worker is being woken.';
comment on column public.response_health.background is 'Jobs at OpenAI.';
comment on column public.response_health.queued is 'Jobs that wait for a worker.';
comment on column public.response_health.running is 'Jobs that a worker runs.';
comment on column public.response_health.awaiting_approval is 'Jobs that wait for a person''s yes or no.';
comment on column public.response_health.awaiting_tool_output is 'Jobs that wait for the caller''s answer to a call.';
comment on column public.response_health.needs_review is 'Jobs held for review.';
comment on column public.response_health.completed_24h is 'Jobs that completed in the last 24 hours.';
comment on column public.response_health.failed_24h is 'Jobs that failed in the last 24 hours.';
comment on column public.response_health.cancelled_24h is 'Jobs that were cancelled in the last 24 hours.';
comment on column public.response_health.oldest_due_s is 'How long the longest-waiting due job has waited, in s.';
comment on column public.response_health.lost_leases is 'Running jobs whose worker stopped renewing; the next worker takes them.';
comment on column public.response_health.overdue_polls is 'Background jobs that should have been polled by now.';
comment on column public.response_health.fallback_rate_24h is 'Share of the last 24 hours'' jobs that fell back from background, 0 to 1.';
comment on column public.response_health.answer_p50_s is 'Median time from accepted to completed over 24 hours, in s.';
comment on column public.response_health.answer_p95_s is '95th percentile of the same, in s.';
comment on column public.response_health.routes_ignoring_approval is 'Routes on which calls were made without the required yes: see response_routes.ignores_approval.';
comment on column public.response_health.flags_24h is 'Flags raised in the last 24 hours: see response_flags.';
revoke all on public.response_health from public, anon, authenticated, service_role;
grant select on public.response_health to service_role;

create function public.response_doctor() returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_migrations jsonb;
  v_bucket text;
begin
  if to_regclass('storage.buckets') is not null then
    v_bucket := coalesce(
      (select case when public then 'public' else 'private' end from storage.buckets where id = 'response_files'), 'missing');
  end if;
  -- Missing if migrations were not applied with the Supabase CLI.
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    execute 'select jsonb_agg(name order by version) from supabase_migrations.schema_migrations where name is not null'
      into v_migrations;
  end if;
  return jsonb_build_object(
    'now', clock_timestamp(),
    'started_at', pg_postmaster_start_time(),
    'migrations', v_migrations,
    'extensions', (
      select coalesce(jsonb_object_agg(extname, extversion), '{}') from pg_catalog.pg_extension
      where extname in ('pg_cron', 'pg_net', 'supabase_vault')
    ),
    'cron', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'name', job.jobname, 'schedule', job.schedule, 'active', job.active,
        'last_status', run.status, 'last_message', left(run.return_message, 500), 'last_at', run.start_time
      ) order by job.jobname), '[]')
      from cron.job job
      left join lateral (
        select d.status, d.return_message, d.start_time from cron.job_run_details d
        where d.jobid = job.jobid order by d.runid desc limit 1
      ) run on true
      where job.jobname like 'durable-responses-%'
    ),
    'vault', jsonb_build_object(
      'project_url', (select decrypted_secret from vault.decrypted_secrets where name = 'durable_responses_project_url'),
      'has_worker_secret', exists (select from vault.secrets where name = 'durable_responses_worker_secret')
    ),
    -- pg_net keeps answers for six hours and does not say what was asked, so other users of pg_net count here too.
    'net', (
      select jsonb_build_object(
        'waiting', (select count(*) from net.http_request_queue),
        'answers_1h', count(*),
        'failures_1h', count(*) filter (where status_code is null or status_code >= 400),
        'last_failure', (
          select left(coalesce(f.error_msg, 'HTTP ' || f.status_code), 200) from net._http_response f
          where (f.status_code is null or f.status_code >= 400) and f.created > now() - interval '1 hour'
          order by f.created desc limit 1
        )
      )
      from net._http_response where created > now() - interval '1 hour'
    ),
    'schema', public.response_schema_version(),
    'profiles', (select coalesce(jsonb_agg(name order by name), '[]') from durable_responses.profiles),
    'cancels', (
      select jsonb_build_object('waiting', count(*), 'most_tries', coalesce(max(tries), 0)) from durable_responses.upstream_cancels
    ),
    'files', (
      select jsonb_build_object('bucket', v_bucket, 'waiting', count(*), 'most_tries', coalesce(max(removals), 0))
      from durable_responses.sent_files where is_removing
    ),
    'unstreamed_24h', (
      select count(distinct j.id) from durable_responses.jobs j join durable_responses.attempts a on a.job_id = j.id
      where j.finished_at > now() - interval '24 hours'
        and exists (select from unnest(a.warnings) warning where warning like 'Not streamed%')
    ),
    'jobs', (select to_jsonb(h) from public.response_health h),
    'errors_24h', (
      select coalesce(jsonb_object_agg(error_code, jobs), '{}') from (
        select error_code, count(*) as jobs from durable_responses.jobs
        where status = 'failed' and finished_at > now() - interval '24 hours' group by error_code
      ) failed
    ),
    'routes', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'route', route, 'breaker', breaker, 'background_failures', background_failures, 'last_failure', last_failure,
        'probe_at', probe_at, 'paused_until', paused_until, 'pause_reason', pause_reason, 'ignores_approval', ignores_approval
      ) order by route), '[]')
      from public.response_routes where breaker <> 'closed' or paused_until > now() or ignores_approval
    ),
    'workers', (
      select count(*) from public.response_workers where kind <> 'inline' and seen_at > now() - interval '2 minutes')
  );
end;
$$;
comment on function public.response_doctor() is
  'What `npx durable-responses doctor` checks in the database: when it started, migrations, extensions, cron, Vault (never a secret), pg_net, health.';

create function public.response_overview() returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_claims constant jsonb := coalesce(auth.jwt(), '{}');
  v_found jsonb;
begin
  if coalesce(v_claims ->> 'role', '') <> 'service_role'
    and coalesce(v_claims -> 'app_metadata' ->> 'durable_responses', '') <> 'operator' then
    raise exception using errcode = '42501',
      message = 'Cannot show the overview: the caller is not an operator',
      hint = 'Set durable_responses to "operator" in the user''s app_metadata, and sign in again.';
  end if;
  v_found := public.response_doctor();
  return jsonb_build_object(
    'started_at', v_found -> 'started_at', 'health', v_found -> 'jobs', 'cron', v_found -> 'cron', 'net', v_found -> 'net');
end;
$$;
comment on function public.response_overview() is
  'Health, cron and pg_net for operators: users whose app_metadata says durable_responses: operator. Refuses everybody else (42501).';

create function public.probe_response_worker(p_request_id bigint default null) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_url text;
  v_secret text;
  v_answer jsonb;
begin
  if p_request_id is not null then
    select jsonb_build_object('status', status_code, 'error', left(error_msg, 500)) into v_answer
    from net._http_response where id = p_request_id;
    return jsonb_build_object('request_id', p_request_id, 'answer', v_answer);
  end if;
  select decrypted_secret into v_url from vault.decrypted_secrets where name = 'durable_responses_project_url';
  select decrypted_secret into v_secret from vault.decrypted_secrets where name = 'durable_responses_worker_secret';
  if v_url is null or v_secret is null then
    raise exception using errcode = 'DR500', message = 'Cannot wake the worker: its two Vault secrets are not set',
      hint = 'Run npx durable-responses connect';
  end if;
  return jsonb_build_object('answer', null, 'request_id', net.http_post(
    url := rtrim(v_url, '/') || '/functions/v1/run-jobs',
    body := '{"source": "doctor"}'::jsonb,
    headers := jsonb_build_object('content-type', 'application/json', 'x-worker-secret', v_secret),
    timeout_milliseconds := 5000
  ));
end;
$$;
comment on function public.probe_response_worker(bigint) is
  'Wakes run-jobs the way cron does, due work or not, and returns {request_id}; called again with that id, returns the answer: {answer: {status, error}}, null until it has arrived. 202 proves that Vault, pg_net, the URL and the function''s secret work.';

create function public.connect_response_worker(p_project_url text, p_worker_secret text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_values constant jsonb := jsonb_build_object(
    'durable_responses_project_url', rtrim(p_project_url, '/'), 'durable_responses_worker_secret', p_worker_secret);
  v_name text;
  v_value text;
  v_id uuid;
begin
  if coalesce(p_project_url, '') !~ '^https?://[^/\s]+' then
    raise exception using errcode = 'DR400', message = 'Cannot connect: the project URL must start with https:// or http://',
      hint = 'Pass the address of the project''s API, such as https://<project-ref>.supabase.co.';
  end if;
  if char_length(coalesce(p_worker_secret, '')) < 16 then
    raise exception using errcode = 'DR400', message = 'Cannot connect: the worker secret must have at least 16 characters',
      hint = 'Run npx durable-responses connect, which passes the secret that init made.';
  end if;
  for v_name, v_value in select key, value from jsonb_each_text(v_values) loop
    select id into v_id from vault.secrets where name = v_name;
    if found then
      perform vault.update_secret(v_id, v_value);
    else
      perform vault.create_secret(v_value, v_name);
    end if;
  end loop;
  -- This changes nothing, but makes pg_cron read its jobs again. pg_cron learns about jobs from cache invalidations. If a large
  -- migration causes so many that some are dropped, it does not notice new jobs, and they never run.
  perform cron.alter_job(jobid, schedule := schedule) from cron.job where jobname like 'durable-responses-%';
end;
$$;
comment on function public.connect_response_worker(text, text) is
  'Stores the two values that wake the worker in Vault, or replaces them: the URL of run-jobs, and its DURABLE_RESPONSES_WORKER_SECRET. Also makes pg_cron read its jobs again. For `npx durable-responses connect`.';

revoke execute on function public.response_doctor(), public.response_overview(), public.probe_response_worker(bigint),
  public.connect_response_worker(text, text) from public, anon, authenticated;
grant execute on function public.response_doctor(), public.response_overview(), public.probe_response_worker(bigint),
  public.connect_response_worker(text, text) to service_role;
grant execute on function public.response_overview() to authenticated;

-- The columns of views get the comments of the columns that they show.
do $$
declare
  v_column record;
begin
  for v_column in
    select v.relname as view, a.attname as name, coalesce(
      (select col_description(t.oid, c.attnum)
       from pg_catalog.pg_class t join pg_catalog.pg_attribute c on c.attrelid = t.oid and c.attname = a.attname
       where t.oid = any (array['durable_responses.jobs', 'durable_responses.waits', 'durable_responses.attempts']::regclass[])
         and (t.relname = 'attempts') = (v.relname like 'response\_attempts%')
         and a.attname <> 'status'
       order by t.relname limit 1),
      d.description) as description
    from pg_catalog.pg_class v
      join pg_catalog.pg_attribute a on a.attrelid = v.oid and a.attnum > 0
      left join (values
        ('status', 'Where the job stands. background: at OpenAI. queued: waits for a worker. running: leased by a worker. awaiting_approval, awaiting_tool_output, needs_review: somebody must answer. completed, failed, cancelled: final.'),
        ('cancel_pending', 'True until OpenAI has confirmed the cancel of this background response.'),
        ('updated_at', 'When its status last changed.'),
        ('run_at', 'While queued: not run before this time.'),
        ('answer_until', 'While somebody is asked: when the question expires.'),
        ('poll_at', 'While background: when it is polled next (or, with no response id, when the accept budget ends).'),
        ('leased_by', 'While running: which worker runs it.'),
        ('leased_until', 'While running: the worker counts as lost if it has not renewed by then.')
      ) d (name, description) on d.name = a.attname
    where v.oid = any (array['public.response_jobs', 'public.response_jobs_internal', 'public.response_attempts',
      'public.response_attempts_internal']::regclass[])
  loop
    execute format('comment on column public.%I.%I is %L', v_column.view, v_column.name, v_column.description);
  end loop;
end;
$$;
-- What check and doctor ask the database about Postgres functions that are tools. They compare profiles.ts with the database,
-- before a model meets the difference. These are only facts: packages/cli/src/sql-tools decides what fits.

create function durable_responses.type_facts(p_type oid) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_type pg_catalog.pg_type;
begin
  select * into v_type from pg_catalog.pg_type where oid = p_type;
  if v_type.typtype = 'd' then
    -- JSON must fit a domain's base type. No JSON schema can express its other rules.
    return durable_responses.type_facts(v_type.typbasetype) || jsonb_build_object('name', format_type(p_type, null));
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'name', format_type(p_type, null),
    'base', format_type(p_type, null),
    'category', v_type.typcategory,
    'element', case when v_type.typcategory = 'A' and v_type.typelem <> 0 then durable_responses.type_facts(v_type.typelem) end,
    'labels', (select jsonb_agg(enumlabel order by enumsortorder) from pg_catalog.pg_enum where enumtypid = p_type)));
end;
$$;
comment on function durable_responses.type_facts(oid) is
  'A type: {name, base, category, element?, labels?}. For a domain, everything but the name is that of its base type. category: pg_type.typcategory. labels: those of an enum.';

create function public.describe_sql_tools(p_functions text[]) returns jsonb
language sql stable set search_path = ''
as $$
  select coalesce(jsonb_object_agg(asked.name, coalesce(facts.list, '[]')), '{}')
  from unnest(p_functions) asked (name)
    cross join lateral parse_ident(asked.name) parts
    left join lateral (
      select jsonb_agg(jsonb_build_object(
        'signature', p.oid::regprocedure::text,
        'kind', p.prokind,
        'arguments', (
          select coalesce(jsonb_agg(jsonb_build_object(
            'name', coalesce(names.list[place], ''),
            'optional', place > p.pronargs - p.pronargdefaults,
            'type', durable_responses.type_facts(p.proargtypes[place - 1])) order by place), '[]')
          from generate_series(1, p.pronargs::integer) place),
        'variadic', p.provariadic <> 0,
        'security_definer', p.prosecdef,
        -- The word `execute`, in any language but SQL, where it only runs prepared statements. Comment lines are left out.
        'dynamic_sql', l.lanname <> 'sql' and regexp_replace(p.prosrc, '^\s*--.*$', '', 'gn') ~* '\mexecute\M',
        'sets_role', p.prosrc ~* '\mset\s+(local\s+|session\s+)?(role|session\s+authorization)\M|\mset_config\s*\(\s*''(role|request\.)'
          or exists (select from unnest(p.proconfig) setting where setting like 'role=%'),
        'user_may', has_schema_privilege('authenticated', n.oid, 'usage') and has_function_privilege('authenticated', p.oid, 'execute'),
        'service_may', has_schema_privilege('service_role', n.oid, 'usage') and has_function_privilege('service_role', p.oid, 'execute')
      ) order by p.oid) as list
      from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        join pg_catalog.pg_language l on l.oid = p.prolang
        cross join lateral durable_responses.argument_names(p.proargnames, p.proargmodes, p.pronargs) names (list)
      where n.nspname = parts[1] and p.proname = parts[2]
    ) facts on true;
$$;
comment on function public.describe_sql_tools(text[]) is
  'For `npx durable-responses check` and `doctor`. For each name with its schema (public.my_orders), all functions of that name: arguments with their types, rights of users and of service_role, SECURITY DEFINER, dynamic SQL, whether it sets a role or claims. Empty for a name that no function has.';

revoke execute on function durable_responses.type_facts(oid), public.describe_sql_tools(text[]) from public, anon, authenticated;
grant execute on function durable_responses.type_facts(oid), public.describe_sql_tools(text[]) to service_role;
-- What a person decides: which calls a decision is about, and whether a call in doubt was made (reviews). 35_answers.sql has the
-- answers to requests for approval.
--
-- A decision names what the person saw: the request, and a digest of the call. Another call may wait by then.

create function durable_responses.decided_steps(
  p_job_id uuid, p_status text, p_request_id text, p_digest text, p_number integer default null
) returns integer[]
language plpgsql stable set search_path = ''
as $$
declare
  v_named integer;
  v_seen integer[];
  v_digests integer;
begin
  select (count(*) filter (where named))::integer, array_agg(number order by number) filter (where named and seen),
    (count(distinct digest) filter (where named and seen))::integer
  into v_named, v_seen, v_digests
  from (
    select number, digest, (p_request_id is null or item_id = p_request_id) and (p_number is null or number = p_number) as named,
      p_digest is null or digest = p_digest as seen
    from public.response_steps where job_id = p_job_id and status = p_status and (p_status <> 'waiting' or kind = 'mcp_approval_request')
  ) open;
  if v_named = 0 and p_request_id is not null then
    raise exception using errcode = 'DR409',
      message = format('Cannot answer request %s of job %s: it does not wait for an answer', left(p_request_id, 100), p_job_id),
      hint = 'GET the job. Each entry of "waiting" can be answered once.';
  end if;
  if v_seen is null and p_digest is not null then
    raise exception using errcode = 'DR412',
      message = format('Cannot decide for job %s: the call that waits is not the one in the decision', p_job_id),
      hint = 'GET the job, check "waiting", and decide again with the request_id and digest of the call.';
  end if;
  if cardinality(v_seen) > 1 and (p_request_id is null or v_digests > 1) then
    raise exception using errcode = 'DR412',
      message = format('Cannot decide for job %s: %s calls wait, and the decision names none of them', p_job_id, cardinality(v_seen)),
      hint = 'Decide each call in "waiting" separately, with its request_id and digest.';
  end if;
  return coalesce(v_seen, '{}');
end;
$$;
comment on function durable_responses.decided_steps(uuid, text, text, text, integer) is
  'The steps that a decision applies to: those with this status that it names by request and digest, or the only one. p_number: the step of the request, where an API has used a request''s id again. Refuses (DR412) a decision that names another call than the one that waits, or none of several.';

create function durable_responses.settle_doubt(
  p_wait durable_responses.waits, p_numbers integer[], p_outcome text, p_output text, p_answered_by text
) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_output constant text := coalesce(p_output, 'A person has confirmed that this happened; its output is not known.');
begin
  update public.response_steps set
    status = case p_outcome
      when 'happened' then 'finished'
      -- The next worker makes a call of ours. For a call that OpenAI makes, the model is asked again.
      when 'did_not_happen' then case when run_by is not null then 'waiting' else 'void' end
      else 'uncertain'
    end,
    finished_at = case when p_outcome = 'happened' or p_outcome = 'did_not_happen' and run_by is null then v_now end,
    output = case p_outcome when 'happened' then v_output else output end,
    -- Clears why it was in doubt. The model gets the item, which must not say that the call failed.
    error = case when run_by is not null or p_outcome = 'happened' then null else error end,
    item = case when p_outcome = 'happened' and kind = 'mcp_call' then item || jsonb_build_object('status', 'completed', 'error', null,
      'output', v_output) else item end,
    answer = jsonb_strip_nulls(jsonb_build_object('outcome', p_outcome, 'output', p_output)),
    answered_by = p_answered_by, answered_at = v_now
  where job_id = p_wait.job_id and number = any (p_numbers);
  perform durable_responses.announce_steps(p_wait.job_id, p_numbers);
  if p_outcome = 'cancel' then
    perform durable_responses.finish(p_wait, 'cancelled');
  -- Several may be in doubt: the job continues when the last is resolved.
  elsif not exists (select from public.response_steps where job_id = p_wait.job_id and status = 'uncertain') then
    perform durable_responses.requeue(p_wait);
  end if;
end;
$$;
comment on function durable_responses.settle_doubt(durable_responses.waits, integer[], text, text, text) is
  'Writes the outcome of the calls in doubt with these numbers: happened, did_not_happen, or cancel, which ends the job. The job continues when none is left.';

create function public.resolve_response_job(
  p_job_id uuid, p_outcome text, p_output text default null, p_owner_id uuid default null, p_as_service boolean default false,
  p_request_id text default null, p_digest text default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_job durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
  v_numbers integer[];
begin
  if p_outcome is null or p_outcome not in ('happened', 'did_not_happen', 'cancel') then
    raise exception using errcode = 'DR400',
      message = 'Cannot resolve with that outcome: it must be happened, did_not_happen or cancel',
      hint = 'Say whether the call was made: happened or did_not_happen. cancel stops the job.';
  end if;
  if v_wait.status is distinct from 'needs_review' or v_wait.due <= v_now then
    raise exception using errcode = 'DR409', message = format('Cannot resolve job %s: it is %s', p_job_id,
        case v_wait.status when 'needs_review' then 'no longer waiting, because the review has expired'
          else coalesce(v_wait.status, v_job.status) end),
      hint = 'Only a job that needs_review can be resolved, and only once.';
  end if;
  if p_outcome = 'cancel' and p_request_id is null and p_digest is null then
    -- This outcome is about the job, not about a call.
    select array_agg(number order by number) into v_numbers
    from public.response_steps where job_id = p_job_id and status = 'uncertain';
  else
    v_numbers := durable_responses.decided_steps(p_job_id, 'uncertain', p_request_id, p_digest);
  end if;
  perform durable_responses.settle_doubt(v_wait, v_numbers, p_outcome, p_output, coalesce(p_owner_id::text, 'service'));
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.resolve_response_job(uuid, text, text, uuid, boolean, text, text) is
  'A person says whether a call in doubt was made: happened (with its output, if known), did_not_happen, or cancel, which ends the job. p_request_id and p_digest (from the job''s "waiting") name the call. Neither is needed while only one is in doubt. The job continues when the last one is resolved. Refuses (DR412) a decision that names another call, or none of several.';

revoke execute on function durable_responses.decided_steps(uuid, text, text, text, integer),
  durable_responses.settle_doubt(durable_responses.waits, integer[], text, text, text),
  public.resolve_response_job(uuid, text, text, uuid, boolean, text, text) from public, anon, authenticated;
grant execute on function durable_responses.decided_steps(uuid, text, text, text, integer),
  durable_responses.settle_doubt(durable_responses.waits, integer[], text, text, text),
  public.resolve_response_job(uuid, text, text, uuid, boolean, text, text) to service_role;
-- Answers to what a job asks: a person's yes or no to a call, and the outputs of calls that the caller makes.
--
-- One request may contain several. They are checked first, and then written in one transaction: all are accepted, or none.
-- An answer that names what it answers and was accepted before is accepted again without effect, because its sender may not know
-- of it.

create function durable_responses.refuse_odd_answer(p_answer jsonb) returns void
language plpgsql immutable set search_path = ''
as $$
declare
  v_types constant jsonb := '{"approve": "boolean", "reason": "string", "request_id": "string", "digest": "string",
    "number": "number", "call_id": "string", "kind": "string", "output": "string", "parts": "array"}'::jsonb;
  v_field text;
  v_value jsonb;
begin
  if jsonb_typeof(p_answer) is distinct from 'object' then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept an answer: it must be an object, not %s', coalesce(jsonb_typeof(p_answer), 'null')),
      hint = 'Give {"approve"} to a request for approval, and {"call_id", "output"} to a call.';
  end if;
  select key, value into v_field, v_value from jsonb_each(p_answer)
  where value <> 'null' and (jsonb_typeof(value) is distinct from v_types ->> key
    or key = 'number' and case when jsonb_typeof(value) = 'number' then value::numeric not between 1 and 2147483647 or value::numeric % 1 <> 0 end)
  order by key limit 1;
  if v_field is not null then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept an answer: %s, but is %s', case
        when not v_types ? v_field then format('its fields must be those that there are, and one of them is %L', left(v_field, 64))
        when v_field = 'number' then '"number" must be a whole number from 1 to 2147483647'
        else format('%I must be of type %s', v_field, v_types ->> v_field) end, left(v_value::text, 100)),
      hint = 'See the comment of answer_response_job() for the fields.';
  end if;
end;
$$;
comment on function durable_responses.refuse_odd_answer(jsonb) is
  'Refuses (DR400) an answer that has a field which there is not, or a value of another type than the field''s.';

create function durable_responses.shown_content(p_output text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return regexp_replace(p_output, '("path"\s*:\s*")[^"/]+/([0-9a-f]{64}\.)', '\1\2', 'g');
end;
$$;
comment on function durable_responses.shown_content(text) is
  'An answer with pictures or files, as JSON, without their senders: the path of a sent file is its sender and its digest. A user''s answer and the same one from a server are the same.';

create function durable_responses.asked_steps(p_job durable_responses.jobs, p_wait durable_responses.waits, p_answer jsonb) returns integer[]
language plpgsql stable set search_path = ''
as $$
declare
  v_request_id constant text := p_answer ->> 'request_id';
  v_number constant integer := (p_answer ->> 'number')::integer;
  v_digest constant text := p_answer ->> 'digest';
  v_numbers integer[];
begin
  if jsonb_typeof(p_answer -> 'approve') is distinct from 'boolean' then
    raise exception using errcode = 'DR400', message = format('Cannot answer for job %s: approve must be true or false', p_job.id),
      hint = 'Give {"approve": true} or {"approve": false} for each request.';
  end if;
  if (
    select bool_and(status <> 'waiting') and bool_or(answer -> 'approve' = p_answer -> 'approve' and answered_by <> 'guard')
    from public.response_steps
    where job_id = p_job.id and kind = 'mcp_approval_request' and item_id = v_request_id
      and (v_number is null or number = v_number) and (v_digest is null or digest = v_digest)
  ) then
    return null;
  end if;
  if p_wait.status is distinct from 'awaiting_approval' or p_wait.due <= durable_responses.clock() then
    raise exception using errcode = 'DR409',
      message = format('Cannot answer for job %s: it is %s', p_job.id,
        case p_wait.status when 'awaiting_approval' then 'no longer waiting, because the request has expired'
          else coalesce(p_wait.status, p_job.status) end),
      hint = 'A request for approval can be answered once, while the job is awaiting_approval.';
  end if;
  v_numbers := durable_responses.decided_steps(p_job.id, 'waiting', v_request_id, v_digest, v_number);
  if v_numbers = '{}' then
    raise exception using errcode = 'DR409', message = format('Cannot answer for job %s: no request waits for an answer', p_job.id),
      hint = 'GET the job. Each entry of "waiting" can be answered once.';
  end if;
  return v_numbers;
end;
$$;
comment on function durable_responses.asked_steps(durable_responses.jobs, durable_responses.waits, jsonb) is
  'The requests for approval that an answer {approve, request_id?, digest?, number?} is for; null if it was accepted before. Refuses one that the job does not wait for (DR409), and one that names another call (DR412).';

create function durable_responses.handed_out_step(
  p_job durable_responses.jobs, p_wait durable_responses.waits, p_answer jsonb, p_number integer, p_is_more boolean
) returns integer
language plpgsql stable set search_path = ''
as $$
declare
  v_kind constant text := coalesce(p_answer ->> 'kind', 'function_call');
  v_call_id constant text := p_answer ->> 'call_id';
  v_output constant text := p_answer ->> 'output';
  v_call public.response_steps;
begin
  if v_call_id is null or v_output is null then
    raise exception using errcode = 'DR400', message = format('Cannot accept an output for job %s: it must have a call_id and an output', p_job.id),
      hint = 'Give {"call_id": "call_…", "output": "…"} for each call, and for another kind than function_call its kind.';
  end if;
  if p_number is null and exists (
    select from public.response_steps
    where job_id = p_job.id and kind = v_kind and run_by = 'caller' and status = 'finished' and call_id = v_call_id
      and case when v_kind = 'computer_call' then durable_responses.shown_content(output) = durable_responses.shown_content(v_output)
        else output = v_output end
      and durable_responses.shown_content((item -> 'output_parts')::text)
        is not distinct from durable_responses.shown_content((p_answer -> 'parts')::text)
  ) then
    return null;
  end if;
  if p_wait.status is null or p_wait.status not in ('awaiting_tool_output', 'awaiting_approval') or p_wait.due <= durable_responses.clock() then
    raise exception using errcode = 'DR409',
      message = format('Cannot accept the output of a call for job %s: it is %s', p_job.id,
        case when p_wait.status in ('awaiting_tool_output', 'awaiting_approval')
          then 'waiting no longer, the call has expired' else coalesce(p_wait.status, p_job.status) end),
      hint = 'A call is answered once, while the job is awaiting_tool_output.';
  end if;
  if p_is_more then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept the outputs of call %s: there are more of them than such calls that wait, and they differ', left(v_call_id, 100)),
      hint = 'Give one output for each call that waits.';
  end if;
  select * into v_call from public.response_steps
  where job_id = p_job.id and run_by = 'caller' and status = 'waiting' and call_id = v_call_id and (p_number is null or number = p_number)
  order by number limit 1;
  if v_call.number is null then
    raise exception using errcode = 'DR409',
      message = format('Cannot accept the output of call %s for job %s: no such call waits for one', left(v_call_id, 100), p_job.id),
      hint = 'GET the job: each call in "waiting" can be answered once, by its call_id.';
  end if;
  perform durable_responses.refuse_unfit_answer(v_call, v_kind, v_output);
  return v_call.number;
end;
$$;
comment on function durable_responses.handed_out_step(durable_responses.jobs, durable_responses.waits, jsonb, integer, boolean) is
  'The call that an output {call_id, kind?, output} is for: p_number, if one is left for it. Null if it was accepted before. Refuses one for a call that does not wait (DR409), one of the wrong kind, and one of more outputs than calls (p_is_more; DR400).';

create function durable_responses.checked_answers(p_job durable_responses.jobs, p_wait durable_responses.waits, p_answers jsonb)
returns table (number integer, answer jsonb)
language plpgsql stable set search_path = ''
as $$
declare
  v_max constant integer := 1000;
  v_given record;
  v_index bigint;
  v_numbers integer[];
  v_taken jsonb := '{}'::jsonb;
  v_state text;
  v_message text;
  v_hint text;
begin
  if jsonb_typeof(p_answers) is distinct from 'array' or jsonb_array_length(p_answers) not between 1 and v_max then
    raise exception using errcode = 'DR400', message = format('Cannot accept the answers: there must be a list of 1 to %s', v_max),
      hint = 'Give [{"request_id", "digest", "approve"}, {"call_id", "kind", "output"}, …].';
  end if;
  for v_given in select ordinality - 1 as index, value as answer from jsonb_array_elements(p_answers) with ordinality loop
    v_index := v_given.index;
    perform durable_responses.refuse_odd_answer(v_given.answer);
  end loop;
  v_index := null;
  for v_given in
    -- An API may use a call's id again, in a later round or in the same one. The last outputs are for the calls that wait.
    select g.index, g.answer, o.numbers[g.place - greatest(g.outputs - cardinality(o.numbers), 0)] as number,
      o.numbers is not null and g.place <= g.outputs - cardinality(o.numbers) as is_more, g.is_repeated
    from (
      select ordinality - 1 as index, value as answer, value ->> 'call_id' as call_id, coalesce(value ->> 'kind', 'function_call') as kind,
        (row_number() over same_call)::integer as place,
        (count(*) over (partition by value ->> 'call_id', coalesce(value ->> 'kind', 'function_call')))::integer as outputs,
        lead(value ->> 'output') over same_call = value ->> 'output'
          and lead(value -> 'parts') over same_call is not distinct from value -> 'parts' as is_repeated
      from jsonb_array_elements(p_answers) with ordinality
      window same_call as (partition by value ->> 'call_id', coalesce(value ->> 'kind', 'function_call') order by ordinality)
    ) g
      left join (
        select s.call_id, s.kind, array_agg(s.number order by s.number) as numbers
        from public.response_steps s
        where s.job_id = p_job.id and s.run_by = 'caller' and s.status = 'waiting'
        group by s.call_id, s.kind
      ) o on o.call_id = g.call_id and o.kind = g.kind
    order by g.index
  loop
    v_index := v_given.index;
    if v_given.answer ? 'call_id' = v_given.answer ? 'approve' then
      raise exception using errcode = 'DR400',
        message = format('Cannot answer for job %s: an answer must have either approve or call_id', p_job.id),
        hint = 'Give {"approve"} to a request for approval, and {"call_id", "output"} to a call.';
    elsif v_given.answer ? 'approve' then
      v_numbers := durable_responses.asked_steps(p_job, p_wait, v_given.answer);
    elsif v_given.is_more and v_given.is_repeated then
      continue;
    else
      v_numbers := array[durable_responses.handed_out_step(p_job, p_wait, v_given.answer, v_given.number, v_given.is_more)];
    end if;
    foreach number in array coalesce(v_numbers, '{}') loop
      answer := v_given.answer;
      continue when number is null or v_taken -> number::text = answer -> 'approve';
      if v_taken ? number::text then
        raise exception using errcode = 'DR400',
          message = format('Cannot answer request %s: the answers to it are both yes and no', left(answer ->> 'request_id', 100)),
          hint = 'Give one answer to each request.';
      end if;
      v_taken := v_taken || jsonb_build_object(number::text, answer -> 'approve');
      return next;
    end loop;
  end loop;
exception when sqlstate 'DR400' or sqlstate 'DR409' or sqlstate 'DR412' then
  get stacked diagnostics v_state = returned_sqlstate, v_message = message_text, v_hint = pg_exception_hint;
  -- Which one it is: the caller may have sent it under another name.
  raise exception using errcode = v_state, message = v_message, hint = v_hint, detail = coalesce('answers[' || v_index || ']', '');
end;
$$;
comment on function durable_responses.checked_answers(durable_responses.jobs, durable_responses.waits, jsonb) is
  'The steps that the answers are for, each with its answer. Answers that were accepted before have none. Refuses all if one cannot be accepted; the detail answers[n] says which, counted from 0.';

create function public.answer_response_job(
  p_job_id uuid, p_answers jsonb, p_owner_id uuid default null, p_as_service boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_job durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
  v_numbers integer[];
  v_answers jsonb[];
  v_screens jsonb;
begin
  select array_agg(number order by number), array_agg(answer order by number) into v_numbers, v_answers
  from durable_responses.checked_answers(v_job, v_wait, p_answers);
  if v_numbers is null then
    return durable_responses.job_view(p_job_id);
  end if;
  update public.response_steps s set
    status = 'finished', finished_at = v_now,
    output = case when s.run_by = 'caller' then g.answer ->> 'output' else s.output end,
    item = case when s.run_by = 'caller' and g.answer ? 'parts' then s.item || jsonb_build_object('output_parts', g.answer -> 'parts') else s.item end,
    answer = case when s.run_by = 'caller' then '{"outcome": "answered"}'
      else jsonb_strip_nulls(jsonb_build_object('approve', g.answer -> 'approve', 'reason', g.answer -> 'reason')) end,
    answered_by = coalesce(p_owner_id::text, 'service'), answered_at = v_now
  from unnest(v_numbers, v_answers) g (number, answer)
  where s.job_id = p_job_id and s.number = g.number;
  perform durable_responses.announce_steps(p_job_id, v_numbers);
  perform durable_responses.continue_when_answered(v_wait);
  select jsonb_agg(case when g.answer ? 'parts' then jsonb_build_object('output', g.answer -> 'parts') else (g.answer ->> 'output')::jsonb end) into v_screens
  from unnest(v_answers) g (answer) where g.answer ? 'parts' or g.answer ->> 'kind' = 'computer_call';
  if v_screens is not null then
    -- Last, since nothing is locked after sent files; but the reference to them locks the job's row. They are the answerer's to show.
    perform from durable_responses.jobs where id = p_job_id for key share;
    perform durable_responses.pin_files(p_job_id, p_owner_id, v_screens);
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.answer_response_job(uuid, jsonb, uuid, boolean) is
  'Answers to what a job asks, each for one entry of its "waiting": a person''s {approve, reason?, request_id?, digest?, number?} to a request for approval, and {call_id, kind?, output, parts?} to a call of the caller''s. parts: content that the model gets instead of the text. output: text, or for apply_patch_call, shell_call and computer_call the fields of the answer as JSON. request_id and digest are not needed while only one request waits. All are accepted or none; the detail answers[n] of a refusal says which one it is about. Each is recorded with who and when. The same answer again changes nothing if it names what it answers; another one is refused (DR409), and so is one that names another call, or none of several (DR412). The job continues when nothing else is asked.';

create function public.answer_response_approval(
  p_job_id uuid, p_approve boolean, p_reason text default null, p_request_id text default null,
  p_owner_id uuid default null, p_as_service boolean default false, p_digest text default null
) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  return public.answer_response_job(p_job_id, jsonb_build_array(jsonb_build_object(
    'approve', p_approve, 'reason', p_reason, 'request_id', p_request_id, 'digest', p_digest)), p_owner_id, p_as_service);
end;
$$;
comment on function public.answer_response_approval(uuid, boolean, text, text, uuid, boolean, text) is
  'Answers one request for approval; answer_response_job() takes several answers.';

create function public.answer_response_tool_call(
  p_job_id uuid, p_call_id text, p_output text, p_owner_id uuid default null, p_as_service boolean default false,
  p_kind text default 'function_call'
) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  return public.answer_response_job(p_job_id, jsonb_build_array(jsonb_build_object(
    'call_id', p_call_id, 'kind', p_kind, 'output', p_output)), p_owner_id, p_as_service);
end;
$$;
comment on function public.answer_response_tool_call(uuid, text, text, uuid, boolean, text) is
  'Gives the output of one call; answer_response_job() takes several answers.';

revoke execute on function durable_responses.refuse_odd_answer(jsonb), durable_responses.shown_content(text),
  durable_responses.asked_steps(durable_responses.jobs, durable_responses.waits, jsonb),
  durable_responses.handed_out_step(durable_responses.jobs, durable_responses.waits, jsonb, integer, boolean),
  durable_responses.checked_answers(durable_responses.jobs, durable_responses.waits, jsonb),
  public.answer_response_job(uuid, jsonb, uuid, boolean),
  public.answer_response_approval(uuid, boolean, text, text, uuid, boolean, text),
  public.answer_response_tool_call(uuid, text, text, uuid, boolean, text) from public, anon, authenticated;
grant execute on function durable_responses.refuse_odd_answer(jsonb), durable_responses.shown_content(text),
  durable_responses.asked_steps(durable_responses.jobs, durable_responses.waits, jsonb),
  durable_responses.handed_out_step(durable_responses.jobs, durable_responses.waits, jsonb, integer, boolean),
  durable_responses.checked_answers(durable_responses.jobs, durable_responses.waits, jsonb),
  public.answer_response_job(uuid, jsonb, uuid, boolean),
  public.answer_response_approval(uuid, boolean, text, text, uuid, boolean, text),
  public.answer_response_tool_call(uuid, text, text, uuid, boolean, text) to service_role;
-- Cancels of responses at OpenAI that no job waits for any more: each is repeated until OpenAI has confirmed it.

create function durable_responses.request_upstream_cancel(p_job_id uuid, p_attempt integer, p_response_id text) returns void
language plpgsql set search_path = ''
as $$
begin
  insert into durable_responses.upstream_cancels (job_id, attempt, response_id, due, requested_at)
  values (p_job_id, p_attempt, p_response_id, durable_responses.clock(), durable_responses.clock())
  on conflict (job_id, attempt) do nothing;
end;
$$;
comment on function durable_responses.request_upstream_cancel(uuid, integer, text) is
  'Records that a background response must be cancelled at OpenAI, until that is confirmed. If the caller''s function dies now, a worker does it.';

create function durable_responses.upstream(p_job_id uuid, p_attempt integer, p_response_id text, p_asked_at timestamptz default null)
returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_job durable_responses.jobs;
  v_requests jsonb;
begin
  select * into v_job from durable_responses.jobs where id = p_job_id;
  select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'id', s.item ->> 'id') order by s.number), '[]') into v_requests
  from public.response_steps s
  where s.job_id = p_job_id and s.kind = 'mcp_approval_request' and s.answer ->> 'approve' = 'true' and s.item ->> 'id' is not null;
  return jsonb_build_object(
    'job_id', p_job_id, 'attempt', p_attempt, 'response_id', p_response_id,
    -- A deleted job's profile is unknown, and nothing that its response did is stored.
    'profile', coalesce(v_job.profile, ''),
    'asked_ms_ago', greatest(durable_responses.ms_between(coalesce(p_asked_at, durable_responses.clock()), durable_responses.clock()), 0),
    'guarded', coalesce(v_job.guard = 'always' and v_job.on_uncertain = 'review', false),
    'own', exists (
      select from durable_responses.attempts
      where job_id = p_job_id and number = p_attempt and mode = 'background' and response_id = p_response_id),
    'lists', coalesce((
      select jsonb_agg(s.item order by s.number) from public.response_steps s
      where s.job_id = p_job_id and s.kind = 'mcp_list_tools' and s.item is not null), '[]'),
    'yeses', jsonb_path_query_array(v_requests, '$[*].id') || coalesce(jsonb_path_query_array(coalesce(v_job.input, v_job.request -> 'input'),
      '$[*] ? (@.type == "mcp_approval_response" && @.approve == true).approval_request_id ? (@.type() == "string")'), '[]'),
    'requests', v_requests,
    'calls', coalesce((
      select jsonb_agg(jsonb_build_object('item_id', s.item_id, 'server_label', s.server_label, 'tool', s.tool,
        'arguments', s.arguments, 'call_key', s.call_key) order by s.number)
      from public.response_steps s
      where s.job_id = p_job_id and s.attempt = p_attempt and s.kind = 'mcp_call' and s.effect = 'once'), '[]'),
    'other_responses', coalesce((
      select jsonb_agg(a.response_id order by a.number) from durable_responses.attempts a
      where a.job_id = p_job_id and a.number <> p_attempt and a.response_id <> p_response_id), '[]'));
end;
$$;
comment on function durable_responses.upstream(uuid, integer, text, timestamptz) is
  'A response that no job waits for: {job_id, attempt, response_id, profile, asked_ms_ago, guarded, own, lists, yeses, requests, calls, other_responses}. guarded: OpenAI was told to ask before each call that must not be made twice; own: the attempt had no other response, so what it was allowed to call and did not was not called; lists: the tools that its servers have, as OpenAI listed them; yeses: the requests that got one, the caller''s own too; requests: those in the ledger, each with its step; calls: what the ledger has of the attempt; other_responses: those of the job''s other attempts.';

create function public.claim_pending_cancels(p_limit integer default 20) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_claimed jsonb;
begin
  -- A cancel that OpenAI never confirms becomes a flag for a person, and is not repeated any more.
  with next as materialized (
    select job_id, attempt from durable_responses.upstream_cancels
    where due <= v_now and tries >= 20 order by due limit p_limit for update skip locked
  ), hopeless as (
    delete from durable_responses.upstream_cancels c using next
    where c.job_id = next.job_id and c.attempt = next.attempt
    returning c.job_id, c.attempt, c.response_id, c.tries, c.last_error
  )
  insert into public.response_flags (job_id, code, detail, created_at)
  select job_id, 'cancel_unconfirmed', left(format(
    'OpenAI did not confirm the cancel of response %s (attempt %s%s) in %s tries%s', response_id, attempt,
    case when there then '' else ' of a deleted job' end, tries,
    -- Nothing that OpenAI said about a deleted job is stored.
    case when there then '; the last answer was: ' || coalesce(last_error, 'none') else '' end), 2000), v_now
  from (
    select hopeless.*, coalesce((
      select true from durable_responses.jobs j where j.id = hopeless.job_id for key share), false) as there
    from hopeless) given_up;
  -- The longest-waiting first, with a longer delay after each try, so that refused cancels do not starve the others.
  with next as materialized (
    select job_id, attempt, due as waits_since from durable_responses.upstream_cancels
    where due <= v_now order by due limit p_limit for update skip locked
  ), claimed as (
    update durable_responses.upstream_cancels c set
      tries = c.tries + 1, due = v_now + make_interval(secs => least(5 * power(2, least(c.tries, 12)), 3600))
    from next where c.job_id = next.job_id and c.attempt = next.attempt
    returning c.job_id, c.attempt, c.response_id, next.waits_since, c.requested_at
  )
  select jsonb_agg(durable_responses.upstream(c.job_id, c.attempt, c.response_id, c.requested_at) order by c.waits_since)
  into v_claimed from claimed c;
  return coalesce(v_claimed, '[]');
end;
$$;
comment on function public.claim_pending_cancels(integer) is
  'Responses to cancel at OpenAI, as durable_responses.upstream() returns them. Each is returned again with growing delay until the cancel is confirmed. After 20 tries it becomes a flag (cancel_unconfirmed), also if its job was deleted.';

create function public.confirm_upstream_cancel(
  p_job_id uuid, p_attempt integer, p_response_id text default null, p_unseen boolean default false
) returns void
language plpgsql set search_path = ''
as $$
begin
  -- An attempt may have two: a gateway has sent its request twice.
  delete from durable_responses.upstream_cancels
  where job_id = p_job_id and attempt = p_attempt and response_id = coalesce(p_response_id, response_id);
  if p_unseen then
    update durable_responses.attempts set unseen = true where job_id = p_job_id and number = p_attempt;
  end if;
  -- A call that the response has begun may still be on its way.
  update durable_responses.doubts d set
    due = greatest(d.due, durable_responses.clock() + make_interval(secs => p.was_made_after_ms / 1000.0))
  from durable_responses.jobs j join durable_responses.profiles p on p.name = j.profile
  where d.job_id = p_job_id and d.due is not null and j.id = p_job_id and p.was_made_after_ms is not null;
end;
$$;
comment on function public.confirm_upstream_cancel(uuid, integer, text, boolean) is 'The response has ended, so its cancel is done. p_unseen: OpenAI has no response of this id, so nobody has seen it end.';

create function public.record_upstream_cancel_failure(
  p_job_id uuid, p_attempt integer, p_error text, p_response_id text default null, p_after_ms bigint default null
) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_response_id is not null and exists (select from durable_responses.jobs where id = p_job_id) then
    perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, p_response_id);
  end if;
  update durable_responses.upstream_cancels set
    last_error = left(p_error, 500),
    due = greatest(due, durable_responses.clock() + durable_responses.bounded_delay(p_after_ms))
  where job_id = p_job_id and attempt = p_attempt;
end;
$$;
comment on function public.record_upstream_cancel_failure(uuid, integer, text, text, bigint) is
  'Records OpenAI''s answer to a cancel that is not done. It stays pending (with p_response_id, even if it was not), and is not repeated before p_after_ms.';

revoke execute on function durable_responses.request_upstream_cancel(uuid, integer, text),
  durable_responses.upstream(uuid, integer, text, timestamptz),
  public.claim_pending_cancels(integer),
  public.confirm_upstream_cancel(uuid, integer, text, boolean),
  public.record_upstream_cancel_failure(uuid, integer, text, text, bigint) from public, anon, authenticated;
grant execute on function durable_responses.request_upstream_cancel(uuid, integer, text),
  durable_responses.upstream(uuid, integer, text, timestamptz),
  public.claim_pending_cancels(integer),
  public.confirm_upstream_cancel(uuid, integer, text, boolean),
  public.record_upstream_cancel_failure(uuid, integer, text, text, bigint) to service_role;
-- Calls in doubt: a profile may have functions that find out whether a call was made (was_made), for example by a look into the
-- folder of sent emails. A worker asks them about jobs that are held for review, and answers the review. If they cannot tell, a
-- person decides, who may also answer first.
--
-- A call that was not made yet is not a call that will not be made. So they are first asked some time after the job was held,
-- longer than a call may take; and "not made" counts only if nothing can make the call any more.
--
-- An asking takes a while. Its answer has the token that it was given, and is refused if the job has been held anew, or asked
-- about again, meanwhile: a call with the same row may have been made since.

create function durable_responses.may_still_be_made(p_call public.response_steps) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return p_call.run_by is null and (
    -- It was made for the job that this one retries, whose responses are not this job's.
    p_call.attempt = 0
    or exists (
      select from durable_responses.attempts a
      where a.job_id = p_call.job_id and a.number = p_call.attempt and a.mode = 'background'
        -- An id under which OpenAI has no response may be none: a gateway may have made it up, and hold the request.
        and (a.response_id is null or a.unseen))
    or exists (
      select from durable_responses.upstream_cancels c where c.job_id = p_call.job_id and c.attempt = p_call.attempt)
    or exists (
      select from public.response_flags f where f.job_id = p_call.job_id and f.code = 'cancel_unconfirmed'));
end;
$$;
comment on function durable_responses.may_still_be_made(public.response_steps) is
  'Whether a response that nobody has seen end may still make a call in doubt: its id is unknown, or OpenAI has no response of that id, or has not confirmed its cancel.';

create function public.claim_calls_in_doubt(p_profiles text[], p_limit integer default 20) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_claimed jsonb;
begin
  with next as materialized (
    select d.job_id, d.due, d.tries < 5 and exists (
      select from durable_responses.waits w where w.job_id = d.job_id and w.status = 'needs_review' and w.due > v_now) as open
    from durable_responses.doubts d
    where d.due <= v_now
      and exists (select from durable_responses.jobs j where j.id = d.job_id and j.profile = any (p_profiles))
    order by d.due limit p_limit for update skip locked
  ), over as (
    update durable_responses.doubts d set due = null from next where d.job_id = next.job_id and not next.open
  ), claimed as (
    -- After one minute, two, four, eight: until a worker that dies now would be noticed, and longer for a server that is down.
    update durable_responses.doubts d set
      tries = d.tries + 1, due = v_now + make_interval(mins => 1 << d.tries), token = gen_random_uuid()
    from next where d.job_id = next.job_id and next.open
    returning d.job_id, d.token, next.due as waits_since
  )
  select jsonb_agg(jsonb_build_object(
    'id', j.id, 'profile', j.profile, 'owner_id', j.owner_id, 'token', claimed.token,
    'calls', (
      select jsonb_agg(jsonb_build_object(
        'number', s.number, 'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments,
        -- A row may be younger than its call: what is reported late, or read from a response, was done before.
        'started_at', least(s.started_at, coalesce((
          select min(a.started_at) from public.response_attempts a
          where a.job_id = s.job_id and a.number between s.attempt - 1 and s.attempt), s.started_at)),
        'may_still_be_made', durable_responses.may_still_be_made(s)) order by s.number)
      from public.response_steps s where s.job_id = j.id and s.status = 'uncertain')) order by claimed.waits_since)
  into v_claimed from claimed join durable_responses.jobs j on j.id = claimed.job_id;
  return coalesce(v_claimed, '[]');
end;
$$;
comment on function public.claim_calls_in_doubt(text[], integer) is
  'Jobs of these profiles that are held for review, to find out whether the calls in doubt were made: [{id, profile, owner_id, token, calls: [{number, server_label, tool, arguments, started_at, may_still_be_made}] or null}]. Each is returned five times, with growing delay, as long as it is held, and for three reviews at most.';

create function public.answer_call_in_doubt(p_job_id uuid, p_token uuid, p_number integer, p_happened boolean, p_output text default null)
returns text
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_wait durable_responses.waits;
  v_call public.response_steps;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  select * into v_call from public.response_steps where job_id = p_job_id and number = p_number;
  if v_wait.status is distinct from 'needs_review' or v_wait.due <= v_now or v_call.status is distinct from 'uncertain'
    or not exists (select from durable_responses.doubts where job_id = p_job_id and token = p_token)
    -- Asked again: what may make the call may have become known meanwhile.
    or not p_happened and durable_responses.may_still_be_made(v_call)
  then
    return null;
  end if;
  perform durable_responses.settle_doubt(
    v_wait, array[p_number], case when p_happened then 'happened' else 'did_not_happen' end, p_output, 'was_made');
  return (select status from durable_responses.waits where job_id = p_job_id);
end;
$$;
comment on function public.answer_call_in_doubt(uuid, uuid, integer, boolean, text) is
  'A profile has found out whether a call in doubt was made. p_token: of the asking. p_number: the call. Returns the job''s status; null if the answer comes too late, or if it says "not made" and the call may still be made.';

revoke execute on function durable_responses.may_still_be_made(public.response_steps), public.claim_calls_in_doubt(text[], integer),
  public.answer_call_in_doubt(uuid, uuid, integer, boolean, text) from public, anon, authenticated;
grant execute on function durable_responses.may_still_be_made(public.response_steps), public.claim_calls_in_doubt(text[], integer),
  public.answer_call_in_doubt(uuid, uuid, integer, boolean, text) to service_role;
-- Webhooks that say too little. A webhook names a response, and nothing else: whose it is, only the response itself says, in its
-- metadata, if nobody has recorded its id. OpenAI may be unable to show it at that moment, and sends no second webhook. So the
-- id stays here, and the poll asks for the response until it can be read: soon at first, then rarely. A job that waits for it waits
-- until its background budget ends; one that is held for review since then learns from it what was done.

create table durable_responses.unread_webhooks (
  response_id text primary key,
  reported_at timestamptz not null,
  due timestamptz not null
);
create index unread_webhooks_due on durable_responses.unread_webhooks (due);
comment on index durable_responses.unread_webhooks_due is 'Which responses are asked for next.';
comment on table durable_responses.unread_webhooks is
  'Responses that a webhook has reported, and that could not be read: each may be the one that a job waits for. A row is deleted when the response has been read, or after a day. It names no job, and no owner.';
comment on column durable_responses.unread_webhooks.response_id is 'The id in the webhook.';
comment on column durable_responses.unread_webhooks.reported_at is 'When the webhook came.';
comment on column durable_responses.unread_webhooks.due is 'When to ask for the response next.';
alter table durable_responses.unread_webhooks enable row level security;
revoke all on durable_responses.unread_webhooks from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.unread_webhooks to service_role;

create function public.keep_unread_webhook(p_response_id text, p_is_unknown boolean) returns boolean
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  if p_is_unknown and not exists (select from durable_responses.waits where status = 'background' and not ready and response_id is null)
    and not exists (select from durable_responses.waits where status = 'running' and not ready and continuing)
  then
    return false;
  end if;
  insert into durable_responses.unread_webhooks (response_id, reported_at, due)
  values (p_response_id, v_now, v_now + interval '30 seconds')
  on conflict (response_id) do nothing;
  return true;
end;
$$;
comment on function public.keep_unread_webhook(text, boolean) is
  'The response of a webhook cannot be read now: it is asked for again. p_is_unknown: OpenAI says that there is none. Then it is somebody else''s, unless a job waits, or may come to wait, for a response whose id nobody has recorded. Returns whether it is asked for again.';

create function public.forget_unread_webhook(p_response_id text) returns void
language plpgsql set search_path = ''
as $$
begin
  delete from durable_responses.unread_webhooks where response_id = p_response_id;
end;
$$;
comment on function public.forget_unread_webhook(text) is 'The response of a webhook has been read.';

create function durable_responses.claim_unread_webhooks(p_limit integer) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_claimed jsonb;
begin
  with next as materialized (
    select response_id from durable_responses.unread_webhooks
    where due <= v_now order by due limit p_limit for update skip locked
  ), too_old as (
    delete from durable_responses.unread_webhooks u using next
    where u.response_id = next.response_id and u.reported_at <= v_now - interval '1 day'
  ), claimed as (
    update durable_responses.unread_webhooks u set
      due = least(v_now + greatest(interval '30 seconds', (v_now - u.reported_at) / 4), u.reported_at + interval '1 day')
    from next where u.response_id = next.response_id and u.reported_at > v_now - interval '1 day'
    returning u.response_id
  )
  select jsonb_agg(response_id) into v_claimed from claimed;
  return coalesce(v_claimed, '[]');
end;
$$;
comment on function durable_responses.claim_unread_webhooks(integer) is
  'The ids of responses to ask for now: each again after 30 s, or a quarter of the time since its webhook, for a day.';

revoke execute on function public.keep_unread_webhook(text, boolean), public.forget_unread_webhook(text),
  durable_responses.claim_unread_webhooks(integer) from public, anon, authenticated;
grant execute on function public.keep_unread_webhook(text, boolean), public.forget_unread_webhook(text),
  durable_responses.claim_unread_webhooks(integer) to service_role;
