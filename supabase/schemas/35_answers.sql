-- Answers to what a job asks: a person's yes or no to a call, and the outputs of calls that the caller makes.
--
-- One request may contain several. They are checked first, and then written in one transaction: all are accepted, or none.
-- An answer that names what it answers and was accepted before is accepted again without effect, because its sender may not know
-- of it.

create function durable_responses.refuse_odd_answer(p_answer jsonb) returns void
language plpgsql immutable set search_path = ''
as $$
declare
  v_types constant jsonb := '{"approve": "boolean", "reason": "string", "request_id": "string", "digest": "string",
    "number": "number", "call_id": "string", "kind": "string", "output": "string", "parts": "array"}'::jsonb;
  v_field text;
  v_value jsonb;
begin
  if jsonb_typeof(p_answer) is distinct from 'object' then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept an answer: it must be an object, not %s', coalesce(jsonb_typeof(p_answer), 'null')),
      hint = 'Give {"approve"} to a request for approval, and {"call_id", "output"} to a call.';
  end if;
  select key, value into v_field, v_value from jsonb_each(p_answer)
  where value <> 'null' and (jsonb_typeof(value) is distinct from v_types ->> key
    or key = 'number' and case when jsonb_typeof(value) = 'number' then value::numeric not between 1 and 2147483647 or value::numeric % 1 <> 0 end)
  order by key limit 1;
  if v_field is not null then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept an answer: %s, but is %s', case
        when not v_types ? v_field then format('its fields must be those that there are, and one of them is %L', left(v_field, 64))
        when v_field = 'number' then '"number" must be a whole number from 1 to 2147483647'
        else format('%I must be of type %s', v_field, v_types ->> v_field) end, left(v_value::text, 100)),
      hint = 'See the comment of answer_response_job() for the fields.';
  end if;
end;
$$;
comment on function durable_responses.refuse_odd_answer(jsonb) is
  'Refuses (DR400) an answer that has a field which there is not, or a value of another type than the field''s.';

create function durable_responses.shown_content(p_output text) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  return regexp_replace(p_output, '("path"\s*:\s*")[^"/]+/([0-9a-f]{64}\.)', '\1\2', 'g');
end;
$$;
comment on function durable_responses.shown_content(text) is
  'An answer with pictures or files, as JSON, without their senders: the path of a sent file is its sender and its digest. A user''s answer and the same one from a server are the same.';

create function durable_responses.asked_steps(p_job durable_responses.jobs, p_wait durable_responses.waits, p_answer jsonb) returns integer[]
language plpgsql stable set search_path = ''
as $$
declare
  v_request_id constant text := p_answer ->> 'request_id';
  v_number constant integer := (p_answer ->> 'number')::integer;
  v_digest constant text := p_answer ->> 'digest';
  v_numbers integer[];
begin
  if jsonb_typeof(p_answer -> 'approve') is distinct from 'boolean' then
    raise exception using errcode = 'DR400', message = format('Cannot answer for job %s: approve must be true or false', p_job.id),
      hint = 'Give {"approve": true} or {"approve": false} for each request.';
  end if;
  if (
    select bool_and(status <> 'waiting') and bool_or(answer -> 'approve' = p_answer -> 'approve' and answered_by <> 'guard')
    from public.response_steps
    where job_id = p_job.id and kind = 'mcp_approval_request' and item_id = v_request_id
      and (v_number is null or number = v_number) and (v_digest is null or digest = v_digest)
  ) then
    return null;
  end if;
  if p_wait.status is distinct from 'awaiting_approval' or p_wait.due <= durable_responses.clock() then
    raise exception using errcode = 'DR409',
      message = format('Cannot answer for job %s: it is %s', p_job.id,
        case p_wait.status when 'awaiting_approval' then 'no longer waiting, because the request has expired'
          else coalesce(p_wait.status, p_job.status) end),
      hint = 'A request for approval can be answered once, while the job is awaiting_approval.';
  end if;
  v_numbers := durable_responses.decided_steps(p_job.id, 'waiting', v_request_id, v_digest, v_number);
  if v_numbers = '{}' then
    raise exception using errcode = 'DR409', message = format('Cannot answer for job %s: no request waits for an answer', p_job.id),
      hint = 'GET the job. Each entry of "waiting" can be answered once.';
  end if;
  return v_numbers;
end;
$$;
comment on function durable_responses.asked_steps(durable_responses.jobs, durable_responses.waits, jsonb) is
  'The requests for approval that an answer {approve, request_id?, digest?, number?} is for; null if it was accepted before. Refuses one that the job does not wait for (DR409), and one that names another call (DR412).';

create function durable_responses.handed_out_step(
  p_job durable_responses.jobs, p_wait durable_responses.waits, p_answer jsonb, p_number integer, p_is_more boolean
) returns integer
language plpgsql stable set search_path = ''
as $$
declare
  v_kind constant text := coalesce(p_answer ->> 'kind', 'function_call');
  v_call_id constant text := p_answer ->> 'call_id';
  v_output constant text := p_answer ->> 'output';
  v_call public.response_steps;
begin
  if v_call_id is null or v_output is null then
    raise exception using errcode = 'DR400', message = format('Cannot accept an output for job %s: it must have a call_id and an output', p_job.id),
      hint = 'Give {"call_id": "call_…", "output": "…"} for each call, and for another kind than function_call its kind.';
  end if;
  if p_number is null and exists (
    select from public.response_steps
    where job_id = p_job.id and kind = v_kind and run_by = 'caller' and status = 'finished' and call_id = v_call_id
      and case when v_kind = 'computer_call' then durable_responses.shown_content(output) = durable_responses.shown_content(v_output)
        else output = v_output end
      and durable_responses.shown_content((item -> 'output_parts')::text)
        is not distinct from durable_responses.shown_content((p_answer -> 'parts')::text)
  ) then
    return null;
  end if;
  if p_wait.status is null or p_wait.status not in ('awaiting_tool_output', 'awaiting_approval') or p_wait.due <= durable_responses.clock() then
    raise exception using errcode = 'DR409',
      message = format('Cannot accept the output of a call for job %s: it is %s', p_job.id,
        case when p_wait.status in ('awaiting_tool_output', 'awaiting_approval')
          then 'waiting no longer, the call has expired' else coalesce(p_wait.status, p_job.status) end),
      hint = 'A call is answered once, while the job is awaiting_tool_output.';
  end if;
  if p_is_more then
    raise exception using errcode = 'DR400',
      message = format('Cannot accept the outputs of call %s: there are more of them than such calls that wait, and they differ', left(v_call_id, 100)),
      hint = 'Give one output for each call that waits.';
  end if;
  select * into v_call from public.response_steps
  where job_id = p_job.id and run_by = 'caller' and status = 'waiting' and call_id = v_call_id and (p_number is null or number = p_number)
  order by number limit 1;
  if v_call.number is null then
    raise exception using errcode = 'DR409',
      message = format('Cannot accept the output of call %s for job %s: no such call waits for one', left(v_call_id, 100), p_job.id),
      hint = 'GET the job: each call in "waiting" can be answered once, by its call_id.';
  end if;
  perform durable_responses.refuse_unfit_answer(v_call, v_kind, v_output);
  return v_call.number;
end;
$$;
comment on function durable_responses.handed_out_step(durable_responses.jobs, durable_responses.waits, jsonb, integer, boolean) is
  'The call that an output {call_id, kind?, output} is for: p_number, if one is left for it. Null if it was accepted before. Refuses one for a call that does not wait (DR409), one of the wrong kind, and one of more outputs than calls (p_is_more; DR400).';

create function durable_responses.checked_answers(p_job durable_responses.jobs, p_wait durable_responses.waits, p_answers jsonb)
returns table (number integer, answer jsonb)
language plpgsql stable set search_path = ''
as $$
declare
  v_max constant integer := 1000;
  v_given record;
  v_index bigint;
  v_numbers integer[];
  v_taken jsonb := '{}'::jsonb;
  v_state text;
  v_message text;
  v_hint text;
begin
  if jsonb_typeof(p_answers) is distinct from 'array' or jsonb_array_length(p_answers) not between 1 and v_max then
    raise exception using errcode = 'DR400', message = format('Cannot accept the answers: there must be a list of 1 to %s', v_max),
      hint = 'Give [{"request_id", "digest", "approve"}, {"call_id", "kind", "output"}, …].';
  end if;
  for v_given in select ordinality - 1 as index, value as answer from jsonb_array_elements(p_answers) with ordinality loop
    v_index := v_given.index;
    perform durable_responses.refuse_odd_answer(v_given.answer);
  end loop;
  v_index := null;
  for v_given in
    -- An API may use a call's id again, in a later round or in the same one. The last outputs are for the calls that wait.
    select g.index, g.answer, o.numbers[g.place - greatest(g.outputs - cardinality(o.numbers), 0)] as number,
      o.numbers is not null and g.place <= g.outputs - cardinality(o.numbers) as is_more, g.is_repeated
    from (
      select ordinality - 1 as index, value as answer, value ->> 'call_id' as call_id, coalesce(value ->> 'kind', 'function_call') as kind,
        (row_number() over same_call)::integer as place,
        (count(*) over (partition by value ->> 'call_id', coalesce(value ->> 'kind', 'function_call')))::integer as outputs,
        lead(value ->> 'output') over same_call = value ->> 'output'
          and lead(value -> 'parts') over same_call is not distinct from value -> 'parts' as is_repeated
      from jsonb_array_elements(p_answers) with ordinality
      window same_call as (partition by value ->> 'call_id', coalesce(value ->> 'kind', 'function_call') order by ordinality)
    ) g
      left join (
        select s.call_id, s.kind, array_agg(s.number order by s.number) as numbers
        from public.response_steps s
        where s.job_id = p_job.id and s.run_by = 'caller' and s.status = 'waiting'
        group by s.call_id, s.kind
      ) o on o.call_id = g.call_id and o.kind = g.kind
    order by g.index
  loop
    v_index := v_given.index;
    if v_given.answer ? 'call_id' = v_given.answer ? 'approve' then
      raise exception using errcode = 'DR400',
        message = format('Cannot answer for job %s: an answer must have either approve or call_id', p_job.id),
        hint = 'Give {"approve"} to a request for approval, and {"call_id", "output"} to a call.';
    elsif v_given.answer ? 'approve' then
      v_numbers := durable_responses.asked_steps(p_job, p_wait, v_given.answer);
    elsif v_given.is_more and v_given.is_repeated then
      continue;
    else
      v_numbers := array[durable_responses.handed_out_step(p_job, p_wait, v_given.answer, v_given.number, v_given.is_more)];
    end if;
    foreach number in array coalesce(v_numbers, '{}') loop
      answer := v_given.answer;
      continue when number is null or v_taken -> number::text = answer -> 'approve';
      if v_taken ? number::text then
        raise exception using errcode = 'DR400',
          message = format('Cannot answer request %s: the answers to it are both yes and no', left(answer ->> 'request_id', 100)),
          hint = 'Give one answer to each request.';
      end if;
      v_taken := v_taken || jsonb_build_object(number::text, answer -> 'approve');
      return next;
    end loop;
  end loop;
exception when sqlstate 'DR400' or sqlstate 'DR409' or sqlstate 'DR412' then
  get stacked diagnostics v_state = returned_sqlstate, v_message = message_text, v_hint = pg_exception_hint;
  -- Which one it is: the caller may have sent it under another name.
  raise exception using errcode = v_state, message = v_message, hint = v_hint, detail = coalesce('answers[' || v_index || ']', '');
end;
$$;
comment on function durable_responses.checked_answers(durable_responses.jobs, durable_responses.waits, jsonb) is
  'The steps that the answers are for, each with its answer. Answers that were accepted before have none. Refuses all if one cannot be accepted; the detail answers[n] says which, counted from 0.';

create function public.answer_response_job(
  p_job_id uuid, p_answers jsonb, p_owner_id uuid default null, p_as_service boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_job durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
  v_numbers integer[];
  v_answers jsonb[];
  v_screens jsonb;
begin
  select array_agg(number order by number), array_agg(answer order by number) into v_numbers, v_answers
  from durable_responses.checked_answers(v_job, v_wait, p_answers);
  if v_numbers is null then
    return durable_responses.job_view(p_job_id);
  end if;
  update public.response_steps s set
    status = 'finished', finished_at = v_now,
    output = case when s.run_by = 'caller' then g.answer ->> 'output' else s.output end,
    item = case when s.run_by = 'caller' and g.answer ? 'parts' then s.item || jsonb_build_object('output_parts', g.answer -> 'parts') else s.item end,
    answer = case when s.run_by = 'caller' then '{"outcome": "answered"}'
      else jsonb_strip_nulls(jsonb_build_object('approve', g.answer -> 'approve', 'reason', g.answer -> 'reason')) end,
    answered_by = coalesce(p_owner_id::text, 'service'), answered_at = v_now
  from unnest(v_numbers, v_answers) g (number, answer)
  where s.job_id = p_job_id and s.number = g.number;
  perform durable_responses.announce_steps(p_job_id, v_numbers);
  perform durable_responses.continue_when_answered(v_wait);
  select jsonb_agg(case when g.answer ? 'parts' then jsonb_build_object('output', g.answer -> 'parts') else (g.answer ->> 'output')::jsonb end) into v_screens
  from unnest(v_answers) g (answer) where g.answer ? 'parts' or g.answer ->> 'kind' = 'computer_call';
  if v_screens is not null then
    -- Last, since nothing is locked after sent files; but the reference to them locks the job's row. They are the answerer's to show.
    perform from durable_responses.jobs where id = p_job_id for key share;
    perform durable_responses.pin_files(p_job_id, p_owner_id, v_screens);
  end if;
  return durable_responses.job_view(p_job_id);
end;
$$;
comment on function public.answer_response_job(uuid, jsonb, uuid, boolean) is
  'Answers to what a job asks, each for one entry of its "waiting": a person''s {approve, reason?, request_id?, digest?, number?} to a request for approval, and {call_id, kind?, output, parts?} to a call of the caller''s. parts: content that the model gets instead of the text. output: text, or for apply_patch_call, shell_call and computer_call the fields of the answer as JSON. request_id and digest are not needed while only one request waits. All are accepted or none; the detail answers[n] of a refusal says which one it is about. Each is recorded with who and when. The same answer again changes nothing if it names what it answers; another one is refused (DR409), and so is one that names another call, or none of several (DR412). The job continues when nothing else is asked.';

create function public.answer_response_approval(
  p_job_id uuid, p_approve boolean, p_reason text default null, p_request_id text default null,
  p_owner_id uuid default null, p_as_service boolean default false, p_digest text default null
) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  return public.answer_response_job(p_job_id, jsonb_build_array(jsonb_build_object(
    'approve', p_approve, 'reason', p_reason, 'request_id', p_request_id, 'digest', p_digest)), p_owner_id, p_as_service);
end;
$$;
comment on function public.answer_response_approval(uuid, boolean, text, text, uuid, boolean, text) is
  'Answers one request for approval; answer_response_job() takes several answers.';

create function public.answer_response_tool_call(
  p_job_id uuid, p_call_id text, p_output text, p_owner_id uuid default null, p_as_service boolean default false,
  p_kind text default 'function_call'
) returns jsonb
language plpgsql set search_path = ''
as $$
begin
  return public.answer_response_job(p_job_id, jsonb_build_array(jsonb_build_object(
    'call_id', p_call_id, 'kind', p_kind, 'output', p_output)), p_owner_id, p_as_service);
end;
$$;
comment on function public.answer_response_tool_call(uuid, text, text, uuid, boolean, text) is
  'Gives the output of one call; answer_response_job() takes several answers.';

revoke execute on function durable_responses.refuse_odd_answer(jsonb), durable_responses.shown_content(text),
  durable_responses.asked_steps(durable_responses.jobs, durable_responses.waits, jsonb),
  durable_responses.handed_out_step(durable_responses.jobs, durable_responses.waits, jsonb, integer, boolean),
  durable_responses.checked_answers(durable_responses.jobs, durable_responses.waits, jsonb),
  public.answer_response_job(uuid, jsonb, uuid, boolean),
  public.answer_response_approval(uuid, boolean, text, text, uuid, boolean, text),
  public.answer_response_tool_call(uuid, text, text, uuid, boolean, text) from public, anon, authenticated;
grant execute on function durable_responses.refuse_odd_answer(jsonb), durable_responses.shown_content(text),
  durable_responses.asked_steps(durable_responses.jobs, durable_responses.waits, jsonb),
  durable_responses.handed_out_step(durable_responses.jobs, durable_responses.waits, jsonb, integer, boolean),
  durable_responses.checked_answers(durable_responses.jobs, durable_responses.waits, jsonb),
  public.answer_response_job(uuid, jsonb, uuid, boolean),
  public.answer_response_approval(uuid, boolean, text, text, uuid, boolean, text),
  public.answer_response_tool_call(uuid, text, text, uuid, boolean, text) to service_role;
