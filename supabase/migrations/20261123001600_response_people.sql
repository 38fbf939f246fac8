-- What people decide: approvals, uncertain side effects, retries that keep the ledger.

create function public.answer_response_approval(
  p_job_id uuid, p_approve boolean, p_reason text default null, p_request_id text default null,
  p_owner_id uuid default null, p_as_service boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_job public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, true);
  v_count integer;
begin
  if v_job.status <> 'awaiting_approval' or v_job.approval_until <= v_now then
    raise exception using errcode = 'DR409',
      message = format('Cannot answer for job %s: it is %s', p_job_id,
        case v_job.status when 'awaiting_approval' then 'waiting no longer, the request has expired' else v_job.status::text end),
      hint = 'A request for approval is answered once, while the job is awaiting_approval.';
  end if;
  update public.response_steps set
    status = 'finished', finished_at = v_now,
    answer = jsonb_strip_nulls(jsonb_build_object('approve', p_approve, 'reason', p_reason)),
    answered_by = coalesce(p_owner_id::text, 'service'), answered_at = v_now
  where job_id = p_job_id and status = 'waiting' and (p_request_id is null or item_id = p_request_id);
  get diagnostics v_count = row_count;
  if v_count = 0 then
    raise exception using errcode = 'DR409',
      message = format('Cannot answer request %s of job %s: it is not waiting for an answer', left(p_request_id, 100), p_job_id),
      hint = 'GET the job: its steps with status waiting can be answered, each once.';
  end if;
  -- Several may have been asked at once: the run goes on when the last is answered.
  if not exists (select from public.response_steps where job_id = p_job_id and status = 'waiting') then
    update public.response_jobs set status = 'queued', run_at = v_now where id = p_job_id returning * into v_job;
  end if;
  return durable_responses.job_view(v_job);
end;
$$;
comment on function public.answer_response_approval(uuid, boolean, text, text, uuid, boolean) is
  'A person''s yes or no to the calls that a job asks to make: all of them, or the one named by p_request_id. Recorded with who and when; a second answer is refused (DR409).';

create function public.resolve_response_job(
  p_job_id uuid, p_outcome text, p_output text default null, p_owner_id uuid default null, p_as_service boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_job public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, true);
begin
  if p_outcome not in ('happened', 'did_not_happen', 'cancel') then
    raise exception using errcode = 'DR400',
      message = 'Cannot resolve with that outcome: it must be happened, did_not_happen or cancel';
  end if;
  if v_job.status <> 'needs_review' then
    raise exception using errcode = 'DR409', message = format('Cannot resolve job %s: it is %s', p_job_id, v_job.status),
      hint = 'Only a job that needs_review can be resolved, once.';
  end if;
  update public.response_steps set
    status = case p_outcome when 'happened' then 'finished' when 'did_not_happen' then 'void' else 'uncertain' end::public.response_step_status,
    finished_at = case when p_outcome <> 'cancel' then v_now end,
    output = case p_outcome when 'happened'
      then coalesce(p_output, 'A person has confirmed that this happened; its output is not known.') else output end,
    answer = jsonb_strip_nulls(jsonb_build_object('outcome', p_outcome, 'output', p_output)),
    answered_by = coalesce(p_owner_id::text, 'service'), answered_at = v_now
  where job_id = p_job_id and status = 'uncertain';
  if p_outcome = 'cancel' then
    update public.response_jobs set status = 'cancelled', finished_at = v_now where id = p_job_id returning * into v_job;
  else
    update public.response_jobs set status = 'queued', run_at = v_now where id = p_job_id returning * into v_job;
  end if;
  return durable_responses.job_view(v_job);
end;
$$;
comment on function public.resolve_response_job(uuid, text, text, uuid, boolean) is
  'A person says what became of the uncertain side effects: happened (with the output, if known), did_not_happen, or cancel. Recorded with who and when; the job goes on, or is cancelled.';

create or replace function public.cancel_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false)
returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, true);
  v_upstream jsonb;
begin
  if v_job.status = 'cancelled' then
    return jsonb_build_object('job', durable_responses.job_view(v_job), 'upstream', null);
  end if;
  if v_job.finished_at is not null then
    raise exception using errcode = 'DR409', message = format('Cannot cancel job %s: it is already %s', p_job_id, v_job.status),
      hint = 'Only a job that has not finished can be cancelled.';
  end if;
  if v_job.status = 'background' and v_job.response_id is not null then
    -- Kept until OpenAI confirms: if the caller's function dies now, the worker cancels it.
    update public.response_attempts set cancel_pending = true where job_id = p_job_id and number = v_job.attempt;
    v_upstream := jsonb_build_object('job_id', v_job.id, 'attempt', v_job.attempt, 'response_id', v_job.response_id);
  end if;
  -- A call in flight is not taken back by this: a retry of the job must know of it.
  perform durable_responses.settle_calls(v_job, v_job.attempt);
  perform durable_responses.end_attempt(p_job_id, v_job.attempt, 'cancelled');
  update public.response_jobs set
    status = 'cancelled', finished_at = durable_responses.clock(),
    poll_at = null, background_until = null, run_at = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning * into v_job;
  return jsonb_build_object('job', durable_responses.job_view(v_job), 'upstream', v_upstream);
end;
$$;

create or replace function public.retry_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false)
returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_old public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, true);
  v_unread boolean;
  v_uncertain boolean;
  v_new public.response_jobs;
begin
  if v_old.status = 'queued' then
    update public.response_jobs set run_at = least(run_at, v_now) where id = p_job_id returning * into v_new;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_new));
  end if;
  if v_old.status = 'needs_review' then
    return jsonb_build_object('created', false,
      'job', public.resolve_response_job(p_job_id, 'did_not_happen', null, p_owner_id, p_as_service));
  end if;
  if v_old.status not in ('failed', 'cancelled') then
    raise exception using errcode = 'DR409', message = format('Cannot retry job %s: it is %s', p_job_id, v_old.status),
      hint = 'A failed or cancelled job can be retried, a queued one run at once, and one that needs_review run again.';
  end if;
  -- A background run that was cut off is unread: nobody knows what it did before it was cancelled.
  v_unread := v_old.once_tools and v_old.on_uncertain = 'review' and exists (
    select from public.response_attempts
    where job_id = p_job_id and number = v_old.attempt and mode = 'background'
      and (outcome = 'cancelled' or error_code = 'deadline_exceeded'));
  v_uncertain := v_unread or exists (select from public.response_steps where job_id = p_job_id and status = 'uncertain');
  -- A final row never changes, so a retry is a new job. One per original: pressing twice gives the same one.
  insert into public.response_jobs (
    owner_id, status, profile, input, request, metadata, retry_of, priority,
    max_attempts, backoff_base_ms, backoff_cap_ms, deadline, run_at, review_reason,
    route, once_tools, on_uncertain, approval_ms, created_at, updated_at
  ) values (
    v_old.owner_id, (case when v_uncertain then 'needs_review' else 'queued' end)::public.response_job_status,
    v_old.profile, v_old.input, v_old.request, v_old.metadata, v_old.id, v_old.priority,
    v_old.max_attempts, v_old.backoff_base_ms, v_old.backoff_cap_ms, v_now + (v_old.deadline - v_old.created_at),
    case when not v_uncertain then v_now end,
    case when v_uncertain then 'The job that this one retries ended while a side effect was uncertain' end,
    v_old.route, v_old.once_tools, v_old.on_uncertain, v_old.approval_ms, v_now, v_now
  )
  on conflict (retry_of) where retry_of is not null do nothing
  returning * into v_new;
  if not found then
    select * into v_new from public.response_jobs where retry_of = p_job_id;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_new));
  end if;
  -- What the old job did is done: its ledger goes along, so that the new one does not do it again. The
  -- final messages stay behind: they are answers of the run that failed.
  insert into public.response_steps (
    job_id, number, attempt, item_id, kind, status, effect, server_label, tool, arguments, call_key,
    output, error, item, answer, answered_by, answered_at, started_at, finished_at
  )
  select v_new.id, number, 0, attempt || ':' || item_id, kind, status, effect, server_label, tool, arguments, call_key,
    output, error, item,
    case when status <> 'uncertain' then answer end, case when status <> 'uncertain' then answered_by end,
    case when status <> 'uncertain' then answered_at end, started_at, finished_at
  from public.response_steps
  where job_id = p_job_id and (status in ('finished', 'failed') and kind <> 'message' or status = 'uncertain');
  if v_unread then
    perform durable_responses.write_steps(v_new, 0, jsonb_build_array(jsonb_build_object(
      'item_id', 'background_run', 'kind', 'background_run', 'status', 'uncertain')));
  end if;
  return jsonb_build_object('created', true, 'job', durable_responses.job_view(v_new));
end;
$$;
comment on function public.retry_response_job(uuid, uuid, boolean) is
  'Retries a failed or cancelled job as a new one that names it in retry_of and keeps its ledger; makes a waiting one due now; runs one that needs_review again as if nothing had happened. Returns {created, job}.';

create or replace function durable_responses.job_view(p_job public.response_jobs) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_job.id, 'status', p_job.status, 'profile', p_job.profile, 'metadata', p_job.metadata,
    'attempt', p_job.attempt, 'response_id', p_job.response_id, 'fallback_reason', p_job.fallback_reason,
    'run_at', p_job.run_at, 'deadline', p_job.deadline, 'retry_of', p_job.retry_of,
    'approval_until', p_job.approval_until, 'review_reason', p_job.review_reason,
    'waiting', case when p_job.status in ('awaiting_approval', 'needs_review') then (
      select coalesce(jsonb_agg(jsonb_build_object(
        'request_id', s.item_id, 'kind', s.kind, 'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments
      ) order by s.number), '[]'::jsonb)
      from public.response_steps s where s.job_id = p_job.id and s.status in ('waiting', 'uncertain')
    ) end,
    'output_text', p_job.output_text, 'output', p_job.output, 'output_parsed', p_job.output_parsed,
    'usage', p_job.usage,
    'error', case when p_job.error_code is not null then
      jsonb_build_object('code', p_job.error_code, 'message', p_job.error_message)
        || case when p_job.error_hint is null then '{}'::jsonb else jsonb_build_object('hint', p_job.error_hint) end
    end,
    'created_at', p_job.created_at, 'updated_at', p_job.updated_at, 'finished_at', p_job.finished_at
  );
$$;
comment on function durable_responses.job_view(public.response_jobs) is
  'A job as its owner may see it: the body of GET /respond/:id. waiting lists what a person is asked to decide.';

create or replace view public.response_timeline with (security_invoker = true) as
select j.id as job_id, j.created_at as at, 0 as attempt, 'accepted' as event, 'profile ' || j.profile as detail
from public.response_jobs j
union all
select a.job_id, a.started_at, a.number, 'attempt_started', a.mode::text
from public.response_attempts a
union all
select a.job_id, a.finished_at, a.number, 'attempt_' || a.outcome::text,
  a.mode::text || coalesce(': ' || a.error_code, '') || coalesce(': ' || a.error_message, '')
from public.response_attempts a where a.outcome is not null
union all
select s.job_id, coalesce(s.finished_at, s.started_at), s.attempt, 'step_' || s.status::text,
  s.kind || coalesce(' ' || s.server_label || '.' || s.tool, '') || coalesce(': ' || left(s.error, 200), '')
from public.response_steps s
union all
select s.job_id, s.answered_at, s.attempt, 'answered', s.answer::text || ' by ' || s.answered_by
from public.response_steps s where s.answered_at is not null
union all
select j.id, j.finished_at, j.attempt, j.status::text, coalesce(j.error_code || ': ' || j.error_message, left(j.output_text, 200))
from public.response_jobs j where j.finished_at is not null;
comment on column public.response_timeline.event is 'accepted, attempt_started, attempt_<outcome>, step_<status>, answered, or the final status.';

revoke all on function
  public.answer_response_approval(uuid, boolean, text, text, uuid, boolean),
  public.resolve_response_job(uuid, text, text, uuid, boolean)
from public, anon, authenticated, service_role;
grant execute on function
  public.answer_response_approval(uuid, boolean, text, text, uuid, boolean),
  public.resolve_response_job(uuid, text, text, uuid, boolean)
to service_role;
