-- Many at a time: results that workers have at the same moment are written by one call, and whatever a
-- statement changes is announced by one insert.
--
-- What a statement costs is mostly what it costs to begin: of a completion of 0.7 ms, 0.1 was the change of
-- the row. So a function does in one statement what concerns one table, for one job or a hundred; the
-- single functions are the batch of one. Each result keeps its own fence.

-- Announcements, by statement. Per message, realtime.send() opens a subtransaction and sets a parameter: 22 us
-- of the 36 that a change of status cost to announce. Its insert is what Realtime reads, so it is made here, for
-- all messages at once; should the table ever want more, realtime.send() knows, and is asked.
drop trigger response_jobs_announce_new on public.response_jobs;
drop trigger response_jobs_announce on public.response_jobs;
drop function durable_responses.announce(text, jsonb, uuid, uuid);

create function durable_responses.announce(p_event text, p_topics text[], p_payloads jsonb[]) returns void
language plpgsql set search_path = ''
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
      -- Realtime is not installed, or was changed. An update that nobody sees live is still seen by those who ask.
      when others then
        raise warning 'Cannot announce on % and % more: % (%)', p_topics[1], cardinality(p_topics) - 1, sqlerrm, sqlstate;
    end;
end;
$$;
comment on function durable_responses.announce(text, text[], jsonb[]) is
  'Broadcasts an event on each topic, with the payload at the same place. Never fails.';

-- Security definer, as before and for the same reason: whoever's hand changes a job, realtime.messages lets
-- none but a bypassing role insert. No arguments, nothing written but announcements, EXECUTE granted to nobody.
-- With hash joins, though the caller may have switched them off for its own plan: of a hundred rows before and after,
-- the pairs are found in one pass.
create or replace function durable_responses.announce_job() returns trigger
language plpgsql security definer set search_path = '' set enable_hashjoin = on
as $$
declare
  v_topics text[];
  v_payloads jsonb[];
begin
  -- What changed, not what came out. The row as a whole goes nowhere: that would fetch its input and output.
  if tg_op = 'INSERT' then
    -- To its owner only: nobody can have joined the topic of a job whose id nobody knows yet.
    select array_agg('response-jobs:' || j.owner_id), array_agg(jsonb_build_object(
      'id', j.id, 'status', j.status, 'attempt', j.attempt, 'profile', j.profile,
      'fallback_reason', j.fallback_reason, 'error_code', j.error_code,
      'created_at', j.created_at, 'updated_at', j.updated_at, 'finished_at', j.finished_at))
    into v_topics, v_payloads
    from changed j where j.owner_id is not null;
  else
    select array_agg(topic.name), array_agg(said.payload) into v_topics, v_payloads
    from changed j
      join before b on b.id = j.id and b.status <> j.status
      cross join lateral (select jsonb_build_object(
        'id', j.id, 'status', j.status, 'attempt', j.attempt, 'profile', j.profile,
        'fallback_reason', j.fallback_reason, 'error_code', j.error_code,
        'created_at', j.created_at, 'updated_at', j.updated_at, 'finished_at', j.finished_at) as payload offset 0
      ) said
      cross join lateral (values ('response-job:' || j.id), ('response-jobs:' || j.owner_id)) topic (name)
    where topic.name is not null;
  end if;
  perform durable_responses.announce('job', v_topics, v_payloads);
  return null;
end;
$$;
comment on function durable_responses.announce_job() is 'Announces the new statuses of the jobs that a statement changed.';

create trigger response_jobs_announce_new after insert on public.response_jobs
  referencing new table as changed
  for each statement execute function durable_responses.announce_job();
create trigger response_jobs_announce after update on public.response_jobs
  referencing old table as before new table as changed
  for each statement execute function durable_responses.announce_job();

create or replace function durable_responses.announce_step() returns trigger
language plpgsql security definer set search_path = ''
as $$
declare
  v_owner_id uuid := (select owner_id from public.response_jobs where id = new.job_id);
  v_payload jsonb := jsonb_build_object(
    'job_id', new.job_id, 'number', new.number, 'attempt', new.attempt, 'kind', new.kind, 'status', new.status,
    'server_label', new.server_label, 'tool', new.tool,
    'started_at', new.started_at, 'finished_at', new.finished_at);
begin
  perform durable_responses.announce('step',
    array_remove(array['response-job:' || new.job_id, 'response-jobs:' || v_owner_id], null),
    case when v_owner_id is null then array[v_payload] else array[v_payload, v_payload] end);
  return null;
end;
$$;

-- By branches: at most six comparisons, where the list of pairs took up to 46.
create or replace function durable_responses.transition_allowed(
  p_from public.response_job_status, p_to public.response_job_status
) returns boolean
language plpgsql immutable set search_path = ''
as $$
begin
  return case p_from
    when 'queued' then p_to in ('running', 'cancelled', 'failed', 'needs_review')
    when 'running' then p_to in ('completed', 'failed', 'cancelled', 'queued', 'awaiting_approval', 'needs_review')
    when 'background' then p_to in ('completed', 'failed', 'cancelled', 'queued', 'awaiting_approval', 'needs_review')
    when 'awaiting_approval' then p_to in ('queued', 'cancelled', 'failed')
    when 'needs_review' then p_to in ('queued', 'cancelled', 'completed', 'failed')
    else false
  end;
end;
$$;

-- Newest first is read backwards just as well, and what is added last then goes to the end of an index, where
-- Postgres finds the place without a descent, rather than to its beginning.
drop index public.response_jobs_created;
drop index public.response_jobs_owner;
create index response_jobs_created on public.response_jobs (created_at, id);
create index response_jobs_owner on public.response_jobs (owner_id, created_at);

-- One success says of a route what a hundred at the same moment say, so a batch tells each route once.
create or replace function durable_responses.route_succeeded(p_route text, p_mode public.response_mode, p_took_ms bigint) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_took integer := least(greatest(p_took_ms, 0), 2147483647);
begin
  if p_mode = 'background' then
    update public.response_routes set
      breaker = 'closed', background_failures = 0, probe_at = null, updated_at = v_now
    where route = p_route and (breaker <> 'closed' or background_failures > 0);
  else
    update public.response_routes set paused_until = null, pause_reason = null, updated_at = v_now
    where route = p_route and paused_until <= v_now;
    update public.response_routes r set
      typical_ms = coalesce((r.typical_ms * 7 + v_took) / 8, v_took), updated_at = v_now
    where r.route in (select c.route from public.response_routes c where c.route = p_route for update skip locked);
  end if;
end;
$$;
create function public.complete_response_jobs(p_results jsonb) returns jsonb
-- One plan for ever, of index probes: the planner would rather read whole tables that were small when it looked.
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  -- Not written out below: that would invite the planner to read an index of all that runs.
  v_open constant public.response_job_status[] := '{background,running}';
  v_jobs uuid[];
  v_attempts integer[];
  v_routes text[];
  v_modes public.response_mode[];
  v_took bigint[];
  v_with_steps record;
  v_route record;
begin
  -- Jobs in the order of their ids, so that two calls with the same ones do not wait for each other in a circle.
  with given as materialized (
    select * from jsonb_to_recordset(p_results) as r (
      job_id uuid, attempt integer, response_id text, output jsonb, output_text text, output_parsed jsonb,
      usage jsonb, request_id text)
    order by job_id
  ), written as (
    update public.response_jobs j set
      status = 'completed', finished_at = v_now, response_id = g.response_id,
      output = g.output, output_text = g.output_text, output_parsed = g.output_parsed, usage = g.usage,
      poll_at = null, background_until = null, leased_by = null, leased_until = null
    from given g
    where j.id = g.job_id and j.attempt = g.attempt and j.status = any (v_open)
    returning j.id, j.attempt, j.route, g.response_id, g.request_id, g.usage
  ), ended as (
    update public.response_attempts a set
      outcome = 'completed', finished_at = v_now, response_id = coalesce(w.response_id, a.response_id),
      request_id = coalesce(w.request_id, a.request_id), usage = coalesce(w.usage, a.usage)
    from written w
    where a.job_id = w.id and a.number = w.attempt and a.outcome is null
    returning a.job_id, a.mode, a.started_at
  )
  select array_agg(w.id), array_agg(w.attempt), array_agg(w.route), array_agg(e.mode),
    array_agg(floor(extract(epoch from v_now - e.started_at) * 1000))
  into v_jobs, v_attempts, v_routes, v_modes, v_took
  from written w left join ended e on e.job_id = w.id;
  if v_jobs is null then
    return '[]';
  end if;

  -- Most runs end with nothing that is not saved already.
  if jsonb_path_exists(p_results, '$[*].steps[*]') then
    for v_with_steps in
      select j as job, j.attempt, r.steps from jsonb_to_recordset(p_results) as r (job_id uuid, attempt integer, steps jsonb)
        join public.response_jobs j on j.id = r.job_id and j.attempt = r.attempt
      where r.job_id = any (v_jobs) and jsonb_array_length(r.steps) > 0
    loop
      perform durable_responses.write_steps(v_with_steps.job, v_with_steps.attempt, v_with_steps.steps);
    end loop;
  end if;
  update public.response_steps s set status = 'void', finished_at = v_now
  from unnest(v_jobs, v_attempts) w (job_id, attempt)
  where s.job_id = w.job_id and s.attempt = w.attempt and s.status = 'started';

  for v_route in
    select r.route, w.mode, avg(w.took)::bigint as took
    from unnest(v_routes, v_modes, v_took) w (route, mode, took)
      join public.response_routes r on r.route = w.route
    where case w.mode
      when 'background' then r.breaker <> 'closed' or r.background_failures > 0
      -- A sample is enough for an average; a write by every job would make all of them wait for one row.
      else r.paused_until <= v_now or r.typical_ms is null or random() < 0.1
    end
    group by r.route, w.mode order by r.route
  loop
    perform durable_responses.route_succeeded(v_route.route, v_route.mode, v_route.took);
  end loop;
  return to_jsonb(v_jobs);
end;
$$;
comment on function public.complete_response_jobs(jsonb) is
  'Writes the results of many runs: [{job_id, attempt, response_id, output, output_text?, output_parsed?, usage?, request_id?, steps?}]. Returns the ids of the jobs that took theirs; the others have moved on, and theirs are dropped.';

create or replace function public.complete_response_job(
  p_job_id uuid, p_attempt integer, p_response_id text, p_output jsonb, p_output_text text default null,
  p_output_parsed jsonb default null, p_usage jsonb default null, p_request_id text default null,
  p_steps jsonb default '[]'
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
begin
  if public.complete_response_jobs(jsonb_build_array(jsonb_build_object(
    'job_id', p_job_id, 'attempt', p_attempt, 'response_id', p_response_id, 'output', p_output,
    'output_text', p_output_text, 'output_parsed', p_output_parsed, 'usage', p_usage,
    'request_id', p_request_id, 'steps', p_steps))) = '[]' then
    -- Refuses, and says why.
    perform durable_responses.lock_job(p_job_id, p_attempt, '{background,running}');
  end if;
  select * into v_job from public.response_jobs where id = p_job_id;
  return durable_responses.job_view(v_job);
end;
$$;

revoke all on function
  durable_responses.announce(text, text[], jsonb[]),
  public.complete_response_jobs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  public.complete_response_jobs(jsonb)
to service_role;
