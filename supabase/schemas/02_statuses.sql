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
