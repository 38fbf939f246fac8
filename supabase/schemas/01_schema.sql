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
