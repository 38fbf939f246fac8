-- What a person decides: which calls a decision is about, and whether a call in doubt was made (reviews). 35_answers.sql has the
-- answers to requests for approval.
--
-- A decision names what the person saw: the request, and a digest of the call. Another call may wait by then.

create function durable_responses.decided_steps(
  p_job_id uuid, p_status text, p_request_id text, p_digest text, p_number integer default null
) returns integer[]
language plpgsql stable set search_path = ''
as $$
declare
  v_named integer;
  v_seen integer[];
  v_digests integer;
begin
  select (count(*) filter (where named))::integer, array_agg(number order by number) filter (where named and seen),
    (count(distinct digest) filter (where named and seen))::integer
  into v_named, v_seen, v_digests
  from (
    select number, digest, (p_request_id is null or item_id = p_request_id) and (p_number is null or number = p_number) as named,
      p_digest is null or digest = p_digest as seen
    from public.response_steps where job_id = p_job_id and status = p_status and (p_status <> 'waiting' or kind = 'mcp_approval_request')
  ) open;
  if v_named = 0 and p_request_id is not null then
    raise exception using errcode = 'DR409',
      message = format('Cannot answer request %s of job %s: it does not wait for an answer', left(p_request_id, 100), p_job_id),
      hint = 'GET the job. Each entry of "waiting" can be answered once.';
  end if;
  if v_seen is null and p_digest is not null then
    raise exception using errcode = 'DR412',
      message = format('Cannot decide for job %s: the call that waits is not the one in the decision', p_job_id),
      hint = 'GET the job, check "waiting", and decide again with the request_id and digest of the call.';
  end if;
  if cardinality(v_seen) > 1 and (p_request_id is null or v_digests > 1) then
    raise exception using errcode = 'DR412',
      message = format('Cannot decide for job %s: %s calls wait, and the decision names none of them', p_job_id, cardinality(v_seen)),
      hint = 'Decide each call in "waiting" separately, with its request_id and digest.';
  end if;
  return coalesce(v_seen, '{}');
end;
$$;
comment on function durable_responses.decided_steps(uuid, text, text, text, integer) is
  'The steps that a decision applies to: those with this status that it names by request and digest, or the only one. p_number: the step of the request, where an API has used a request''s id again. Refuses (DR412) a decision that names another call than the one that waits, or none of several.';

create function durable_responses.settle_doubt(
  p_wait durable_responses.waits, p_numbers integer[], p_outcome text, p_output text, p_answered_by text
) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_output constant text := coalesce(p_output, 'A person has confirmed that this happened; its output is not known.');
begin
  update public.response_steps set
    status = case p_outcome
      when 'happened' then 'finished'
      -- The next worker makes a call of ours. For a call that OpenAI makes, the model is asked again.
      when 'did_not_happen' then case when run_by is not null then 'waiting' else 'void' end
      else 'uncertain'
    end,
    finished_at = case when p_outcome = 'happened' or p_outcome = 'did_not_happen' and run_by is null then v_now end,
    output = case p_outcome when 'happened' then v_output else output end,
    -- Clears why it was in doubt. The model gets the item, which must not say that the call failed.
    error = case when run_by is not null or p_outcome = 'happened' then null else error end,
    item = case when p_outcome = 'happened' and kind = 'mcp_call' then item || jsonb_build_object('status', 'completed', 'error', null,
      'output', v_output) else item end,
    answer = jsonb_strip_nulls(jsonb_build_object('outcome', p_outcome, 'output', p_output)),
    answered_by = p_answered_by, answered_at = v_now
  where job_id = p_wait.job_id and number = any (p_numbers);
  perform durable_responses.announce_steps(p_wait.job_id, p_numbers);
  if p_outcome = 'cancel' then
    perform durable_responses.finish(p_wait, 'cancelled');
  -- Several may be in doubt: the job continues when the last is resolved.
  elsif not exists (select from public.response_steps where job_id = p_wait.job_id and status = 'uncertain') then
    perform durable_responses.requeue(p_wait);
  end if;
end;
$$;
comment on function durable_responses.settle_doubt(durable_responses.waits, integer[], text, text, text) is
  'Writes the outcome of the calls in doubt with these numbers: happened, did_not_happen, or cancel, which ends the job. The job continues when none is left.';

create function public.resolve_response_job(
  p_job_id uuid, p_outcome text, p_output text default null, p_owner_id uuid default null, p_as_service boolean default false,
  p_request_id text default null, p_digest text default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_job durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
  v_numbers integer[];
begin
  if p_outcome is null or p_outcome not in ('happened', 'did_not_happen', 'cancel') then
    raise exception using errcode = 'DR400',
      message = 'Cannot resolve with that outcome: it must be happened, did_not_happen or cancel',
      hint = 'Say whether the call was made: happened or did_not_happen. cancel stops the job.';
  end if;
  if v_wait.status is distinct from 'needs_review' or v_wait.due <= v_now then
    raise exception using errcode = 'DR409', message = format('Cannot resolve job %s: it is %s', p_job_id,
        case v_wait.status when 'needs_review' then 'no longer waiting, because the review has expired'
          else coalesce(v_wait.status, v_job.status) end),
      hint = 'Only a job that needs_review can be resolved, and only once.';
  end if;
  if p_outcome = 'cancel' and p_request_id is null and p_digest is null then
    -- This outcome is about the job, not about a call.
    select array_agg(number order by number) into v_numbers
    from public.response_steps where job_id = p_job_id and status = 'uncertain';
  else
    v_numbers := durable_responses.decided_steps(p_job_id, 'uncertain', p_request_id, p_digest);
  end if;
  perform durable_responses.settle_doubt(v_wait, v_numbers, p_outcome, p_output, coalesce(p_owner_id::text, 'service'));
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.resolve_response_job(uuid, text, text, uuid, boolean, text, text) is
  'A person says whether a call in doubt was made: happened (with its output, if known), did_not_happen, or cancel, which ends the job. p_request_id and p_digest (from the job''s "waiting") name the call. Neither is needed while only one is in doubt. The job continues when the last one is resolved. Refuses (DR412) a decision that names another call, or none of several.';

revoke execute on function durable_responses.decided_steps(uuid, text, text, text, integer),
  durable_responses.settle_doubt(durable_responses.waits, integer[], text, text, text),
  public.resolve_response_job(uuid, text, text, uuid, boolean, text, text) from public, anon, authenticated;
grant execute on function durable_responses.decided_steps(uuid, text, text, text, integer),
  durable_responses.settle_doubt(durable_responses.waits, integer[], text, text, text),
  public.resolve_response_job(uuid, text, text, uuid, boolean, text, text) to service_role;
