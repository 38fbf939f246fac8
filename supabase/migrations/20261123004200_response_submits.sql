-- Submitting: one job in fewer statements, many jobs in one call, and not more than a user's share.
--
-- A user may have so many unfinished jobs (response_settings.max_unfinished_per_user): one who sends 10,000 would
-- else spend the project's money and OpenAI's rate limit for everybody. Counted by an index of unfinished
-- jobs, and no further than the limit. Submits at the very same moment are each counted without the others, so the
-- limit may be passed by as many as run at once; a lock for each user would make every submit wait instead.

alter table public.response_settings
  add column max_unfinished_per_user integer default 1000,
  add constraint response_settings_unfinished check (max_unfinished_per_user >= 1);
comment on column public.response_settings.max_unfinished_per_user is
  'A user may have at most so many unfinished jobs; the next is refused with too_many_jobs. null is no limit. Jobs without an owner are not counted.';

create index response_jobs_unfinished on public.response_jobs (owner_id) where owner_id is not null and finished_at is null;

create function durable_responses.too_many_jobs(p_owner_id uuid) returns boolean
language plpgsql stable set search_path = '' set enable_seqscan = off
as $$
begin
  return (
    select s.max_unfinished_per_user is not null and s.max_unfinished_per_user <= (
      select count(*) from (
        select from public.response_jobs where owner_id = p_owner_id and finished_at is null
        limit s.max_unfinished_per_user
      ) unfinished)
    from public.response_settings s
  );
end;
$$;
comment on function durable_responses.too_many_jobs(uuid) is
  'Whether a user has as many unfinished jobs as response_settings.max_unfinished_per_user allows.';

create or replace function public.submit_response_job(
  p_profile text,
  p_input jsonb default null,
  p_request jsonb default null,
  p_owner_id uuid default null,
  p_metadata jsonb default '{}',
  p_idempotency_key text default null,
  p_request_hash text default null,
  p_mode public.response_mode default 'synchronous',
  p_priority integer default 0,
  p_accept_ms integer default 20000,
  p_background_ms integer default 600000,
  p_deadline_ms bigint default 86400000,
  p_max_attempts integer default 5,
  p_backoff_base_ms integer default 1000,
  p_backoff_cap_ms integer default 300000,
  p_route text default null,
  p_model text default '',
  p_tool_servers text[] default '{}',
  p_once_tools boolean default true,
  p_on_uncertain text default 'review',
  p_approval_ms bigint default 604800000,
  p_poll_ms integer default 30000
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_name constant text := coalesce(p_route, p_profile);
  v_route public.response_routes;
  v_full boolean := false;
  v_skip text;
  v_background boolean;
  v_created boolean := false;
  v_job public.response_jobs;
begin
  if p_input is null and p_request is null then
    raise exception using errcode = 'DR400', message = 'Cannot submit a job without input: p_input and p_request are both null',
      hint = 'Give p_input => to_jsonb(''your question''::text), or call enqueue_response_job().';
  end if;
  select * into v_route from public.response_routes where route = v_name;
  if not found then
    perform durable_responses.ensure_route(v_name, p_profile, p_model, p_tool_servers);
  end if;
  if p_owner_id is not null then
    v_full := durable_responses.too_many_jobs(p_owner_id);
  end if;
  -- The insert finds a repeat by itself. Asked for before only where a repeat must be answered though a new job
  -- would be refused, or must not use up the route's probe.
  if v_full or (p_mode = 'background' and (v_route.breaker <> 'closed' or v_route.paused_until > v_now)) then
    v_job := durable_responses.find_repeat(p_owner_id, p_idempotency_key);
  end if;
  if v_job.id is null then
    if v_full then
      raise exception using errcode = 'DR429',
        message = format('Cannot accept another job of this user: %s have not finished, and no more are allowed at a time',
          (select max_unfinished_per_user from public.response_settings)),
        hint = 'Wait until some have finished, or cancel some; response_settings.max_unfinished_per_user is the limit.';
    end if;
    if p_mode = 'background' and (v_route.breaker <> 'closed' or v_route.paused_until > v_now) then
      v_skip := durable_responses.background_verdict(v_name);
    end if;
    v_background := p_mode = 'background' and v_skip is null;
    insert into public.response_jobs (
      owner_id, status, profile, input, request, metadata, idempotency_key, request_hash, priority,
      attempt, max_attempts, backoff_base_ms, backoff_cap_ms, deadline,
      poll_at, background_until, run_at, fallback_reason, route, once_tools, on_uncertain, approval_ms, poll_ms, created_at, updated_at
    ) values (
      p_owner_id, (case when v_background then 'background' else 'queued' end)::public.response_job_status,
      p_profile, p_input, p_request, coalesce(p_metadata, '{}'), p_idempotency_key, p_request_hash, p_priority,
      v_background::integer, p_max_attempts, p_backoff_base_ms, p_backoff_cap_ms,
      v_now + make_interval(secs => p_deadline_ms / 1000.0),
      case when v_background then v_now + make_interval(secs => least(p_accept_ms, p_background_ms, p_deadline_ms) / 1000.0) end,
      case when v_background then v_now + make_interval(secs => p_background_ms / 1000.0) end,
      case when not v_background then v_now end,
      v_skip, v_name, p_once_tools, p_on_uncertain, p_approval_ms, p_poll_ms, v_now, v_now
    )
    on conflict (owner_id, idempotency_key) where idempotency_key is not null do nothing
    returning * into v_job;
    v_created := found;
    if not found then
      v_job := durable_responses.find_repeat(p_owner_id, p_idempotency_key);
    end if;
  end if;

  if not v_created then
    if v_job.request_hash is distinct from p_request_hash then
      raise exception using errcode = 'DR422',
        message = 'Cannot use this Idempotency-Key again: it was used with another request',
        hint = 'Use a new key for a new request, and the same key only to repeat the same one.';
    end if;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_job));
  end if;

  if v_background then
    insert into public.response_attempts (job_id, number, mode, started_at) values (v_job.id, 1, 'background', v_now);
  end if;
  return jsonb_build_object('created', true, 'job', durable_responses.job_view(v_job));
end;
$$;

create function public.submit_response_jobs(p_jobs jsonb) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_ids uuid[];
  v_given record;
  v_repeat public.response_jobs;
  v_answer jsonb;
begin
  if jsonb_typeof(p_jobs) is distinct from 'array' then
    raise exception using errcode = 'DR400',
      message = format('Cannot submit jobs: p_jobs must be an array, not %s', coalesce(jsonb_typeof(p_jobs), 'null')),
      hint = 'Give [{"profile": "default", "input": "What is new?", "idempotency_key": "news/1"}, …].';
  end if;
  insert into public.response_routes (route, profile, model, created_at, updated_at)
  select distinct p.profile, p.profile, '', v_now, v_now
  from jsonb_to_recordset(p_jobs) as p (profile text)
  where not exists (select from public.response_routes r where r.route = p.profile)
  on conflict (route) do nothing;

  with given as materialized (
    select g.*, gen_random_uuid() as id
    from rows from (jsonb_to_recordset(p_jobs) as (
      profile text, input jsonb, request jsonb, owner_id uuid, metadata jsonb, idempotency_key text,
      priority integer, deadline_ms bigint, max_attempts integer)) with ordinality g
  ), made as (
    insert into public.response_jobs (
      id, owner_id, status, profile, input, request, metadata, idempotency_key, request_hash, priority, max_attempts,
      deadline, run_at, route, created_at, updated_at)
    select id, owner_id, 'queued', profile, input, request, coalesce(metadata, '{}'), idempotency_key,
      durable_responses.hash_of(profile, input, request),
      coalesce(priority, 0), coalesce(max_attempts, 5),
      v_now + make_interval(secs => coalesce(deadline_ms, 86400000) / 1000.0), v_now, profile, v_now, v_now
    from given order by ordinality
    on conflict (owner_id, idempotency_key) where idempotency_key is not null do nothing
    returning id
  )
  select array_agg(m.id order by g.ordinality) into v_ids from given g left join made m on m.id = g.id;
  v_answer := coalesce((
    select jsonb_agg(jsonb_build_object('id', id, 'created', true)) from unnest(v_ids) id), '[]');

  if array_position(v_ids, null) is not null then
    for v_given in
      select g.*, durable_responses.hash_of(profile, input, request) as hash
      from rows from (jsonb_to_recordset(p_jobs) as (
        profile text, input jsonb, request jsonb, owner_id uuid, idempotency_key text)) with ordinality g
      where v_ids[g.ordinality] is null
    loop
      v_repeat := durable_responses.find_repeat(v_given.owner_id, v_given.idempotency_key);
      if v_repeat.request_hash is distinct from v_given.hash then
        raise exception using errcode = 'DR422',
          message = format('Cannot use idempotency key %s again: it was used with another request', left(v_given.idempotency_key, 100)),
          hint = 'Nothing of the batch was submitted. Use a new key for a new request, and the same key only to repeat the same one.';
      end if;
      v_answer := jsonb_set(v_answer, array[(v_given.ordinality - 1)::text],
        jsonb_build_object('id', v_repeat.id, 'created', false));
    end loop;
  end if;
  return v_answer;
end;
$$;
comment on function public.submit_response_jobs(jsonb) is
  'For servers with much to ask: queues many jobs for synchronous runs, all or none: [{profile, input | request, owner_id?, metadata?, idempotency_key?, priority?, deadline_ms?, max_attempts?}]. Returns [{id, created}] in the same order; created is false for a repeat. Not subject to max_unfinished_per_user.';

create function durable_responses.hash_of(p_profile text, p_input jsonb, p_request jsonb) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return encode(sha256(convert_to(jsonb_build_array(p_profile, p_input, p_request)::text, 'utf8')), 'hex');
end;
$$;
comment on function durable_responses.hash_of(text, jsonb, jsonb) is 'What tells a repeat from a reused key: SHA-256 of the request.';

revoke all on function
  durable_responses.too_many_jobs(uuid),
  durable_responses.hash_of(text, jsonb, jsonb),
  public.submit_response_jobs(jsonb)
from public, anon, authenticated, service_role;
grant execute on function
  durable_responses.too_many_jobs(uuid),
  durable_responses.hash_of(text, jsonb, jsonb),
  public.submit_response_jobs(jsonb)
to service_role;
