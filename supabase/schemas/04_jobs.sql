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
