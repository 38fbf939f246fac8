-- A job as JSON: for its owner, and for a worker.

-- A row that becomes JSON as a whole, which takes half as long as naming and taking each value; and json, as most callers only
-- pass it on.
create type durable_responses.job_shown as (
  id uuid, status text, profile text, metadata jsonb, attempt integer, response_id text, fallback_reason text, retry_of uuid,
  run_at timestamptz, deadline timestamptz, answer_until timestamptz, review_reason text, waiting jsonb,
  output_text text, output jsonb, output_parsed jsonb, usage jsonb, error jsonb,
  created_at timestamptz, updated_at timestamptz, finished_at timestamptz
);
comment on type durable_responses.job_shown is 'A job as its owner may see it, the body of GET /respond/:id. waiting: the calls that a person must decide.';

create function durable_responses.job_view(p_job durable_responses.jobs, p_wait durable_responses.waits) returns json
language plpgsql stable set search_path = ''
as $$
declare
  v_waiting jsonb;
begin
  if p_wait.status in ('awaiting_approval', 'awaiting_tool_output', 'needs_review') then
    select coalesce(jsonb_agg(jsonb_build_object(
      'number', s.number, 'request_id', s.item_id, 'kind', s.kind, 'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments,
      'digest', s.digest
    ) || case when s.run_by is not null then jsonb_build_object('call_id', s.call_id) else '{}' end order by s.number), '[]'::jsonb)
    into v_waiting
    from public.response_steps s where s.job_id = p_job.id and (s.status = 'uncertain'
      -- Nobody is asked about a call that a worker will make.
      or s.status = 'waiting' and s.run_by is distinct from 'worker');
  end if;
  -- Neither has a query: they are evaluated directly, without starting a plan.
  if p_job.status is null then
    return to_json(row(
      p_job.id, p_wait.status, p_job.profile, p_job.metadata, p_wait.attempt, p_wait.response_id, p_wait.fallback_reason, p_job.retry_of,
      case p_wait.status when 'queued' then p_wait.due end, p_wait.deadline,
      case when p_wait.status not in ('background', 'queued', 'running') then p_wait.due end, p_wait.review_reason, v_waiting,
      null, null, null, null, null,
      p_job.created_at, p_wait.since, null)::durable_responses.job_shown);
  end if;
  return to_json(row(
    p_job.id, p_job.status, p_job.profile, p_job.metadata, p_job.attempt, p_job.response_id, p_job.fallback_reason, p_job.retry_of,
    null, null, null, null, null,
    p_job.output_text, p_job.output, p_job.output_parsed, p_job.usage,
    case when p_job.error_code is not null then jsonb_strip_nulls(jsonb_build_object(
      'code', p_job.error_code, 'message', p_job.error_message, 'hint', p_job.error_hint)) end,
    p_job.created_at, p_job.finished_at, p_job.finished_at)::durable_responses.job_shown);
end;
$$;
comment on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits) is
  'A job as its owner may see it: the body of GET /respond/:id. waiting lists the calls that a person must decide.';

create function durable_responses.job_view(p_job_id uuid) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_job durable_responses.jobs;
  v_wait durable_responses.waits;
begin
  select * into v_job from durable_responses.jobs where id = p_job_id;
  select * into v_wait from durable_responses.waits where job_id = p_job_id;
  return durable_responses.job_view(v_job, v_wait)::jsonb;
end;
$$;
comment on function durable_responses.job_view(uuid) is 'The same, by id, as the job is now.';

create function durable_responses.work_so_far(p_wait durable_responses.waits) returns jsonb
language plpgsql stable set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'calls_started', p_wait.status = 'background' and p_wait.attempt > 1 and exists (
        select from public.response_steps s
        where s.job_id = p_wait.job_id and s.attempt = p_wait.attempt and s.status = 'started' and s.effect = 'once'),
      'background', case when p_wait.status = 'running' and p_wait.attempt > 1 and p_wait.fallback_reason is null
        then durable_responses.background_to_continue(p_wait) end,
      'run_since', case when p_wait.attempt > 1 then coalesce((
        select max(a.number) from durable_responses.attempts a
        where a.job_id = p_wait.job_id and a.outcome <> 'continued'), 0) + 1 else p_wait.attempt end,
      'usages', coalesce((
        select jsonb_agg(a.usage order by a.number) from durable_responses.attempts a
        where a.job_id = p_wait.job_id and p_wait.attempt > 1 and a.outcome = 'continued' and a.usage is not null), '[]'::jsonb),
      'earlier_responses', coalesce((
        select jsonb_agg(a.response_id order by a.number) from durable_responses.attempts a
        where a.job_id = p_wait.job_id and a.response_id is not null), '[]'::jsonb),
      'rounds', coalesce((select max(s.round) from public.response_steps s where s.job_id = p_wait.job_id), 0),
      'steps', coalesce((
        select jsonb_agg(jsonb_build_object(
          'number', s.number, 'attempt', s.attempt, 'item_id', s.item_id, 'kind', s.kind, 'effect', s.effect,
          'server_label', s.server_label, 'tool', s.tool, 'run_by', s.run_by, 'arguments', s.arguments, 'call_key', s.call_key,
          'call_repeat', s.call_repeat, 'output', s.output, 'error', s.error, 'item', s.item, 'answer', s.answer, 'answered_by', s.answered_by) order by s.number)
        from public.response_steps s
        where s.job_id = p_wait.job_id and s.status in ('finished', 'failed')), '[]'::jsonb),
      'open_calls', coalesce((
        select jsonb_agg(jsonb_build_object('number', s.number, 'attempt', s.attempt, 'item_id', s.item_id,
          'call_repeat', s.call_repeat, 'item', s.item) order by s.number)
        from public.response_steps s
        where s.job_id = p_wait.job_id and s.status = 'waiting' and s.run_by is not null), '[]'::jsonb)));
end;
$$;
comment on function durable_responses.work_so_far(durable_responses.waits) is
  'What a job''s earlier attempts, or the job that it retries, have done: the part of durable_responses.work that is empty for a first attempt.';

-- A view and not a function of one job, so that a claim of many is one query. json and not jsonb: a claim only passes it on, and
-- jsonb would be built anew for each value around it, then written as text all the same (half of a claim of many).
create view durable_responses.work with (security_invoker = true) as
  select w.job_id, case
    -- Nothing can have been done before the first attempt, unless by the job that this one retries.
    when w.attempt <= 1 and j.retry_of is null then to_json(first_try)
    else (to_jsonb(first_try) || durable_responses.work_so_far(w))::json
  end as work
  from durable_responses.waits w join durable_responses.jobs j on j.id = w.job_id
    left join public.response_routes r on r.route = j.route
    -- As clock() says, without a call.
    cross join (select coalesce(nullif(current_setting('durable_responses.now', true), '')::timestamptz, now()) as now) clock
    cross join lateral (
      select w.job_id as id, w.attempt, w.status, j.profile, j.owner_id, w.owner_key, coalesce(j.first_id, j.id) as first_id,
        j.input, j.request, j.settings, w.failures, w.response_id, j.once_tools, j.on_uncertain,
        -- As is_guarded() says, without a call for each.
        j.guard, j.guard = 'always' and not coalesce(r.ignores_approval, false) as guarded, coalesce(r.ignores_approval, false) as ignores_approval,
        -- Times go out as what is left, in ms: a worker's clock may differ from the database's.
        floor(date_part('epoch', w.deadline - clock.now) * 1000) as deadline_left_ms,
        floor(date_part('epoch', w.background_until - clock.now) * 1000) as background_left_ms,
        floor(date_part('epoch', clock.now - w.since) * 1000) as attempt_age_ms, w.settle_failures,
        exists (select from durable_responses.streams s where s.job_id = w.job_id) as streamed,
        false as calls_started, null::jsonb as background, w.attempt as run_since, '[]'::jsonb as usages,
        '[]'::jsonb as earlier_responses, 0 as rounds, '[]'::jsonb as steps, '[]'::jsonb as open_calls
      -- Kept apart by the planner, which would otherwise build the row in both cases.
      offset 0
    ) first_try;
comment on view durable_responses.work is
  'Unfinished jobs as a worker needs them: what to run, its fencing token, its finished steps, and the time that is left. background: {attempt, response_id} of a background response after which it may continue in background. ignores_approval: on its route, calls were made without the required yes. calls_started: calls that must not be made twice had their yes. open_calls: calls that OpenAI leaves to others, which must be made, or answered by the caller, before the model continues. run_since: the first attempt of the run that it continues; usages: of the attempts before it. earlier_responses: OpenAI''s ids of the responses of all attempts before it. rounds: how many of the job''s responses have asked for calls. streamed: its events are stored (13_streams.sql).';
revoke all on durable_responses.work from public, anon, authenticated, service_role;
grant select on durable_responses.work to service_role;

revoke execute on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits),
  durable_responses.job_view(uuid), durable_responses.work_so_far(durable_responses.waits) from public, anon, authenticated;
grant execute on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits),
  durable_responses.job_view(uuid), durable_responses.work_so_far(durable_responses.waits) to service_role;
