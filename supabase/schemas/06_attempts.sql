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
