-- Calls for the caller: of functions and other tools of a profile, or of a whole request, that the caller runs. The job waits
-- (awaiting_tool_output) until each call has its output (35_answers.sql).

create function durable_responses.refuse_unfit_answer(p_call public.response_steps, p_kind text, p_output text) returns void
language plpgsql stable set search_path = ''
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

create function public.find_response_tool_calls(
  p_call_ids text[], p_owner_id uuid default null, p_as_service boolean default false, p_job_id uuid default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_owners constant uuid[] := durable_responses.owners_of(p_owner_id, true);
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('call_id', call_id, 'job_id', job_id, 'waits', waits, 'numbers', numbers) order by call_id), '[]'::jsonb)
    from (
      -- An API may use a call's id again in a later response. A request is about the job that has asked for most of its calls.
      select distinct on (call_id) call_id, job_id, waits, numbers
      from (
        select s.call_id, s.job_id, count(*) over (partition by s.job_id) as calls, array_agg(s.number order by s.number) as numbers,
          bool_or(s.status = 'waiting') and coalesce(w.status in ('awaiting_tool_output', 'awaiting_approval'), false) as waits
        from public.response_steps s
          join durable_responses.jobs j on j.id = s.job_id
          left join durable_responses.waits w on w.job_id = s.job_id
        where s.run_by = 'caller' and s.call_id = any (p_call_ids) and (coalesce(p_as_service, false) or j.owner_id = any (v_owners))
        group by s.call_id, s.job_id, w.status
      ) handed_out
      order by call_id, job_id is distinct from p_job_id, calls desc, job_id desc
    ) found);
end;
$$;
comment on function public.find_response_tool_calls(text[], uuid, boolean, uuid) is
  'Which jobs, of those that the caller may act on, have handed out these calls: [{call_id, job_id, waits, numbers}], one job for each call that is known. waits: whether the job still waits for its output. numbers: the steps, if its API has used the id several times. p_job_id: the job to prefer.';

revoke execute on function durable_responses.refuse_unfit_answer(public.response_steps, text, text),
  public.find_response_tool_calls(text[], uuid, boolean, uuid) from public, anon, authenticated;
grant execute on function durable_responses.refuse_unfit_answer(public.response_steps, text, text),
  public.find_response_tool_calls(text[], uuid, boolean, uuid) to service_role;
