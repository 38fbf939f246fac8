-- Live updates: what a frontend sees of a job without asking for it again and again.
--
-- Concepts
--   An announcement is a private Realtime broadcast about a change of status, of a job (event `job`) or of
--   one of its steps (event `step`), on two topics: `response-job:<job id>` and `response-jobs:<owner id>`.
--   It says what changed, not what came out: answers, arguments and outputs are read from the tables,
--   under their own policies. Delivery is at most once; a client reads the tables whenever it has joined.
--   Live text (event `text`) is sent by the worker through Realtime's HTTP API, in batches, and never
--   passes through the database: 2,000 deltas would be 2,000 rows.
--   A watch says that somebody looks at a job now. It expires by itself, so a closed tab costs nothing.
--
-- Invariants
--   * Nothing here can fail the transaction that changed the job.
--   * Only a job's owner can join its topics; nobody but the secret key's holder can send on them.
--
-- Cost: two small inserts for each change of status, about 0.4 ms. Renewed leases, polls and rewritten steps announce
--   nothing (the triggers' WHEN).

create function durable_responses.announce(p_event text, p_payload jsonb, p_job_id uuid, p_owner_id uuid) returns void
language plpgsql set search_path = ''
as $$
begin
  perform realtime.send(p_payload, p_event, 'response-job:' || p_job_id, true);
  if p_owner_id is not null then
    perform realtime.send(p_payload, p_event, 'response-jobs:' || p_owner_id, true);
  end if;
exception
  -- realtime.send swallows its own errors; this is for a project where Realtime is not installed or was
  -- changed. An update that nobody sees live is still seen by those who ask.
  when others then
    raise warning 'Cannot announce a change of job %: % (%)', p_job_id, sqlerrm, sqlstate;
end;
$$;
comment on function durable_responses.announce(text, jsonb, uuid, uuid) is
  'Broadcasts an event on the topics of a job and of its owner. Never fails.';

-- Security definer, here and below: a job changes by the hand of service_role, of pg_cron's postgres, or of
-- whatever role runs an adopter's own trigger that enqueues one, and realtime.messages lets none but a
-- bypassing role insert. The functions take no arguments, write nothing but announcements, and only a
-- trigger can run them: EXECUTE is granted to nobody.
create function durable_responses.announce_job() returns trigger
language plpgsql security definer set search_path = ''
as $$
begin
  perform durable_responses.announce('job', jsonb_build_object(
    'id', new.id, 'status', new.status, 'attempt', new.attempt, 'profile', new.profile,
    'fallback_reason', new.fallback_reason, 'error_code', new.error_code,
    'created_at', new.created_at, 'updated_at', new.updated_at, 'finished_at', new.finished_at
  ), new.id, new.owner_id);
  return null;
end;
$$;
comment on function durable_responses.announce_job() is 'Announces a job''s new status.';

create function durable_responses.announce_step() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  v_owner_id uuid := (select owner_id from public.response_jobs where id = new.job_id);
begin
  perform durable_responses.announce('step', jsonb_build_object(
    'job_id', new.job_id, 'number', new.number, 'attempt', new.attempt, 'kind', new.kind, 'status', new.status,
    'server_label', new.server_label, 'tool', new.tool,
    'started_at', new.started_at, 'finished_at', new.finished_at
  ), new.job_id, v_owner_id);
  return null;
end;
$$;
comment on function durable_responses.announce_step() is 'Announces a step''s new status.';

create trigger response_jobs_announce_new after insert on public.response_jobs
  for each row execute function durable_responses.announce_job();
create trigger response_jobs_announce after update on public.response_jobs
  for each row when (old.status is distinct from new.status)
  execute function durable_responses.announce_job();
create trigger response_steps_announce_new after insert on public.response_steps
  for each row execute function durable_responses.announce_step();
create trigger response_steps_announce after update on public.response_steps
  for each row when (old.status is distinct from new.status)
  execute function durable_responses.announce_step();

-- Who may listen. There is no policy for insert, so no user can send. Where Realtime is switched off
-- (`[realtime] enabled = false`) its table is missing; clients then poll.
do $$
begin
  if to_regclass('realtime.messages') is null then
    raise warning 'Live updates are off: this project has no table realtime.messages';
    return;
  end if;
  drop policy if exists response_jobs_owner_listens on realtime.messages;
  create policy response_jobs_owner_listens on realtime.messages
    for select to authenticated using (
      extension = 'broadcast' and (
        (select realtime.topic()) = 'response-jobs:' || (select auth.uid())::text
        or exists (
          select from public.response_jobs j
          -- Other topics give null here, and no row; the cast never sees what is not a UUID.
          where j.id = substring((select realtime.topic())
              from '^response-job:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$')::uuid
            and j.owner_id = (select auth.uid())
        )
      )
    );
end;
$$;

-- What a list of jobs shows and a search looks through. The input itself may be a megabyte of JSON.
alter table public.response_jobs
  add column query_text text generated always as (left(input #>> '{}', 500)) stored;
comment on column public.response_jobs.query_text is 'The beginning of what was asked, as text: for lists and searches.';
grant select (query_text) on public.response_jobs to authenticated;

create table public.response_watches (
  job_id uuid primary key references public.response_jobs (id) on delete cascade,
  watched_until timestamptz not null
);
comment on table public.response_watches is
  'Jobs that somebody looks at now: their workers send live text. Written by watch_response_job().';
comment on column public.response_watches.job_id is 'The job.';
comment on column public.response_watches.watched_until is 'When the watch expires; 45 s after the last sign of life.';

create function durable_responses.stamp_watch() returns trigger
language plpgsql set search_path = ''
as $$
begin
  -- Whatever was written: no watch lasts longer than this. By now() and not durable_responses.clock(), as
  -- this runs with the rights of a user, who may not call that.
  new.watched_until := now() + interval '45 s';
  return new;
end;
$$;
comment on function durable_responses.stamp_watch() is 'Sets how long a watch lasts.';
create trigger response_watches_stamp before insert or update on public.response_watches
  for each row execute function durable_responses.stamp_watch();

alter table public.response_watches enable row level security;
create policy response_watches_owner_reads on public.response_watches
  for select to authenticated using (
    exists (select from public.response_jobs j where j.id = response_watches.job_id and j.owner_id = (select auth.uid()))
  );
create policy response_watches_owner_adds on public.response_watches
  for insert to authenticated with check (
    exists (select from public.response_jobs j where j.id = response_watches.job_id and j.owner_id = (select auth.uid()))
  );
create policy response_watches_owner_renews on public.response_watches
  for update to authenticated using (
    exists (select from public.response_jobs j where j.id = response_watches.job_id and j.owner_id = (select auth.uid()))
  );

-- The one function that users call themselves, through the Data API rather than an Edge Function: every
-- watcher calls it every 20 s. It has the caller's rights, so that it can do nothing that a user may not;
-- hence the grants on the table, which holds nothing but an expiry that the trigger sets.
create function public.watch_response_job(p_job_id uuid) returns timestamptz
language plpgsql set search_path = ''
as $$
declare
  v_until timestamptz;
begin
  if not exists (select from public.response_jobs where id = p_job_id) then
    raise exception using errcode = 'DR404', message = format('Cannot find job %s', p_job_id),
      hint = 'Check the id; a job of another user is shown to nobody else, and finished jobs are pruned after a while.';
  end if;
  insert into public.response_watches (job_id, watched_until) values (p_job_id, now())
  on conflict (job_id) do update set watched_until = excluded.watched_until
  returning watched_until into v_until;
  return v_until;
end;
$$;
comment on function public.watch_response_job(uuid) is
  'Says that the caller looks at this job of theirs: for 45 s its worker sends live text. Returns until when. Call it again before that.';

create function public.watched_response_jobs(p_job_ids uuid[]) returns jsonb
language sql stable set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', job_id, 'watched_until', watched_until)), '[]'::jsonb)
  from public.response_watches
  where job_id = any (p_job_ids) and watched_until > now();
$$;
comment on function public.watched_response_jobs(uuid[]) is
  'Which of these jobs somebody looks at now: [{id, watched_until}]. A later watched_until means that a watcher has come or stayed.';

revoke all on public.response_watches from public, anon, authenticated, service_role;
grant select, insert, update on public.response_watches to authenticated, service_role;
revoke all on function
  durable_responses.announce(text, jsonb, uuid, uuid),
  durable_responses.announce_job(),
  durable_responses.announce_step(),
  durable_responses.stamp_watch(),
  public.watch_response_job(uuid),
  public.watched_response_jobs(uuid[])
from public, anon, authenticated, service_role;
grant execute on function public.watch_response_job(uuid) to authenticated, service_role;
grant execute on function public.watched_response_jobs(uuid[]) to service_role;
