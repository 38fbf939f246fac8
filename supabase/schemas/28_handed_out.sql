-- Calls for the caller: of functions and other tools of a profile, or of a whole request, that the caller runs. The job waits
-- (awaiting_tool_output) until each call has its output, given once by its call_id, by somebody who may act on the job.

create function durable_responses.refuse_unfit_answer(p_call public.response_steps, p_kind text, p_output text) returns void
language plpgsql set search_path = ''
as $$
declare
  v_answer jsonb;
  v_unseen text;
begin
  if p_call.kind <> p_kind then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept a %s_output for call %s: it is a %s', left(p_kind, 40), left(p_call.call_id, 100), p_call.kind),
      hint = format('Answer it with a %s_output.', p_call.kind);
  end if;
  if p_kind not in ('apply_patch_call', 'shell_call', 'computer_call') then
    return;
  end if;
  begin
    v_answer := p_output::jsonb;
  exception when invalid_text_representation then
    v_answer := null;
  end;
  if jsonb_typeof(v_answer) is distinct from 'object' then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept the output of call %s: of a %s it is the fields of the answer as JSON', left(p_call.call_id, 100), p_kind),
      hint = format('Send the %s_output item to POST /respond/:id/tool-output, or its fields but type and call_id here.', p_kind);
  end if;
  select string_agg(safety ->> 'id', ', ') into v_unseen
  from jsonb_path_query(p_call.item, '$.pending_safety_checks[*]') safety
  where not jsonb_path_exists(v_answer, '$.acknowledged_safety_checks[*] ? (@.id == $id)', jsonb_build_object('id', safety -> 'id'));
  if v_unseen is not null then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept the output of call %s: its safety checks are not acknowledged: %s', left(p_call.call_id, 100), left(v_unseen, 500)),
      hint = 'Show them to a person. If they agree, send the checks in acknowledged_safety_checks.';
  end if;
end;
$$;
comment on function durable_responses.refuse_unfit_answer(public.response_steps, text, text) is
  'Refuses (DR400) an answer of another kind than the call, and one to a computer_call that does not acknowledge its pending safety checks: OpenAI would refuse it, when it cannot be given again.';

create function public.answer_response_tool_call(
  p_job_id uuid, p_call_id text, p_output text, p_owner_id uuid default null, p_as_service boolean default false,
  p_kind text default 'function_call'
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_job durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
  v_call public.response_steps;
begin
  -- The first one of this kind that waits: an API may use a call's id again, in a later round or in the same one.
  select * into v_call from public.response_steps
  where job_id = p_job_id and run_by = 'caller' and status = 'waiting' and call_id = p_call_id
  order by kind <> p_kind, number limit 1;
  if v_call.kind is distinct from p_kind and exists (
    select from public.response_steps
    where job_id = p_job_id and kind = p_kind and run_by = 'caller' and status = 'finished' and call_id = p_call_id and output = p_output
  ) then
    -- The same answer again, from a caller who does not know that it was accepted.
    return durable_responses.job_view(p_job_id);
  end if;
  if v_wait.status is null or v_wait.status not in ('awaiting_tool_output', 'awaiting_approval') or v_wait.due <= v_now then
    raise exception using errcode = 'DR409',
      message = format('Cannot accept the output of a call for job %s: it is %s', p_job_id,
        case when v_wait.due <= v_now and v_wait.status in ('awaiting_tool_output', 'awaiting_approval')
          then 'waiting no longer, the call has expired' else coalesce(v_wait.status, v_job.status) end),
      hint = 'A call is answered once, while the job is awaiting_tool_output.';
  end if;
  if v_call.number is null then
    raise exception using errcode = 'DR409',
      message = format('Cannot accept the output of call %s for job %s: no such call waits for one', left(p_call_id, 100), p_job_id),
      hint = 'GET the job: each call in "waiting" can be answered once, by its call_id.';
  end if;
  perform durable_responses.refuse_unfit_answer(v_call, p_kind, p_output);
  update public.response_steps set
    status = 'finished', finished_at = v_now, output = p_output, answer = '{"outcome": "answered"}',
    answered_by = coalesce(p_owner_id::text, 'service'), answered_at = v_now
  where job_id = p_job_id and number = v_call.number;
  perform durable_responses.announce_steps(p_job_id, array[v_call.number]);
  perform durable_responses.continue_when_answered(v_wait);
  if p_kind = 'computer_call' then
    -- Last, since nothing is locked after sent files; but the reference to it locks the job's row. The file is the answerer's to show.
    perform from durable_responses.jobs where id = p_job_id for key share;
    perform durable_responses.pin_files(p_job_id, p_owner_id, jsonb_build_array(p_output::jsonb));
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.answer_response_tool_call(uuid, text, text, uuid, boolean, text) is
  'The caller''s answer to a call that was handed out, by its call_id and kind. p_output: text, or for apply_patch_call, shell_call and computer_call the fields of the answer as JSON. Recorded with who and when; the same answer again changes nothing, another one is refused (DR409), and so is one of the wrong kind (DR400). The job continues when nothing else is asked.';

create function public.find_response_tool_calls(
  p_call_ids text[], p_owner_id uuid default null, p_as_service boolean default false
) returns uuid
language plpgsql set search_path = ''
as $$
declare
  v_owners constant uuid[] := durable_responses.owners_of(p_owner_id, true);
begin
  return (
    select j.id
    from durable_responses.jobs j join public.response_steps s on s.job_id = j.id
    where s.run_by = 'caller' and s.call_id = any (p_call_ids) and (coalesce(p_as_service, false) or j.owner_id = any (v_owners))
    group by j.id having count(distinct s.call_id) = cardinality(p_call_ids)
    order by j.id desc limit 1);
end;
$$;
comment on function public.find_response_tool_calls(text[], uuid, boolean) is
  'The newest job, of those that the caller may act on, that has handed out all of these calls; null if there is none.';

revoke execute on function durable_responses.refuse_unfit_answer(public.response_steps, text, text),
  public.answer_response_tool_call(uuid, text, text, uuid, boolean, text),
  public.find_response_tool_calls(text[], uuid, boolean) from public, anon, authenticated;
grant execute on function durable_responses.refuse_unfit_answer(public.response_steps, text, text),
  public.answer_response_tool_call(uuid, text, text, uuid, boolean, text),
  public.find_response_tool_calls(text[], uuid, boolean) to service_role;
