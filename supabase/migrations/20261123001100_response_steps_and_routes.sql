-- Runs that outlive their worker: the tables.
--
-- Concepts
--   A step (public.response_steps) is one output item of a run: a tool call, a list of tools, a piece of
--   reasoning, a message, a request for approval. Finished steps are the checkpoint that the next worker
--   goes on from; tool calls among them are the ledger of side effects.
--   A call has an effect: none (it only reads), idempotent (twice is like once) or once.
--   A `once` call that was in flight when its attempt ended is uncertain: nobody knows whether it
--   happened. Its job goes to needs_review and nothing runs until a person has said what is true.
--   A route (public.response_routes) is a profile with its model and tool servers. It learns: background
--   that keeps failing is skipped (breaker), and a rate limit pauses all its jobs at once.
--   A worker (public.response_workers) is whoever claimed lately: an Edge Function's isolate or a plain
--   Deno process; known so that a backlog wakes no more of them than is allowed.
--
-- Lock order: job, then its attempts and steps, then its route. A route is never locked before a job
-- that exists already.

create type public.response_step_status as enum ('started', 'finished', 'failed', 'void', 'uncertain', 'waiting');
comment on type public.response_step_status is
  'started: in flight. finished, failed: the tool answered, with output or error. void: cut off, harmless, made again if need be. uncertain: nobody knows whether it happened. waiting: for a person''s yes or no.';

create type public.response_effect as enum ('none', 'idempotent', 'once');
comment on type public.response_effect is
  'What a tool call does to the world: none (reads), idempotent (twice is like once), once (must not be made twice).';

create type public.response_breaker as enum ('closed', 'open', 'half_open');
comment on type public.response_breaker is
  'closed: background is tried. open: it kept failing and is skipped. half_open: one probe is under way.';

alter table public.response_settings
  add column max_workers integer not null default 8,
  add column max_running integer,
  add column breaker_failures integer not null default 3,
  add column probe_interval_s integer not null default 300,
  add column quota_pause_s integer not null default 300,
  add constraint response_settings_workers check (max_workers between 1 and 1000),
  add constraint response_settings_running check (max_running >= 0),
  add constraint response_settings_breaker check (breaker_failures between 1 and 1000 and probe_interval_s >= 1),
  add constraint response_settings_quota_pause check (quota_pause_s between 1 and 86400);
comment on column public.response_settings.max_workers is 'A backlog wakes at most so many workers.';
comment on column public.response_settings.max_running is 'At most so many jobs run synchronously at a time, in all; null is no limit, 0 stops claiming.';
comment on column public.response_settings.breaker_failures is 'Background failures in a row after which a route skips background.';
comment on column public.response_settings.probe_interval_s is 'How often one job of such a route tries background again, in s.';
comment on column public.response_settings.quota_pause_s is 'How long a route waits after OpenAI said that the quota is used up, in s.';

create table public.response_routes (
  route text primary key,
  profile text not null,
  model text not null,
  tool_servers text[] not null default '{}',
  breaker public.response_breaker not null default 'closed',
  background_failures integer not null default 0,
  last_failure text,
  probe_at timestamptz,
  paused_until timestamptz,
  pause_reason text,
  max_running integer,
  typical_ms integer,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint response_routes_route_length check (char_length(route) between 1 and 500),
  constraint response_routes_failures check (background_failures >= 0),
  constraint response_routes_probe_unless_closed check ((breaker = 'closed') = (probe_at is null)),
  constraint response_routes_pause_has_reason check ((paused_until is null) = (pause_reason is null)),
  constraint response_routes_running check (max_running >= 0),
  constraint response_routes_typical check (typical_ms >= 0)
);
comment on table public.response_routes is 'One row per route: a profile with its model and tool servers. What was learned about it, and its limits.';
comment on column public.response_routes.route is 'profile/model/servers; the profile alone for jobs queued in SQL.';
comment on column public.response_routes.profile is 'The profile''s name.';
comment on column public.response_routes.model is 'The model; empty for jobs queued in SQL.';
comment on column public.response_routes.tool_servers is 'Labels of the MCP servers.';
comment on column public.response_routes.breaker is 'Whether background is tried. Set it to closed, and probe_at to null, to try again at once.';
comment on column public.response_routes.background_failures is 'Background failures in a row.';
comment on column public.response_routes.last_failure is 'Code of the last background failure.';
comment on column public.response_routes.probe_at is 'While not closed: when the next job may try background again.';
comment on column public.response_routes.paused_until is 'No job of the route is claimed before; after it one at a time, until one succeeds.';
comment on column public.response_routes.pause_reason is 'Code of the failure that paused it.';
comment on column public.response_routes.max_running is 'At most so many of its jobs run synchronously at a time; null is no limit. Yours to set.';
comment on column public.response_routes.typical_ms is 'How long a synchronous run usually takes, a moving average in ms; long ones wait for a worker with the time.';
comment on column public.response_routes.created_at is 'When its first job came.';
comment on column public.response_routes.updated_at is 'When the row last changed.';

create table public.response_workers (
  id text primary key,
  kind text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  constraint response_workers_kind check (kind in ('edge', 'process'))
);
comment on table public.response_workers is 'Workers that claimed or renewed lately; one that ends signs off.';
comment on column public.response_workers.id is 'The worker''s name, as in response_jobs.leased_by.';
comment on column public.response_workers.kind is 'edge: an Edge Function''s isolate, with a wall clock. process: a plain Deno process, without.';
comment on column public.response_workers.started_at is 'When it was first seen.';
comment on column public.response_workers.seen_at is 'When it was last seen.';

alter table public.response_jobs
  add column route text,
  add column owner_key uuid not null generated always as (coalesce(owner_id, '00000000-0000-0000-0000-000000000000'::uuid)) stored,
  add column ready boolean not null default true,
  add column once_tools boolean not null default true,
  add column on_uncertain text not null default 'review',
  add column approval_ms bigint not null default 604800000,
  add column approval_until timestamptz,
  add column review_reason text,
  add column poll_ms integer not null default 30000,
  add column min_life_ms bigint not null default 0,
  add column stalled_lives integer not null default 0,
  add constraint response_jobs_on_uncertain check (on_uncertain in ('review', 'retry')),
  add constraint response_jobs_approval_ms check (approval_ms >= 1),
  add constraint response_jobs_poll_ms check (poll_ms >= 1),
  add constraint response_jobs_life check (min_life_ms >= 0 and stalled_lives >= 0);
comment on column public.response_jobs.route is 'The route it runs on: see response_routes.';
comment on column public.response_jobs.owner_key is 'owner_id, or zeros for servers: what fairness between owners goes by.';
comment on column public.response_jobs.ready is 'While queued: run_at has come. Claims look at ready jobs only.';
comment on column public.response_jobs.once_tools is 'Whether its tools may have side effects that must not be made twice.';
comment on column public.response_jobs.on_uncertain is 'What to do when nobody knows whether a side effect happened: review or retry.';
comment on column public.response_jobs.approval_ms is 'How long an approval may wait, in ms.';
comment on column public.response_jobs.approval_until is 'While awaiting_approval: when the request expires.';
comment on column public.response_jobs.review_reason is 'While needs_review: what is uncertain.';
comment on column public.response_jobs.poll_ms is 'While background: how often it is looked at when no webhook comes, in ms.';
comment on column public.response_jobs.min_life_ms is 'Only a worker with at least so much time left takes it; the largest bigint means a worker with no wall clock.';
comment on column public.response_jobs.stalled_lives is 'Full worker lives in a row that finished no step.';

-- Jobs of the first release: final rows cannot change, so the guard steps aside for the backfill.
alter table public.response_jobs disable trigger response_jobs_guard;
update public.response_jobs set
  route = profile, ready = run_at is null or run_at <= now(),
  approval_until = case status when 'awaiting_approval' then deadline end,
  review_reason = case status when 'needs_review' then 'Set aside before reasons were kept' end
where route is null;
alter table public.response_jobs enable trigger response_jobs_guard;
alter table public.response_jobs
  alter column route set not null,
  add constraint response_jobs_approval_while_waiting check ((status = 'awaiting_approval') = (approval_until is not null)),
  add constraint response_jobs_reason_while_reviewed check ((status = 'needs_review') = (review_reason is not null));
insert into public.response_routes (route, profile, model, created_at, updated_at)
select distinct profile, profile, '', now(), now() from public.response_jobs;

create table public.response_steps (
  job_id uuid not null references public.response_jobs (id) on delete cascade,
  number integer not null,
  attempt integer not null,
  item_id text not null,
  kind text not null,
  status public.response_step_status not null,
  effect public.response_effect,
  server_label text,
  tool text,
  arguments text,
  call_key text,
  output text,
  error text,
  item jsonb,
  answer jsonb,
  answered_by text,
  answered_at timestamptz,
  started_at timestamptz not null,
  finished_at timestamptz,
  primary key (job_id, number),
  constraint response_steps_number check (number >= 1),
  constraint response_steps_call_has_effect check ((kind = 'mcp_call') = (effect is not null)),
  constraint response_steps_uncertain_is_call check (status <> 'uncertain' or kind in ('mcp_call', 'background_run')),
  constraint response_steps_waiting_is_approval check (status <> 'waiting' or kind = 'mcp_approval_request'),
  constraint response_steps_answer_has_author check ((answer is null) = (answered_at is null) and (answer is null) = (answered_by is null)),
  constraint response_steps_finished_at check ((status in ('started', 'uncertain', 'waiting')) = (finished_at is null))
);
comment on table public.response_steps is
  'What a job''s runs did, item by item: the checkpoint that the next worker goes on from, and the ledger of side effects.';
comment on column public.response_steps.job_id is 'The job.';
comment on column public.response_steps.number is 'Counts from 1 within the job, in the order they came.';
comment on column public.response_steps.attempt is 'The attempt that made it.';
comment on column public.response_steps.item_id is 'OpenAI''s id of the item; ids change from attempt to attempt.';
comment on column public.response_steps.kind is 'The item''s type (mcp_call, mcp_list_tools, reasoning, message, mcp_approval_request …), or background_run for a background run of which nothing is known.';
comment on column public.response_steps.status is 'Where it stands.';
comment on column public.response_steps.effect is 'For a call: what it does to the world.';
comment on column public.response_steps.server_label is 'For a call: the MCP server.';
comment on column public.response_steps.tool is 'For a call: the tool.';
comment on column public.response_steps.arguments is 'For a call: its arguments, JSON as text.';
comment on column public.response_steps.call_key is 'For a call: server, tool and canonical arguments; equal keys are the same call.';
comment on column public.response_steps.output is 'What the tool answered.';
comment on column public.response_steps.error is 'What the tool failed with.';
comment on column public.response_steps.item is 'The whole item as OpenAI gave it, once finished.';
comment on column public.response_steps.answer is 'What a person said: {approve, reason?} or {outcome, output?}.';
comment on column public.response_steps.answered_by is 'Who said it: a user''s id, or service.';
comment on column public.response_steps.answered_at is 'When.';
comment on column public.response_steps.started_at is 'When it began, as far as we know.';
comment on column public.response_steps.finished_at is 'When it ended.';

alter table public.response_attempts add column warnings text[] not null default '{}';
comment on column public.response_attempts.warnings is 'What was odd but did not stop it.';

drop index public.response_jobs_claim;
drop index public.response_jobs_run_at;
create index response_jobs_claim on public.response_jobs (route, priority desc, owner_key, run_at) where status = 'queued' and ready;
create index response_jobs_delayed on public.response_jobs (run_at) where status = 'queued' and not ready;
create index response_jobs_running on public.response_jobs (route) where status = 'running';
create index response_jobs_approvals on public.response_jobs (approval_until) where status = 'awaiting_approval';
create unique index response_steps_item on public.response_steps (job_id, attempt, item_id);

alter table public.response_steps enable row level security;
alter table public.response_routes enable row level security;
alter table public.response_workers enable row level security;
create policy response_steps_owner_reads on public.response_steps
  for select to authenticated using (
    exists (
      select from public.response_jobs j
      where j.id = response_steps.job_id and j.owner_id = (select auth.uid())
    )
  );

revoke all on public.response_steps, public.response_routes, public.response_workers
  from public, anon, authenticated, service_role;
grant select, insert, update on public.response_steps, public.response_routes to service_role;
grant select, insert, update, delete on public.response_workers to service_role;
grant select (
  job_id, number, attempt, item_id, kind, status, effect, server_label, tool, arguments, output, error,
  answer, answered_by, answered_at, started_at, finished_at
) on public.response_steps to authenticated;
grant select (on_uncertain, approval_until, review_reason) on public.response_jobs to authenticated;
grant select (warnings) on public.response_attempts to authenticated;
