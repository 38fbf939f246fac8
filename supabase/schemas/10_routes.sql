-- Routes: whether background is tried (the breaker), whether anything is run (pauses), and which profiles there are.
--
-- Only a job that completes in background shows that background works: it ends the count of failures, and closes the breaker.
-- A response that asks shows nothing, because tools run only after the yes. Nearly all failures come there. So a question
-- neither counts nor closes, and a probe that asks continues in background while the breaker is half open: otherwise no route
-- whose jobs ask would ever be healthy again.

create function durable_responses.ensure_route(p_route text, p_profile text, p_model text, p_tool_servers text[]) returns void
language plpgsql set search_path = ''
as $$
begin
  insert into public.response_routes (route, profile, model, tool_servers, created_at, updated_at)
  values (p_route, p_profile, coalesce(p_model, ''), coalesce(p_tool_servers, '{}'), durable_responses.clock(), durable_responses.clock())
  on conflict (route) do nothing;
end;
$$;
comment on function durable_responses.ensure_route(text, text, text, text[]) is 'Creates the route if it does not exist.';

create function durable_responses.background_verdict(p_route text) returns text
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_route public.response_routes;
begin
  select * into v_route from public.response_routes where route = p_route;
  if v_route.paused_until > v_now then
    return 'route_paused';
  end if;
  if v_route.breaker = 'closed' then
    return null;
  end if;
  -- One job per interval becomes the probe. The update is atomic, so two jobs cannot both win.
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
language plpgsql set search_path = ''
as $$
begin
  -- A rate limit, a quota, an unreachable OpenAI, Storage or server that a worker calls says nothing about background, nor does a
  -- region or a key that is refused. Others are in the caller's hands: an address that OpenAI cannot download, a question that gets no answer.
  update public.response_routes r set
    background_failures = r.background_failures + 1, last_failure = p_code,
    breaker = case
      when r.breaker = 'closed' and p_code <> 'background_unsupported' and r.background_failures + 1 < s.breaker_failures
        then 'closed' else 'open' end,
    probe_at = case
      when r.breaker = 'closed' and p_code <> 'background_unsupported' and r.background_failures + 1 < s.breaker_failures
        then null
      -- Once open, failures of jobs that were in progress do not postpone the next probe. Nor does the probe's own failure:
      -- it set the time when it began.
      when r.breaker <> 'closed' then r.probe_at
      else durable_responses.clock() + make_interval(secs => s.probe_interval_s) end,
    opened_at = case
      when r.breaker = 'closed' and (p_code = 'background_unsupported' or r.background_failures + 1 >= s.breaker_failures)
        then durable_responses.clock() else r.opened_at end,
    updated_at = durable_responses.clock()
  from public.response_settings s
  where r.route = p_route
    and p_code not in ('openai_rate_limited', 'openai_unreachable', 'openai_timeout', 'openai_quota_exceeded',
      'openai_region_refused', 'openai_key_refused', 'openai_download_failed', 'answer_empty', 'output_invalid', 'answer_too_large',
      'response_cancelled', 'storage_unavailable', 'file_changed', 'tools_unavailable');
end;
$$;
comment on function durable_responses.route_background_failed(text, text) is
  'Counts a background failure; opens the breaker when there are too many in a row, or at once when background is unsupported.';

create function durable_responses.route_answered(p_route text, p_took_ms bigint) returns void
language plpgsql set search_path = ''
as $$
begin
  -- Only a response that was accepted after the pause shows that it is over.
  update public.response_routes set paused_until = null, pause_reason = null, updated_at = durable_responses.clock()
  where route = p_route and paused_until <= durable_responses.clock() - make_interval(secs => greatest(p_took_ms, 0) / 1000.0);
end;
$$;
comment on function durable_responses.route_answered(text, bigint) is
  'A background response of the route ended by itself, p_took_ms after it was accepted: ends a pause that had passed by then.';

create function durable_responses.route_succeeded(p_route text, p_mode text, p_took_ms bigint) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_took constant integer := least(greatest(p_took_ms, 0), 2147483647);
begin
  if p_mode = 'background' then
    update public.response_routes set
      breaker = 'closed', background_failures = 0, probe_at = null, updated_at = v_now
    where route = p_route and (breaker <> 'closed' or background_failures > 0);
    perform durable_responses.route_answered(p_route, v_took);
  else
    update public.response_routes set paused_until = null, pause_reason = null, updated_at = v_now
    where route = p_route and paused_until <= v_now;
    update public.response_routes r set
      typical_ms = coalesce((r.typical_ms * 7::bigint + v_took) / 8, v_took)::integer, updated_at = v_now
    where r.route in (select c.route from public.response_routes c where c.route = p_route for update skip locked);
  end if;
end;
$$;
comment on function durable_responses.route_succeeded(text, text, bigint) is
  'A job of the route completed: closes the breaker (background) or learns the duration (synchronous), and ends a pause that had passed.';

create function durable_responses.pause_for(p_job_id uuid, p_error jsonb, p_retry_after_ms bigint) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_error ->> 'code' in ('openai_quota_exceeded', 'openai_rate_limited') then
    update public.response_routes r set
      paused_until = greatest(r.paused_until, durable_responses.clock() + make_interval(secs => least(
        case p_error ->> 'code' when 'openai_quota_exceeded' then s.quota_pause_s
          else greatest(coalesce(p_retry_after_ms, 0), j.backoff_base_ms) / 1000.0 end,
        s.max_delay_s))),
      pause_reason = p_error ->> 'code', updated_at = durable_responses.clock()
    from durable_responses.jobs j, public.response_settings s
    where j.id = p_job_id and r.route = j.route;
  end if;
end;
$$;
comment on function durable_responses.pause_for(uuid, jsonb, bigint) is
  'A rate limit or a used-up quota pauses the route for all its jobs, at most for response_settings.max_delay_s.';

create function public.register_response_profiles(p_names text[], p_was_made jsonb default '{}') returns void
language plpgsql set search_path = ''
as $$
begin
  -- One at a time: two with different lists would wait for each other's rows.
  perform pg_advisory_xact_lock(hashtextextended('durable_responses.profiles', 0));
  delete from durable_responses.profiles where name <> all (p_names);
  insert into durable_responses.profiles as known (name, registered_at, was_made_after_ms)
  select distinct name, durable_responses.clock(), ceil((p_was_made ->> name)::numeric)::bigint from unnest(p_names) name
  on conflict (name) do update set was_made_after_ms = excluded.was_made_after_ms
  where known.was_made_after_ms is distinct from excluded.was_made_after_ms;
  -- Of jobs that were held before a profile could find out.
  insert into durable_responses.doubts (job_id, due)
  select w.job_id, w.since + make_interval(secs => p.was_made_after_ms / 1000.0)
  from durable_responses.profiles p
    join durable_responses.waits w on w.status = 'needs_review' and not w.ready
    join durable_responses.jobs j on j.id = w.job_id and j.profile = p.name
  where p.was_made_after_ms is not null and not exists (
    select from durable_responses.attempts a
    where a.job_id = w.job_id and a.number = w.attempt and a.error_code = 'repeated_call')
  on conflict (job_id) do nothing;
end;
$$;
comment on function public.register_response_profiles(text[], jsonb) is
  'Registers the profiles of the deployed functions, and replaces those registered before. From then on, jobs queued in SQL must use one of them. p_was_made: {<name>: <ms>}, for those that can find out whether a call in doubt was made, the time after which they are first asked.';

create function durable_responses.check_profiles(p_names text[]) returns void
language plpgsql set search_path = ''
as $$
declare
  v_unknown text;
begin
  if not exists (select from durable_responses.profiles) then
    return;
  end if;
  select given.name into v_unknown from unnest(p_names) given (name)
  where not exists (select from durable_responses.profiles p where p.name = given.name) limit 1;
  if found then
    raise exception using errcode = 'DR400',
      message = format('Cannot enqueue a job of profile %L: the deployed functions have no such profile', left(v_unknown, 64)),
      hint = format('Use one of %s. Or deploy the functions with the new profile, then run npx durable-responses doctor.',
        (select string_agg(quote_literal(name), ', ' order by name) from (select name from durable_responses.profiles order by name limit 20) p));
  end if;
end;
$$;
comment on function durable_responses.check_profiles(text[]) is
  'Refuses (DR400) a profile that is not registered. Accepts any while none is registered.';

revoke execute on function durable_responses.ensure_route(text, text, text, text[]), durable_responses.background_verdict(text),
  durable_responses.route_background_failed(text, text), durable_responses.route_answered(text, bigint),
  durable_responses.route_succeeded(text, text, bigint),
  durable_responses.pause_for(uuid, jsonb, bigint), public.register_response_profiles(text[], jsonb),
  durable_responses.check_profiles(text[]) from public, anon, authenticated;
grant execute on function durable_responses.ensure_route(text, text, text, text[]), durable_responses.background_verdict(text),
  durable_responses.route_background_failed(text, text), durable_responses.route_answered(text, bigint),
  durable_responses.route_succeeded(text, text, bigint),
  durable_responses.pause_for(uuid, jsonb, bigint), public.register_response_profiles(text[], jsonb),
  durable_responses.check_profiles(text[]) to service_role;
