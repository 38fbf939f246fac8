-- Routes: what is learned from failures and successes, and what the next job does with it.

create function durable_responses.ensure_route(p_route text, p_profile text, p_model text, p_tool_servers text[]) returns void
language plpgsql set search_path = ''
as $$
begin
  -- The read comes first: nearly always the route is known, and a read takes no lock.
  if not exists (select from public.response_routes where route = p_route) then
    insert into public.response_routes (route, profile, model, tool_servers, created_at, updated_at)
    values (p_route, p_profile, p_model, p_tool_servers, durable_responses.clock(), durable_responses.clock())
    on conflict (route) do nothing;
  end if;
end;
$$;
comment on function durable_responses.ensure_route(text, text, text, text[]) is 'Makes the route known.';

create function durable_responses.background_verdict(p_route text) returns text
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_route public.response_routes;
begin
  select * into v_route from public.response_routes where route = p_route;
  if v_route.paused_until > v_now then
    return 'route_paused';
  end if;
  if v_route.breaker = 'closed' then
    return null;
  end if;
  -- One job an interval becomes the probe: the update is atomic, so two cannot both win it.
  update public.response_routes set
    breaker = 'half_open', probe_at = v_now + make_interval(secs => s.probe_interval_s), updated_at = v_now
  from public.response_settings s
  where route = p_route and breaker <> 'closed' and probe_at <= v_now;
  return case when found then null else 'background_skipped' end;
end;
$$;
comment on function durable_responses.background_verdict(text) is
  'Whether a new job should try background: null for yes (normally, or as the probe), else the fallback reason.';

create function durable_responses.route_background_failed(p_route text, p_code text) returns void
language sql set search_path = ''
as $$
  -- A rate limit, a quota or an unreachable OpenAI says nothing about background.
  update public.response_routes r set
    background_failures = r.background_failures + 1, last_failure = p_code,
    breaker = case
      when r.breaker = 'closed' and p_code <> 'background_unsupported' and r.background_failures + 1 < s.breaker_failures
        then 'closed' else 'open' end::public.response_breaker,
    probe_at = case
      when r.breaker = 'closed' and p_code <> 'background_unsupported' and r.background_failures + 1 < s.breaker_failures
        then null
      -- Once open, failures of jobs that were under way do not put the next probe off; nor does the
      -- probe's own, which set the time when it began.
      when r.breaker <> 'closed' then r.probe_at
      else durable_responses.clock() + make_interval(secs => s.probe_interval_s) end,
    updated_at = durable_responses.clock()
  from public.response_settings s
  where r.route = p_route
    and p_code not in ('openai_rate_limited', 'openai_unreachable', 'openai_timeout', 'openai_quota_exceeded',
      'output_invalid', 'response_cancelled');
$$;
comment on function durable_responses.route_background_failed(text, text) is
  'Counts a background failure; opens the breaker when there are too many in a row, or at once when background is unsupported.';

create function durable_responses.route_succeeded(p_route text, p_mode public.response_mode, p_took_ms bigint) returns void
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
    -- A sample is enough for an average; a write by every job would make all of them wait for one row.
    update public.response_routes r set
      typical_ms = coalesce((r.typical_ms * 7 + v_took) / 8, v_took), updated_at = v_now
    where r.route in (
      select c.route from public.response_routes c
      where c.route = p_route and (c.typical_ms is null or random() < 0.1)
      for update skip locked
    );
  end if;
end;
$$;
comment on function durable_responses.route_succeeded(text, public.response_mode, bigint) is
  'A job of the route completed: closes the breaker (background) or ends a pause and learns the duration (synchronous).';

create function durable_responses.pause_route(p_route text, p_code text, p_for_ms bigint) returns void
language sql set search_path = ''
as $$
  update public.response_routes set
    paused_until = greatest(paused_until, durable_responses.clock() + make_interval(secs => p_for_ms / 1000.0)),
    pause_reason = p_code, updated_at = durable_responses.clock()
  where route = p_route;
$$;
comment on function durable_responses.pause_route(text, text, bigint) is 'No job of the route is claimed for so long.';

create function durable_responses.pause_for(p_job public.response_jobs, p_error jsonb, p_retry_after_ms bigint) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_error ->> 'code' = 'openai_quota_exceeded' then
    perform durable_responses.pause_route(p_job.route, p_error ->> 'code',
      (select quota_pause_s * 1000::bigint from public.response_settings));
  elsif p_error ->> 'code' = 'openai_rate_limited' then
    perform durable_responses.pause_route(p_job.route, p_error ->> 'code',
      greatest(coalesce(p_retry_after_ms, 0), p_job.backoff_base_ms));
  end if;
end;
$$;
comment on function durable_responses.pause_for(public.response_jobs, jsonb, bigint) is
  'A rate limit or a used-up quota pauses the route for all its jobs, rather than having each find out.';

-- Submitting: the route decides whether background is tried at all.
drop function public.submit_response_job(text, jsonb, jsonb, uuid, jsonb, text, text, public.response_mode, integer, integer, integer, bigint, integer, integer, integer);
create function public.submit_response_job(
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
  v_now timestamptz := durable_responses.clock();
  v_route text := coalesce(p_route, p_profile);
  v_skip text;
  v_background boolean;
  v_job public.response_jobs;
begin
  if p_input is null and p_request is null then
    raise exception using errcode = 'DR400', message = 'Cannot submit a job without input: p_input and p_request are both null',
      hint = 'Give p_input => to_jsonb(''your question''::text), or call enqueue_response_job().';
  end if;
  perform durable_responses.ensure_route(v_route, p_profile, p_model, p_tool_servers);
  -- A repeat must not use up the route's probe, so it is looked for before the verdict.
  if p_idempotency_key is null or not exists (
    select from public.response_jobs where owner_id is not distinct from p_owner_id and idempotency_key = p_idempotency_key
  ) then
    v_skip := case when p_mode = 'background' then durable_responses.background_verdict(v_route) end;
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
      v_skip, v_route, p_once_tools, p_on_uncertain, p_approval_ms, p_poll_ms, v_now, v_now
    )
    on conflict (owner_id, idempotency_key) where idempotency_key is not null do nothing
    returning * into v_job;
  end if;

  if v_job.id is null then
    select * into v_job from public.response_jobs
    where owner_id is not distinct from p_owner_id and idempotency_key = p_idempotency_key;
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
comment on function public.submit_response_job(
  text, jsonb, jsonb, uuid, jsonb, text, text, public.response_mode, integer, integer, integer, bigint, integer, integer, integer,
  text, text, text[], boolean, text, bigint, integer
) is 'Accepts a job: writes its row, once per owner and idempotency key. Returns {created, job}. p_mode background is for the function that will call OpenAI at once, when the job comes back as background; a job that comes back as queued is picked up by the next worker.';

revoke all on function
  durable_responses.ensure_route(text, text, text, text[]),
  durable_responses.background_verdict(text),
  durable_responses.route_background_failed(text, text),
  durable_responses.route_succeeded(text, public.response_mode, bigint),
  durable_responses.pause_route(text, text, bigint),
  durable_responses.pause_for(public.response_jobs, jsonb, bigint),
  public.submit_response_job(text, jsonb, jsonb, uuid, jsonb, text, text, public.response_mode, integer, integer, integer, bigint, integer, integer, integer, text, text, text[], boolean, text, bigint, integer)
from public, anon, authenticated, service_role;
grant execute on function
  durable_responses.ensure_route(text, text, text, text[]),
  durable_responses.background_verdict(text),
  durable_responses.route_background_failed(text, text),
  durable_responses.route_succeeded(text, public.response_mode, bigint),
  durable_responses.pause_route(text, text, bigint),
  durable_responses.pause_for(public.response_jobs, jsonb, bigint),
  public.submit_response_job(text, jsonb, jsonb, uuid, jsonb, text, text, public.response_mode, integer, integer, integer, bigint, integer, integer, integer, text, text, text[], boolean, text, bigint, integer)
to service_role;
