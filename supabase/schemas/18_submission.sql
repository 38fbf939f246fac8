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
