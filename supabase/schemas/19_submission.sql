-- The JSON of a submit, and how it is parsed: an unknown field or an invalid value is refused (DR400).

create type durable_responses.submission as (
  schema_major integer,
  id uuid,
  profile text,
  input jsonb,
  request jsonb,
  owner_id uuid,
  metadata jsonb,
  idempotency_key text,
  request_hash text,
  mode text,
  priority integer,
  accept_ms bigint,
  background_ms bigint,
  deadline_ms bigint,
  approval_ms bigint,
  review_ms bigint,
  poll_ms integer,
  max_attempts integer,
  backoff_base_ms integer,
  backoff_cap_ms integer,
  route text,
  model text,
  tool_servers text[],
  once_tools boolean,
  on_uncertain text,
  guard text,
  settings jsonb,
  continued_from uuid,
  joins boolean,
  stream boolean,
  claims jsonb
);
comment on type durable_responses.submission is
  'What submit_response_job() takes, as JSON. Durations in ms. Only profile and one of input and request are required; see the columns of jobs for the values. id is a new UUIDv7, with which a submit whose answer was lost can be repeated. joins: if the owner has made the same request (request_hash) and not read the answer, that job is returned instead of a new one. stream: the events of its runs are stored as they come (14_streams.sql). claims: of the owner''s token, as whom the files that the input refers to are checked (17_files.sql); not stored.';

create function durable_responses.read_submission(p_job jsonb) returns durable_responses.submission
language plpgsql stable set search_path = ''
as $$
declare
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
    'continued_from', 'joins', 'stream', 'claims'] <> '{}'
  then
    select name into v_unknown from jsonb_object_keys(p_job) name
    where name not in (
      select attname from pg_catalog.pg_attribute where attrelid = 'durable_responses.submission'::regclass and attnum > 0)
    limit 1;
    raise exception using errcode = 'DR400', message = format('Cannot submit a job: there is no field %L', left(v_unknown, 64)),
      hint = 'See the comment of submit_response_job() for the fields.';
  end if;
  begin
    v_given := jsonb_populate_record(null::durable_responses.submission, p_job);
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
  v_given.input := nullif(v_given.input, 'null');
  v_given.request := nullif(v_given.request, 'null');
  v_given.settings := nullif(v_given.settings, 'null');
  v_given.claims := nullif(v_given.claims, 'null');
  if (v_given.input is null) = (v_given.request is null) then
    raise exception using errcode = 'DR400',
      message = format('Cannot submit a job: exactly one of input and request must be given, not %s',
        case when v_given.input is null then 'neither' else 'both' end),
      hint = 'Give "input": "your question"; or call enqueue_response_job().';
  end if;
  if v_given.backoff_base_ms > coalesce(v_given.backoff_cap_ms, 300000) or v_given.backoff_cap_ms < coalesce(v_given.backoff_base_ms, 1000) then
    raise exception using errcode = 'DR400',
      message = format('Cannot submit a job: backoff_base_ms (%s) must be at most backoff_cap_ms (%s)',
        coalesce(v_given.backoff_base_ms, 1000), coalesce(v_given.backoff_cap_ms, 300000)),
      hint = 'They are the first and the longest delay between attempts, in ms. The defaults are 1000 and 300000.';
  end if;
  return v_given;
end;
$$;
comment on function durable_responses.read_submission(jsonb) is 'Parses and checks a submission. Refuses (DR400) what it cannot read.';
revoke execute on function durable_responses.read_submission(jsonb) from public, anon, authenticated;
grant execute on function durable_responses.read_submission(jsonb) to service_role;
