-- Live updates, for what somebody watches and for nothing else.
--
-- Concepts
--   An announcement is a private Realtime broadcast about a change of status, of a job (event `job`) or of one of its steps
--   (event `step`), on two topics: `response-job:<job id>` and `response-jobs:<owner id>`. It says what changed, without the
--   content: answers, arguments and outputs are read from the tables, under their own policies. Delivery is at most once.
--   A watch says that somebody watches a topic now. It lasts 45 s, so a closed tab costs nothing. An announcement is half
--   the cost of a completion, and on the platform a billed message: unwatched topics are not announced.
--   A client watches before it reads. Registering locks the wait rows (for key share). Otherwise a completion that had read
--   the watches earlier could commit unannounced after the client's read, and the client would never see it. A list cannot
--   lock a row that does not exist yet: a job whose submit commits at the same moment may come unannounced. The client sees
--   it at its next read: when it joins its channel, or at one of its occasional reads while it is live.
--   Live text (event `text`) is sent by the worker through Realtime's HTTP API, in batches, and never passes through the
--   database: 2,000 deltas would be 2,000 rows.
--
-- Invariants
--   * Nothing here can fail the transaction that changed the job.
--   * Only callers who may see a job can join its topics, and only a secret key can send on them.

create unlogged table public.response_watches (
  topic text primary key,
  watched_until timestamptz not null,
  text_until timestamptz
);
create index response_watches_until on public.response_watches (watched_until);
comment on index public.response_watches_until is 'Whether anything is watched at all, and what has expired.';
comment on table public.response_watches is
  'Topics that somebody watches now. Written by watch_response_job() and watch_response_jobs(); a crash empties it, and watchers renew within 45 s.';
comment on column public.response_watches.topic is 'response-job:<job id> or response-jobs:<owner id>.';
comment on column public.response_watches.watched_until is 'When the watch expires; 45 s after the last sign of life.';
comment on column public.response_watches.text_until is 'For a job: until when live text is wanted too; null if nobody asked for it.';
alter table public.response_watches enable row level security;
revoke all on public.response_watches from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.response_watches to service_role;

-- Security definer, here and below: only a role that bypasses row level security can insert into realtime.messages, and jobs
-- are changed by service_role, by pg_cron's postgres, or by whatever role runs an adopter's trigger that enqueues one. They
-- send only what is in the tables, on private topics.
create function durable_responses.announce(p_event text, p_topics text[], p_payloads jsonb[]) returns void
language plpgsql security definer set search_path = ''
as $$
begin
  if p_topics is null then
    return;
  end if;
  insert into realtime.messages (id, topic, event, payload, private, extension)
  select m.id, m.topic, p_event,
    -- As realtime.send() does.
    case when m.payload ? 'id' then m.payload else m.payload || jsonb_build_object('id', m.id) end, true, 'broadcast'
  from (
    select gen_random_uuid() as id, given.topic, given.payload from unnest(p_topics, p_payloads) given (topic, payload)
  ) m;
exception
  when others then
    begin
      perform realtime.send(given.payload, p_event, given.topic, true) from unnest(p_topics, p_payloads) given (topic, payload);
    exception
      -- Realtime is not installed, or was changed. Clients that poll still see the update.
      when others then
        raise warning 'Cannot announce on % and % more: % (%)', p_topics[1], cardinality(p_topics) - 1, sqlerrm, sqlstate;
    end;
end;
$$;
comment on function durable_responses.announce(text, text[], jsonb[]) is
  'Broadcasts an event on each topic, with the payload at the same place. Never fails.';

create function durable_responses.announce_jobs(p_job_ids uuid[]) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_topics text[];
  v_payloads jsonb[];
begin
  if not exists (select from public.response_watches where watched_until > now()) then
    return;
  end if;
  select array_agg(w.topic), array_agg(jsonb_build_object(
    'id', j.id, 'status', coalesce(wait.status, j.status), 'attempt', coalesce(wait.attempt, j.attempt), 'profile', j.profile,
    'fallback_reason', coalesce(wait.fallback_reason, j.fallback_reason), 'error_code', j.error_code,
    'created_at', j.created_at, 'updated_at', coalesce(wait.since, j.finished_at), 'finished_at', j.finished_at))
  into v_topics, v_payloads
  from durable_responses.jobs j
    left join durable_responses.waits wait on wait.job_id = j.id
    cross join lateral (values ('response-job:' || j.id), ('response-jobs:' || j.owner_id)) topic (name)
    join public.response_watches w on w.topic = topic.name and w.watched_until > now()
  where j.id = any (p_job_ids);
  perform durable_responses.announce('job', v_topics, v_payloads);
end;
$$;
comment on function durable_responses.announce_jobs(uuid[]) is
  'Announces the status of watched jobs. Called last by whatever changed them, while their rows are locked.';

create function durable_responses.announce_steps(p_job_id uuid, p_numbers integer[]) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_topics text[];
  v_payloads jsonb[];
begin
  if p_numbers is null or not exists (select from public.response_watches where watched_until > now()) then
    return;
  end if;
  select array_agg(w.topic order by s.number), array_agg(jsonb_build_object(
    'job_id', s.job_id, 'number', s.number, 'attempt', s.attempt, 'kind', s.kind, 'status', s.status,
    'server_label', s.server_label, 'tool', s.tool, 'started_at', s.started_at, 'finished_at', s.finished_at) order by s.number)
  into v_topics, v_payloads
  from durable_responses.jobs j
    cross join lateral (values ('response-job:' || j.id), ('response-jobs:' || j.owner_id)) topic (name)
    join public.response_watches w on w.topic = topic.name and w.watched_until > now()
    join public.response_steps s on s.job_id = j.id and s.number = any (p_numbers)
  where j.id = p_job_id;
  perform durable_responses.announce('step', v_topics, v_payloads);
end;
$$;
comment on function durable_responses.announce_steps(uuid, integer[]) is 'Announces the status of steps of a job that is watched.';

create function durable_responses.register_watch(p_job_id uuid, p_owner_id uuid, p_text boolean) returns timestamptz
language plpgsql security definer set search_path = ''
as $$
declare
  v_until constant timestamptz := now() + interval '45 s';
begin
  -- By now() and not durable_responses.clock(): a watch is renewed by real clients, which a test's clock does not move.
  if p_job_id is not null then
    perform from durable_responses.waits where job_id = p_job_id for key share;
  else
    perform from durable_responses.waits where owner_id = p_owner_id order by job_id for key share;
  end if;
  delete from public.response_watches where topic in (
    select topic from public.response_watches where watched_until < now() order by watched_until limit 10 for update skip locked);
  insert into public.response_watches (topic, watched_until, text_until)
  values (coalesce('response-job:' || p_job_id, 'response-jobs:' || p_owner_id), v_until, case when p_text then v_until end)
  on conflict (topic) do update set
    watched_until = excluded.watched_until, text_until = coalesce(excluded.text_until, response_watches.text_until);
  return v_until;
end;
$$;
comment on function durable_responses.register_watch(uuid, uuid, boolean) is
  'Registers a watch of a job, or of an owner''s list. It returns nothing about the job, so it checks no rights: a caller who may not see the job cannot join its topic.';

create function public.watch_response_job(p_job_id uuid, p_text boolean default true) returns timestamptz
language plpgsql set search_path = ''
as $$
begin
  if not exists (select from public.response_jobs where id = p_job_id) then
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
  return durable_responses.register_watch(p_job_id, null, p_text);
end;
$$;
comment on function public.watch_response_job(uuid, boolean) is
  'Registers that the caller watches this job. For 45 s its changes are announced and, unless p_text is false, its worker sends live text. Returns when it expires. Call it before the first read, and again before it expires.';

create function public.watch_response_jobs() returns timestamptz
language plpgsql set search_path = ''
as $$
begin
  if auth.uid() is null then
    raise exception using errcode = 'DR400', message = 'Cannot watch a list of jobs: the caller is not a signed-in user',
      hint = 'Only a signed-in user has a list. With a secret key, watch single jobs with watch_response_job().';
  end if;
  return durable_responses.register_watch(null, auth.uid(), false);
end;
$$;
comment on function public.watch_response_jobs() is
  'Registers that the caller watches the list of their own jobs. For 45 s their changes are announced on response-jobs:<user id>. Returns when it expires.';

create function public.watched_response_jobs(p_job_ids uuid[]) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('id', id, 'watched_until', w.text_until)), '[]'::jsonb)
    from unnest(p_job_ids) id join public.response_watches w on w.topic = 'response-job:' || id and w.text_until > now());
end;
$$;
comment on function public.watched_response_jobs(uuid[]) is
  'The jobs among these whose live text somebody reads now: [{id, watched_until}]. A later watched_until means that a watcher joined or renewed.';

do $$
begin
  -- Missing where Realtime is switched off; clients then poll.
  if to_regclass('realtime.messages') is null then
    return;
  end if;
  create policy response_jobs_listens on realtime.messages for select to authenticated
    using (extension = 'broadcast' and (
      (select realtime.topic()) = any (
        select 'response-jobs:' || owner from unnest((select durable_responses.visible_owners())::uuid[]) owner)
      or exists (
        select from public.response_jobs j
        -- Other topics give null here and find no row. The cast never sees text that is not a UUID.
        where j.id = (substring((select realtime.topic())
          from '^response-job:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$'))::uuid)));
end;
$$;

revoke execute on function durable_responses.announce(text, text[], jsonb[]), durable_responses.announce_jobs(uuid[]),
  durable_responses.announce_steps(uuid, integer[]), durable_responses.register_watch(uuid, uuid, boolean),
  public.watch_response_job(uuid, boolean), public.watch_response_jobs(), public.watched_response_jobs(uuid[])
  from public, anon, authenticated;
grant execute on function durable_responses.announce_jobs(uuid[]), durable_responses.announce_steps(uuid, integer[]),
  public.watched_response_jobs(uuid[]) to service_role;
grant execute on function durable_responses.register_watch(uuid, uuid, boolean), public.watch_response_job(uuid, boolean),
  public.watch_response_jobs() to authenticated, service_role;
