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
