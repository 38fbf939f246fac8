-- A job as JSON: for its owner, and for a worker.

create function durable_responses.job_view(p_job durable_responses.jobs, p_wait durable_responses.waits) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_waiting jsonb;
begin
  if p_wait.status in ('awaiting_approval', 'awaiting_tool_output', 'needs_review') then
    select coalesce(jsonb_agg(jsonb_build_object(
      'number', s.number, 'request_id', s.item_id, 'kind', s.kind, 'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments,
      'digest', s.digest
    ) || case s.kind when 'function_call' then jsonb_build_object('call_id', s.call_id) else '{}' end order by s.number), '[]'::jsonb)
    into v_waiting
    from public.response_steps s where s.job_id = p_job.id and (s.status = 'uncertain'
      -- Nobody is asked about a call that a worker will make.
      or s.status = 'waiting' and s.run_by is distinct from 'worker');
  end if;
  -- Neither has a query: they are evaluated directly, without starting a plan.
  if p_job.status is null then
    return '{"output_text": null, "output": null, "output_parsed": null, "usage": null, "error": null, "finished_at": null}'::jsonb
      || jsonb_build_object(
      'id', p_job.id, 'status', p_wait.status, 'profile', p_job.profile, 'metadata', p_job.metadata, 'attempt', p_wait.attempt,
      'response_id', p_wait.response_id, 'fallback_reason', p_wait.fallback_reason, 'retry_of', p_job.retry_of,
      'run_at', case p_wait.status when 'queued' then p_wait.due end, 'deadline', p_wait.deadline,
      'answer_until', case when p_wait.status not in ('background', 'queued', 'running') then p_wait.due end,
      'review_reason', p_wait.review_reason, 'waiting', v_waiting, 'created_at', p_job.created_at, 'updated_at', p_wait.since);
  end if;
  return '{"run_at": null, "deadline": null, "answer_until": null, "review_reason": null, "waiting": null}'::jsonb
    || jsonb_build_object(
    'id', p_job.id, 'status', p_job.status, 'profile', p_job.profile, 'metadata', p_job.metadata, 'attempt', p_job.attempt,
    'response_id', p_job.response_id, 'fallback_reason', p_job.fallback_reason, 'retry_of', p_job.retry_of,
    'output_text', p_job.output_text, 'output', p_job.output, 'output_parsed', p_job.output_parsed, 'usage', p_job.usage,
    'error', case when p_job.error_code is not null then jsonb_strip_nulls(jsonb_build_object(
      'code', p_job.error_code, 'message', p_job.error_message, 'hint', p_job.error_hint)) end,
    'created_at', p_job.created_at, 'updated_at', p_job.finished_at, 'finished_at', p_job.finished_at);
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
  return durable_responses.job_view(v_job, v_wait);
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
        then durable_responses.background_to_go_on(p_wait) end,
      'run_since', case when p_wait.attempt > 1 then coalesce((
        select max(a.number) from durable_responses.attempts a
        where a.job_id = p_wait.job_id and a.outcome <> 'continued'), 0) + 1 else p_wait.attempt end,
      'usages', coalesce((
        select jsonb_agg(a.usage order by a.number) from durable_responses.attempts a
        where a.job_id = p_wait.job_id and p_wait.attempt > 1 and a.outcome = 'continued' and a.usage is not null), '[]'::jsonb),
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
        where s.job_id = p_wait.job_id and s.status = 'waiting' and s.kind = 'function_call'), '[]'::jsonb)));
end;
$$;
comment on function durable_responses.work_so_far(durable_responses.waits) is
  'What a job''s earlier attempts, or the job that it retries, have done: the part of durable_responses.work that is empty for a first attempt.';

-- A view and not a function of one job, so that a claim of many is one query.
create view durable_responses.work with (security_invoker = true) as
  select w.job_id, jsonb_build_object(
    'id', w.job_id, 'attempt', w.attempt, 'status', w.status, 'profile', j.profile,
    'owner_id', j.owner_id, 'owner_key', w.owner_key, 'first_id', coalesce(j.first_id, j.id),
    'input', j.input, 'request', j.request, 'settings', j.settings, 'failures', w.failures,
    'response_id', w.response_id, 'once_tools', j.once_tools, 'on_uncertain', j.on_uncertain,
    -- As is_guarded() says, without a call for each.
    'guard', j.guard, 'guarded', j.guard = 'always' and not coalesce(r.ignores_approval, false),
    -- Times go out as what is left, in ms: a worker's clock may differ from the database's.
    'deadline_left_ms', floor(extract(epoch from w.deadline - (select durable_responses.clock())) * 1000),
    'background_left_ms', case when w.background_until is not null then
      floor(extract(epoch from w.background_until - (select durable_responses.clock())) * 1000) end,
    'attempt_age_ms', floor(extract(epoch from (select durable_responses.clock()) - w.since) * 1000), 'settle_failures', w.settle_failures,
    'streamed', exists (select from durable_responses.streams s where s.job_id = w.job_id)
  ) || case
    -- Before the first attempt, only the job that this one retries can have done anything.
    when w.attempt <= 1 and j.retry_of is null then
      jsonb_build_object('calls_started', false, 'background', null, 'run_since', w.attempt, 'usages', '[]'::jsonb,
        'steps', '[]'::jsonb, 'open_calls', '[]'::jsonb)
    else durable_responses.work_so_far(w)
  end as work
  from durable_responses.waits w join durable_responses.jobs j on j.id = w.job_id
    left join public.response_routes r on r.route = j.route;
comment on view durable_responses.work is
  'Unfinished jobs as a worker needs them: what to run, its fencing token, its finished steps, and the time that is left. background: {attempt, response_id} of a background response after which it may continue in background. calls_started: calls that must not be made twice had their yes. open_calls: function calls that must be made, or answered by the caller, before the model continues. run_since: the first attempt of the run that it continues; usages: of the attempts before it. streamed: its events are stored (14_streams.sql).';
revoke all on durable_responses.work from public, anon, authenticated, service_role;
grant select on durable_responses.work to service_role;

revoke execute on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits),
  durable_responses.job_view(uuid), durable_responses.work_so_far(durable_responses.waits) from public, anon, authenticated;
grant execute on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits),
  durable_responses.job_view(uuid), durable_responses.work_so_far(durable_responses.waits) to service_role;
