-- Streams: the events of jobs that were submitted streaming, until shortly after they end.
--
-- Concepts
--   A stream contains what a job's runs have shown: text as it is written, items as they start and finish. Each event has a
--   number and is stored as the JSON that callers receive. A reader that comes later, or comes back, reads on from the event
--   that it names. A job has a stream only if it was submitted streaming: no other job pays for it.
--   The attempt that runs the job appends to it in batches. The stream's row is the fence: an attempt opens it first, and
--   writes of earlier attempts are refused. So no wait row is locked for text.
--
-- Invariants
--   * Numbers only grow. An attempt starts a thousand above what was written before it. The attempt before had fewer than
--     that many events shown and not yet written, so no event that a caller has seen comes again under another number.
--   * What a lost attempt left open is closed by the next one, which finds it from open_from on.
--   * A stream is only a view of the job: without it, readers get the answer, its items and its end from the job.

create table durable_responses.streams (
  job_id uuid primary key references durable_responses.jobs (id) on delete cascade,
  attempt integer not null default 0,
  next_number integer not null default 2,
  items integer not null default 0,
  open_from integer
) with (fillfactor = 50);
comment on table durable_responses.streams is
  'One row for each job that was submitted streaming: where its next events belong. Deleted ten minutes after the job has ended.';
comment on column durable_responses.streams.job_id is 'The job.';
comment on column durable_responses.streams.attempt is 'The attempt that writes: the fence. 0 before the first.';
comment on column durable_responses.streams.next_number is 'Number of the next event. 0 and 1 are response.created and response.in_progress, which are generated from the job.';
comment on column durable_responses.streams.items is 'How many output items have started: the next one''s output_index.';
comment on column durable_responses.streams.open_from is 'Number of the event that started the oldest open item; null if none is open.';

create table durable_responses.stream_events (
  job_id uuid not null references durable_responses.streams (job_id) on delete cascade,
  first_number integer not null,
  next_number integer not null,
  events text not null,
  primary key (job_id, first_number)
);
comment on table durable_responses.stream_events is 'Events of streams, in batches as they were written.';
comment on column durable_responses.stream_events.job_id is 'The job.';
comment on column durable_responses.stream_events.first_number is 'Number of the batch''s first event.';
comment on column durable_responses.stream_events.next_number is 'Number after its last.';
comment on column durable_responses.stream_events.events is 'One event per line, as JSON, as callers receive it.';

alter table durable_responses.streams enable row level security;
alter table durable_responses.stream_events enable row level security;
revoke all on durable_responses.streams, durable_responses.stream_events from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.streams, durable_responses.stream_events to service_role;

create function public.open_response_stream(p_job_id uuid, p_attempt integer) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_stream durable_responses.streams;
begin
  update durable_responses.streams set
    attempt = p_attempt,
    next_number = next_number + case when attempt between 1 and p_attempt - 1 then 1000 else 0 end
  where job_id = p_job_id and attempt <= p_attempt
  returning * into v_stream;
  if not found then
    return null;
  end if;
  return jsonb_build_object(
    'next', v_stream.next_number, 'items', v_stream.items,
    'open', (
      select string_agg(events, e'\n' order by first_number) from durable_responses.stream_events
      where job_id = p_job_id and next_number > v_stream.open_from));
end;
$$;
comment on function public.open_response_stream(uuid, integer) is
  'An attempt starts to write its job''s stream; earlier attempts no longer can. Returns {next, items, open}: open has the events from the oldest item on that has not ended. null if the job has no stream, or a later attempt has opened it.';

create function public.append_response_events(p_batches jsonb) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_held jsonb;
begin
  -- In the order of their ids, because two workers may write the same stream: the one that lost a job, and the one that has it.
  select jsonb_agg(jsonb_build_object('id', job_id, 'attempt', attempt, 'runs', exists (
    select from durable_responses.waits w where w.job_id = held.job_id and w.attempt = held.attempt and w.status = 'running')))
  into v_held
  from (
    select s.job_id, s.attempt
    from (select distinct id, attempt from jsonb_to_recordset(p_batches) as r (id uuid, attempt integer)) g
      join durable_responses.streams s on s.job_id = g.id and s.attempt = g.attempt
    order by s.job_id
    for no key update of s
  ) held;
  with given as materialized (
    select distinct on (g.id) g.*
    from jsonb_to_recordset(p_batches) as g (
        id uuid, attempt integer, first integer, next integer, items integer, open_from integer, events text)
      join jsonb_to_recordset(v_held) as h (id uuid, attempt integer) on h.id = g.id and h.attempt = g.attempt
    order by g.id
  ), written as (
    -- A batch that is sent again because its answer was lost may have grown.
    insert into durable_responses.stream_events (job_id, first_number, next_number, events)
    select id, first, next, events from given
    on conflict (job_id, first_number) do update set next_number = excluded.next_number, events = excluded.events
    -- The batch that was sent first may arrive last.
    where excluded.next_number > stream_events.next_number
  )
  update durable_responses.streams s set next_number = g.next, items = g.items, open_from = g.open_from
  from given g where s.job_id = g.id and g.next >= s.next_number;
  return coalesce(v_held, '[]');
end;
$$;
comment on function public.append_response_events(jsonb) is
  'Writes batches of events [{id, attempt, first, next, items, open_from, events}], at most one per attempt. Returns [{id, attempt, runs}] of those that may write. The other streams were taken over or deleted. runs: false if the attempt has ended by now, for example because its job was cancelled.';

create function public.read_response_events(
  p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false, p_after integer default 1, p_limit integer default 100
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, false);
begin
  if not exists (select from durable_responses.streams where job_id = p_job_id) then
    return null;
  end if;
  -- The status was read before the events: a job that was final by then has no more events than are read now.
  return jsonb_build_object(
    'status', coalesce((v.wait).status, (v.job).status),
    'batches', coalesce((
      select jsonb_agg(jsonb_build_object('first', b.first_number, 'events', b.events) order by b.first_number)
      from (
        select first_number, events from durable_responses.stream_events
        where job_id = p_job_id and first_number >= coalesce((
          select max(first_number) from durable_responses.stream_events where job_id = p_job_id and first_number <= p_after + 1), 0)
        order by first_number limit p_limit) b), '[]'::jsonb));
end;
$$;
comment on function public.read_response_events(uuid, uuid, boolean, integer, integer) is
  'The events of a job''s stream after number p_after, for callers who may see the job: {status, batches: [{first, events}]}, at most p_limit batches. The first batch may begin, and end, before p_after; its events are numbered from first on, one per line. null if the job has no stream.';

create function durable_responses.delete_ended_streams(p_limit integer) returns integer
language plpgsql set search_path = ''
as $$
declare
  v_deleted integer;
begin
  delete from durable_responses.streams where job_id in (
    select s.job_id from durable_responses.streams s join durable_responses.jobs j on j.id = s.job_id
    where j.finished_at < durable_responses.clock() - interval '10 minutes'
    order by s.job_id limit p_limit for update of s skip locked);
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;
comment on function durable_responses.delete_ended_streams(integer) is
  'Deletes streams of jobs that ended ten minutes ago or more. Returns how many.';

revoke execute on function public.open_response_stream(uuid, integer), public.append_response_events(jsonb),
  public.read_response_events(uuid, uuid, boolean, integer, integer), durable_responses.delete_ended_streams(integer) from public, anon, authenticated;
grant execute on function public.open_response_stream(uuid, integer), public.append_response_events(jsonb),
  public.read_response_events(uuid, uuid, boolean, integer, integer), durable_responses.delete_ended_streams(integer) to service_role;
