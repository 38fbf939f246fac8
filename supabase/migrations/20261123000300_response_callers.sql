-- What a caller does to a job: submit, get, cancel, retry. Called by the Edge Function `respond` with the
-- secret key. `p_owner_id` is the signed-in user; a server acting with the secret key says
-- `p_as_service => true` and sees every job. With neither, nothing matches: a forgotten argument shows
-- nobody's jobs rather than everybody's.

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
  p_backoff_cap_ms integer default 300000
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_job public.response_jobs;
begin
  if p_input is null and p_request is null then
    raise exception using errcode = 'DR400', message = 'Cannot submit a job without input: p_input and p_request are both null',
      hint = 'Give p_input => to_jsonb(''your question''::text), or call enqueue_response_job().';
  end if;
  insert into public.response_jobs (
    owner_id, status, profile, input, request, metadata, idempotency_key, request_hash, priority,
    attempt, max_attempts, backoff_base_ms, backoff_cap_ms, deadline,
    poll_at, background_until, run_at, created_at, updated_at
  ) values (
    p_owner_id, (case p_mode when 'background' then 'background' else 'queued' end)::public.response_job_status,
    p_profile, p_input, p_request, coalesce(p_metadata, '{}'), p_idempotency_key, p_request_hash, p_priority,
    case p_mode when 'background' then 1 else 0 end, p_max_attempts, p_backoff_base_ms, p_backoff_cap_ms,
    v_now + make_interval(secs => p_deadline_ms / 1000.0),
    case p_mode when 'background' then v_now + make_interval(secs => p_accept_ms / 1000.0) end,
    case p_mode when 'background' then v_now + make_interval(secs => p_background_ms / 1000.0) end,
    case p_mode when 'synchronous' then v_now end,
    v_now, v_now
  )
  on conflict (owner_id, idempotency_key) where idempotency_key is not null do nothing
  returning * into v_job;

  if not found then
    select * into v_job from public.response_jobs
    where owner_id is not distinct from p_owner_id and idempotency_key = p_idempotency_key;
    if v_job.request_hash is distinct from p_request_hash then
      raise exception using errcode = 'DR422',
        message = 'Cannot use this Idempotency-Key again: it was used with another request',
        hint = 'Use a new key for a new request, and the same key only to repeat the same one.';
    end if;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_job));
  end if;

  if p_mode = 'background' then
    insert into public.response_attempts (job_id, number, mode, started_at) values (v_job.id, 1, 'background', v_now);
  end if;
  return jsonb_build_object('created', true, 'job', durable_responses.job_view(v_job));
end;
$$;
comment on function public.submit_response_job(
  text, jsonb, jsonb, uuid, jsonb, text, text, public.response_mode, integer, integer, integer, bigint, integer, integer, integer
) is 'Accepts a job: writes its row, once per owner and idempotency key. Returns {created, job}. p_mode background is for the function that will call OpenAI at once; a job submitted as synchronous is picked up by the next worker.';

create function public.enqueue_response_job(
  p_query text, p_profile text default 'default', p_owner_id uuid default null, p_metadata jsonb default '{}'
) returns uuid
language plpgsql set search_path = ''
as $$
begin
  if coalesce(btrim(p_query), '') = '' then
    raise exception using errcode = 'DR400', message = 'Cannot enqueue a job without a query: p_query is empty',
      hint = 'select public.enqueue_response_job(''What is in my inbox?'', ''mail'');';
  end if;
  return (public.submit_response_job(
    p_profile => p_profile, p_input => to_jsonb(p_query), p_owner_id => p_owner_id, p_metadata => p_metadata
  ) #>> '{job,id}')::uuid;
end;
$$;
comment on function public.enqueue_response_job(text, text, uuid, jsonb) is
  'For the SQL editor, triggers and cron: queues a query for a synchronous run and returns the job''s id. Example: select public.enqueue_response_job(''What is in my inbox?'', ''mail'');';

create function durable_responses.find_visible_job(p_job_id uuid, p_owner_id uuid, p_as_service boolean, p_lock boolean)
returns public.response_jobs
language plpgsql set search_path = ''
as $$
declare
  v_job public.response_jobs;
begin
  if p_lock then
    select * into v_job from public.response_jobs where id = p_job_id and (p_as_service or owner_id = p_owner_id) for update;
  else
    select * into v_job from public.response_jobs where id = p_job_id and (p_as_service or owner_id = p_owner_id);
  end if;
  if not found then
    raise exception using errcode = 'DR404', message = format('Cannot find job %s', p_job_id),
      hint = 'Check the id; a job of another user is shown to nobody else, and finished jobs are pruned after a while.';
  end if;
  return v_job;
end;
$$;
comment on function durable_responses.find_visible_job(uuid, uuid, boolean, boolean) is
  'The job if the caller may see it; else DR404, the same for a missing job and for somebody else''s.';

create function public.get_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false)
returns jsonb
language sql set search_path = ''
as $$
  select durable_responses.job_view(durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, false));
$$;
comment on function public.get_response_job(uuid, uuid, boolean) is 'One job as its owner may see it, or DR404.';

create function public.cancel_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false)
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
  perform durable_responses.end_attempt(p_job_id, v_job.attempt, 'cancelled');
  update public.response_jobs set
    status = 'cancelled', finished_at = durable_responses.clock(),
    poll_at = null, background_until = null, run_at = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning * into v_job;
  return jsonb_build_object('job', durable_responses.job_view(v_job), 'upstream', v_upstream);
end;
$$;
comment on function public.cancel_response_job(uuid, uuid, boolean) is
  'Cancels a job that has not finished; a second cancel returns it unchanged. Returns {job, upstream}: upstream {job_id, attempt, response_id} is a background response to cancel at OpenAI.';

create function public.retry_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false)
returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now timestamptz := durable_responses.clock();
  v_old public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, true);
  v_new public.response_jobs;
begin
  if v_old.status = 'queued' then
    update public.response_jobs set run_at = least(run_at, v_now) where id = p_job_id returning * into v_new;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_new));
  end if;
  if v_old.status not in ('failed', 'cancelled') then
    raise exception using errcode = 'DR409', message = format('Cannot retry job %s: it is %s', p_job_id, v_old.status),
      hint = 'Only a failed or cancelled job can be retried, or a queued one run at once.';
  end if;
  -- A final row never changes, so a retry is a new job. One per original: pressing twice gives the same one.
  insert into public.response_jobs (
    owner_id, status, profile, input, request, metadata, retry_of, priority,
    max_attempts, backoff_base_ms, backoff_cap_ms, deadline, run_at, created_at, updated_at
  ) values (
    v_old.owner_id, 'queued', v_old.profile, v_old.input, v_old.request, v_old.metadata, v_old.id, v_old.priority,
    v_old.max_attempts, v_old.backoff_base_ms, v_old.backoff_cap_ms, v_now + (v_old.deadline - v_old.created_at),
    v_now, v_now, v_now
  )
  on conflict (retry_of) where retry_of is not null do nothing
  returning * into v_new;
  if not found then
    select * into v_new from public.response_jobs where retry_of = p_job_id;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_new));
  end if;
  return jsonb_build_object('created', true, 'job', durable_responses.job_view(v_new));
end;
$$;
comment on function public.retry_response_job(uuid, uuid, boolean) is
  'Retries a failed or cancelled job as a new one that names it in retry_of, or makes a waiting one due now. Returns {created, job}.';

revoke all on function
  public.submit_response_job(text, jsonb, jsonb, uuid, jsonb, text, text, public.response_mode, integer, integer, integer, bigint, integer, integer, integer),
  public.enqueue_response_job(text, text, uuid, jsonb),
  public.get_response_job(uuid, uuid, boolean),
  public.cancel_response_job(uuid, uuid, boolean),
  public.retry_response_job(uuid, uuid, boolean),
  durable_responses.find_visible_job(uuid, uuid, boolean, boolean)
from public, anon, authenticated, service_role;
grant execute on function
  public.submit_response_job(text, jsonb, jsonb, uuid, jsonb, text, text, public.response_mode, integer, integer, integer, bigint, integer, integer, integer),
  public.enqueue_response_job(text, text, uuid, jsonb),
  public.get_response_job(uuid, uuid, boolean),
  public.cancel_response_job(uuid, uuid, boolean),
  public.retry_response_job(uuid, uuid, boolean),
  durable_responses.find_visible_job(uuid, uuid, boolean, boolean)
to service_role;
