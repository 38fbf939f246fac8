-- A job as JSON: for its owner, and for a worker.

create function durable_responses.job_view(p_job durable_responses.jobs, p_wait durable_responses.waits) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_status constant text := coalesce(p_wait.status, p_job.status);
begin
  return jsonb_build_object(
    'id', p_job.id, 'status', v_status, 'profile', p_job.profile, 'metadata', p_job.metadata,
    'attempt', coalesce(p_wait.attempt, p_job.attempt), 'response_id', coalesce(p_wait.response_id, p_job.response_id),
    'fallback_reason', coalesce(p_wait.fallback_reason, p_job.fallback_reason),
    'run_at', case v_status when 'queued' then p_wait.due end, 'deadline', p_wait.deadline, 'retry_of', p_job.retry_of,
    'answer_until', case when v_status not in ('background', 'queued', 'running') then p_wait.due end,
    'review_reason', p_wait.review_reason,
    'waiting', case when v_status in ('awaiting_approval', 'needs_review') then (
      select coalesce(jsonb_agg(jsonb_build_object(
        'number', s.number, 'request_id', s.item_id, 'kind', s.kind, 'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments,
        'digest', s.digest
      ) order by s.number), '[]'::jsonb)
      from public.response_steps s where s.job_id = p_job.id and s.status in ('waiting', 'uncertain')
    ) end,
    'output_text', p_job.output_text, 'output', p_job.output, 'output_parsed', p_job.output_parsed,
    'usage', p_job.usage,
    'error', case when p_job.error_code is not null then
      jsonb_build_object('code', p_job.error_code, 'message', p_job.error_message)
        || case when p_job.error_hint is null then '{}'::jsonb else jsonb_build_object('hint', p_job.error_hint) end
    end,
    'created_at', p_job.created_at, 'updated_at', coalesce(p_wait.since, p_job.finished_at), 'finished_at', p_job.finished_at
  );
end;
$$;
comment on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits) is
  'A job as its owner may see it: the body of GET /respond/:id. waiting lists what a person is asked to decide.';

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

create function durable_responses.job_work(p_wait durable_responses.waits) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_job durable_responses.jobs;
begin
  select * into v_job from durable_responses.jobs where id = p_wait.job_id;
  -- Times go out as what is left, in ms: a worker's clock may differ from the database's.
  return jsonb_build_object(
    'id', p_wait.job_id, 'attempt', p_wait.attempt, 'status', p_wait.status, 'profile', v_job.profile,
    'owner_id', v_job.owner_id, 'owner_key', p_wait.owner_key,
    'input', v_job.input, 'request', v_job.request, 'failures', p_wait.failures,
    'response_id', p_wait.response_id, 'once_tools', v_job.once_tools, 'on_uncertain', v_job.on_uncertain,
    'guard', v_job.guard, 'guarded', durable_responses.is_guarded(v_job),
    'calls_started', p_wait.status = 'background' and p_wait.attempt > 1 and exists (
      select from public.response_steps s
      where s.job_id = p_wait.job_id and s.attempt = p_wait.attempt and s.status = 'started' and s.effect = 'once'),
    'background', case when p_wait.status = 'running' and p_wait.attempt > 1 and p_wait.fallback_reason is null
      then durable_responses.background_to_go_on(p_wait) end,
    'run_since', case when p_wait.attempt > 1 then coalesce((
      select max(a.number) from durable_responses.attempts a
      where a.job_id = p_wait.job_id and a.outcome <> 'continued'), 0) + 1 else p_wait.attempt end,
    'usages', case when p_wait.attempt > 1 then coalesce((
      select jsonb_agg(a.usage order by a.number) from durable_responses.attempts a
      where a.job_id = p_wait.job_id and a.outcome = 'continued' and a.usage is not null), '[]'::jsonb) else '[]'::jsonb end,
    'deadline_left_ms', floor(extract(epoch from p_wait.deadline - v_now) * 1000),
    'background_left_ms', floor(extract(epoch from p_wait.background_until - v_now) * 1000),
    -- Nothing can have been done before the first attempt, unless by the job that this one retries.
    'steps', case when p_wait.attempt <= 1 and v_job.retry_of is null then '[]'::jsonb else coalesce((
      select jsonb_agg(jsonb_build_object(
        'number', s.number, 'attempt', s.attempt, 'item_id', s.item_id, 'kind', s.kind, 'effect', s.effect,
        'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments, 'call_key', s.call_key,
        'output', s.output, 'error', s.error, 'item', s.item, 'answer', s.answer, 'answered_by', s.answered_by) order by s.number)
      from public.response_steps s
      where s.job_id = p_wait.job_id and s.status in ('finished', 'failed')
    ), '[]'::jsonb) end
  );
end;
$$;
comment on function durable_responses.job_work(durable_responses.waits) is
  'A job as a worker needs it: what to run, its fencing token, the steps that are done, and the time that is left. background: {attempt, response_id} of a background response that it may go on after, in background. calls_started: calls that must not be made twice had their yes. run_since: the first attempt of the run that it continues; usages: of the attempts before it.';

revoke execute on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits),
  durable_responses.job_view(uuid), durable_responses.job_work(durable_responses.waits) from public, anon, authenticated;
grant execute on function durable_responses.job_view(durable_responses.jobs, durable_responses.waits),
  durable_responses.job_view(uuid), durable_responses.job_work(durable_responses.waits) to service_role;
