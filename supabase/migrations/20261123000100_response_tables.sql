-- durable-responses: OpenAI responses that always come back.
--
-- Concepts
--   A job (public.response_jobs) is one accepted query. Its row exists before OpenAI is called, so
--   whatever happens afterwards there is something to retry, to show and to ask about.
--   An attempt (public.response_attempts) is one try at a job, in OpenAI's background mode or run
--   synchronously by a worker. Attempts of a job are numbered from 1 and never reused.
--   A lease is a worker's right to run a job until `leased_until`; while it lasts nobody else runs it.
--   The fencing token of a job is its current attempt number: every write names the attempt it
--   belongs to, and a write that names any but the current one is refused (SQLSTATE DR410).
--
-- Invariants
--   * A job's status changes only along durable_responses.transition_allowed(), enforced by a trigger.
--   * completed, failed and cancelled are final: such a row never changes again. A retry of a failed
--     job is a new job that names the old one in `retry_of`.
--   * A lease exists only while running, a result only when completed, an error only when failed:
--     named check constraints, so no code path can write an impossible row.
--
-- Who may do what
--   anon: nothing. authenticated: read own jobs and attempts, the granted columns only.
--   service_role (the Edge Functions): the functions granted to it. Nobody writes tables directly but
--   through functions; these are security invoker, so service_role holds the table rights they need.
--
-- Lock order: a job row first, then its attempts. No function locks two jobs other than by
--   `for update skip locked`, so two functions never wait for each other in a circle.
--
-- SQLSTATEs of our own: DR400 bad argument, DR404 no such job, DR409 state forbids it,
--   DR410 stale attempt (fenced off), DR422 idempotency key used with another request,
--   DR500 not configured. supabase/functions/_shared/errors.ts maps them to HTTP, once.

create schema if not exists durable_responses;
comment on schema durable_responses is
  'Internals of durable-responses: helpers that are not part of the API. Public functions live in public.';
revoke all on schema durable_responses from public, anon, authenticated;
grant usage on schema durable_responses to service_role;

create type public.response_job_status as enum (
  'background', 'queued', 'running', 'awaiting_approval', 'needs_review',
  'completed', 'failed', 'cancelled'
);
comment on type public.response_job_status is
  'background: at OpenAI. queued: waits for a synchronous run. running: leased by a worker. awaiting_approval, needs_review: a person decides. completed, failed, cancelled: final.';

create type public.response_mode as enum ('background', 'synchronous');
comment on type public.response_mode is
  'How an attempt runs: in OpenAI''s background mode, or synchronously in one of our workers.';

create type public.response_attempt_outcome as enum (
  'completed', 'failed', 'cancelled', 'lost', 'handed_over', 'parked'
);
comment on type public.response_attempt_outcome is
  'How an attempt ended. lost: its worker vanished and the lease ran out. handed_over: the worker''s time ran out, the next one goes on. parked: it waits for a person.';

create table public.response_settings (
  only_row boolean primary key default true,
  retention_days integer not null default 30,
  cron_history_days integer not null default 7,
  constraint response_settings_only_row check (only_row),
  constraint response_settings_retention check (retention_days between 1 and 3650),
  constraint response_settings_cron_history check (cron_history_days between 1 and 365)
);
comment on table public.response_settings is
  'Settings of durable-responses: one row. Change it here, in the dashboard.';
comment on column public.response_settings.only_row is 'Always true: keeps the table at one row.';
comment on column public.response_settings.retention_days is 'Finished jobs are deleted this many days after they finished.';
comment on column public.response_settings.cron_history_days is 'Rows of cron.job_run_details are deleted after this many days; pg_cron itself never does.';
insert into public.response_settings default values;

create table public.response_jobs (
  id uuid primary key default gen_random_uuid(),
  -- No foreign key to auth.users: tokens of third-party auth have no row there, and the deletion of a
  -- user must not take the record of a side effect (an email sent) with it.
  owner_id uuid,
  status public.response_job_status not null,
  profile text not null,
  input jsonb,
  request jsonb,
  metadata jsonb not null default '{}',
  idempotency_key text,
  request_hash text,
  retry_of uuid,
  priority smallint not null default 0,
  attempt integer not null default 0,
  failures integer not null default 0,
  max_attempts integer not null default 5,
  backoff_base_ms integer not null default 1000,
  backoff_cap_ms integer not null default 300000,
  deadline timestamptz not null,
  response_id text,
  poll_at timestamptz,
  background_until timestamptz,
  run_at timestamptz,
  leased_by text,
  leased_until timestamptz,
  fallback_reason text,
  output_text text,
  output jsonb,
  output_parsed jsonb,
  usage jsonb,
  error_code text,
  error_message text,
  error_hint text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  finished_at timestamptz,
  constraint response_jobs_profile_length check (char_length(profile) between 1 and 64),
  constraint response_jobs_input_or_request check ((input is null) <> (request is null)),
  constraint response_jobs_metadata_object check (jsonb_typeof(metadata) = 'object'),
  constraint response_jobs_key_length check (char_length(idempotency_key) between 1 and 255),
  constraint response_jobs_key_has_hash check (idempotency_key is null or request_hash is not null),
  constraint response_jobs_priority_range check (priority between -100 and 100),
  constraint response_jobs_counters check (attempt >= 0 and failures >= 0 and max_attempts between 1 and 100),
  constraint response_jobs_backoff check (backoff_base_ms between 1 and backoff_cap_ms),
  constraint response_jobs_lease_while_running check (
    (status = 'running') = (leased_until is not null) and (leased_until is null) = (leased_by is null)),
  constraint response_jobs_run_at_while_queued check ((status = 'queued') = (run_at is not null)),
  constraint response_jobs_poll_while_background check (
    (status = 'background') = (poll_at is not null) and (poll_at is null) = (background_until is null)),
  constraint response_jobs_result_when_completed check (
    (status = 'completed') = (output is not null)
    and (status = 'completed' or (output_text is null and output_parsed is null))),
  constraint response_jobs_error_when_failed check (
    (status = 'failed') = (error_code is not null)
    and (error_code is null) = (error_message is null)
    and (error_hint is null or error_code is not null)),
  constraint response_jobs_finished_when_final check (
    (status in ('completed', 'failed', 'cancelled')) = (finished_at is not null))
);

comment on table public.response_jobs is
  'One row per accepted query, written before OpenAI is called. Add one with submit_response_job() or enqueue_response_job(); change one only through functions.';
comment on column public.response_jobs.id is 'The job''s id, as the caller got it.';
comment on column public.response_jobs.owner_id is 'The user who asked (auth.uid()); null when a server with a secret key did.';
comment on column public.response_jobs.status is 'Where the job stands. See the type''s comment and docs/architecture.md.';
comment on column public.response_jobs.profile is 'Name of the profile in _shared/profiles.ts that says model, tools and budgets.';
comment on column public.response_jobs.input is 'What was asked: a string, or an array of Responses API input items.';
comment on column public.response_jobs.request is 'A whole Responses API request, from a caller with a secret key; then input is null. Secrets in it are references, never values.';
comment on column public.response_jobs.metadata is 'The caller''s own key-value pairs; not interpreted.';
comment on column public.response_jobs.idempotency_key is 'A repeat with the same key and the same request returns this job instead of making another.';
comment on column public.response_jobs.request_hash is 'SHA-256 of the request, to tell a repeat from a reused key.';
comment on column public.response_jobs.retry_of is 'The finished job that this one repeats. No foreign key: it outlives the pruning of the original.';
comment on column public.response_jobs.priority is 'Higher runs first, -100 to 100.';
comment on column public.response_jobs.attempt is 'Number of the current attempt: the fencing token. 0 before the first.';
comment on column public.response_jobs.failures is 'Synchronous attempts that failed and count towards max_attempts.';
comment on column public.response_jobs.max_attempts is 'Synchronous attempts before the job fails.';
comment on column public.response_jobs.backoff_base_ms is 'First retry delay in ms, doubled with each failure, full jitter.';
comment on column public.response_jobs.backoff_cap_ms is 'Longest retry delay in ms; a longer Retry-After is still honoured.';
comment on column public.response_jobs.deadline is 'The job fails with deadline_exceeded when it has not finished by then.';
comment on column public.response_jobs.response_id is 'OpenAI''s id of the current background response, or of the one that gave the result.';
comment on column public.response_jobs.poll_at is 'While background: when to look at OpenAI next (or, with no response id, when the accept budget ends).';
comment on column public.response_jobs.background_until is 'While background: when a response that is still not done counts as stuck.';
comment on column public.response_jobs.run_at is 'While queued: not run before this time.';
comment on column public.response_jobs.leased_by is 'While running: which worker runs it.';
comment on column public.response_jobs.leased_until is 'While running: the worker counts as lost if it has not renewed by then.';
comment on column public.response_jobs.fallback_reason is 'Why background was left for a synchronous run, as an error code of docs/errors.md; null when it was not.';
comment on column public.response_jobs.output_text is 'The answer as text, when completed.';
comment on column public.response_jobs.output is 'The answer''s output items as OpenAI gave them, when completed.';
comment on column public.response_jobs.output_parsed is 'The answer as JSON that fits the profile''s schema, when the profile has one.';
comment on column public.response_jobs.usage is 'Tokens, as OpenAI reported them.';
comment on column public.response_jobs.error_code is 'Why it failed: a code of docs/errors.md.';
comment on column public.response_jobs.error_message is 'What failed, the rule, and the value seen.';
comment on column public.response_jobs.error_hint is 'What to do about it.';
comment on column public.response_jobs.created_at is 'When it was accepted.';
comment on column public.response_jobs.updated_at is 'When the row last changed.';
comment on column public.response_jobs.finished_at is 'When it became completed, failed or cancelled.';

-- One index per question that a function asks; each is partial, so finished jobs cost a claim nothing.
create index response_jobs_claim on public.response_jobs (priority desc, run_at) where status = 'queued';
create index response_jobs_run_at on public.response_jobs (run_at) where status = 'queued';
create index response_jobs_leases on public.response_jobs (leased_until) where status = 'running';
create index response_jobs_polls on public.response_jobs (poll_at) where status = 'background';
create index response_jobs_deadlines on public.response_jobs (deadline) where status in ('queued', 'awaiting_approval');
create unique index response_jobs_response on public.response_jobs (response_id) where status = 'background' and response_id is not null;
create index response_jobs_owner on public.response_jobs (owner_id, created_at desc);
create index response_jobs_finished on public.response_jobs (finished_at) where finished_at is not null;
create unique index response_jobs_idempotency on public.response_jobs (owner_id, idempotency_key)
  nulls not distinct where idempotency_key is not null;
create unique index response_jobs_retry_of on public.response_jobs (retry_of) where retry_of is not null;

create table public.response_attempts (
  job_id uuid not null references public.response_jobs (id) on delete cascade,
  number integer not null,
  mode public.response_mode not null,
  worker text,
  response_id text,
  request_id text,
  outcome public.response_attempt_outcome,
  error_code text,
  error_type text,
  error_message text,
  usage jsonb,
  cancel_pending boolean not null default false,
  started_at timestamptz not null,
  finished_at timestamptz,
  primary key (job_id, number),
  constraint response_attempts_number check (number >= 1),
  constraint response_attempts_finished_with_outcome check ((outcome is null) = (finished_at is null)),
  constraint response_attempts_failed_has_code check (outcome is distinct from 'failed' or error_code is not null),
  constraint response_attempts_cancel_has_response check (not cancel_pending or response_id is not null)
);
comment on table public.response_attempts is 'One row per try at a job, background or synchronous.';
comment on column public.response_attempts.job_id is 'The job.';
comment on column public.response_attempts.number is 'Counts from 1 within the job; the fencing token of this try''s writes.';
comment on column public.response_attempts.mode is 'background or synchronous.';
comment on column public.response_attempts.worker is 'Which worker ran it; null for background.';
comment on column public.response_attempts.response_id is 'OpenAI''s response id, once known.';
comment on column public.response_attempts.request_id is 'OpenAI''s x-request-id, to give to their support.';
comment on column public.response_attempts.outcome is 'How it ended; null while under way.';
comment on column public.response_attempts.error_code is 'A code of docs/errors.md, when it failed or was lost.';
comment on column public.response_attempts.error_type is 'OpenAI''s own error code or type, as it came.';
comment on column public.response_attempts.error_message is 'What failed, with credentials masked.';
comment on column public.response_attempts.usage is 'Tokens of this try, as OpenAI reported them.';
comment on column public.response_attempts.cancel_pending is 'True until OpenAI has confirmed the cancellation of this background response.';
comment on column public.response_attempts.started_at is 'When it began.';
comment on column public.response_attempts.finished_at is 'When it ended.';
create index response_attempts_cancel_pending on public.response_attempts (job_id) where cancel_pending;
create index response_attempts_response on public.response_attempts (response_id) where response_id is not null;

alter table public.response_settings enable row level security;
alter table public.response_jobs enable row level security;
alter table public.response_attempts enable row level security;

create policy response_jobs_owner_reads on public.response_jobs
  for select to authenticated using (owner_id = (select auth.uid()));
create policy response_attempts_owner_reads on public.response_attempts
  for select to authenticated using (
    exists (
      select from public.response_jobs j
      where j.id = response_attempts.job_id and j.owner_id = (select auth.uid())
    )
  );

revoke all on public.response_settings, public.response_jobs, public.response_attempts
  from public, anon, authenticated, service_role;
grant select, update on public.response_settings to service_role;
grant select, insert, update on public.response_jobs, public.response_attempts to service_role;
-- Not granted to users: request (may hold instructions), request_hash, lease and schedule internals.
grant select (
  id, owner_id, status, profile, input, metadata, idempotency_key, retry_of, priority, attempt, failures,
  max_attempts, deadline, response_id, run_at, fallback_reason, output_text, output, output_parsed, usage,
  error_code, error_message, error_hint, created_at, updated_at, finished_at
) on public.response_jobs to authenticated;
grant select (
  job_id, number, mode, response_id, outcome, error_code, error_message, usage, started_at, finished_at
) on public.response_attempts to authenticated;
