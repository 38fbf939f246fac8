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
