-- Calls in doubt: a profile may have functions that find out whether a call was made (was_made), for example by a look into the
-- folder of sent emails. A worker asks them about jobs that are held for review, and answers the review. If they cannot tell, a
-- person decides, who may also answer first.
--
-- A call that was not made yet is not a call that will not be made. So they are first asked some time after the job was held,
-- longer than a call may take; and "not made" counts only if nothing can make the call any more.
--
-- An asking takes a while. Its answer has the token that it was given, and is refused if the job has been held anew, or asked
-- about again, meanwhile: a call with the same row may have been made since.

create function durable_responses.may_still_be_made(p_call public.response_steps) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return p_call.run_by is null and (
    -- It was made for the job that this one retries, whose responses are not this job's.
    p_call.attempt = 0
    or exists (
      select from durable_responses.attempts a
      where a.job_id = p_call.job_id and a.number = p_call.attempt and a.mode = 'background'
        -- An id under which OpenAI has never shown a response is none: a gateway may have made it up, and hold the request.
        and (a.response_id is null or a.error_code = 'background_expired'))
    or exists (
      select from durable_responses.upstream_cancels c where c.job_id = p_call.job_id and c.attempt = p_call.attempt)
    or exists (
      select from public.response_flags f where f.job_id = p_call.job_id and f.code = 'cancel_unconfirmed'));
end;
$$;
comment on function durable_responses.may_still_be_made(public.response_steps) is
  'Whether a response that nobody has seen end may still make a call in doubt: its id is unknown, or OpenAI has no response of that id, or has not confirmed its cancel.';

create function public.claim_calls_in_doubt(p_profiles text[], p_limit integer default 20) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_claimed jsonb;
begin
  with next as materialized (
    select d.job_id, d.due, d.tries < 5 and exists (
      select from durable_responses.waits w where w.job_id = d.job_id and w.status = 'needs_review' and w.due > v_now) as open
    from durable_responses.doubts d
    where d.due <= v_now
      and exists (select from durable_responses.jobs j where j.id = d.job_id and j.profile = any (p_profiles))
    order by d.due limit p_limit for update skip locked
  ), over as (
    update durable_responses.doubts d set due = null from next where d.job_id = next.job_id and not next.open
  ), claimed as (
    -- After one minute, two, four, eight: until a worker that dies now would be noticed, and longer for a server that is down.
    update durable_responses.doubts d set
      tries = d.tries + 1, due = v_now + make_interval(mins => 1 << d.tries), token = gen_random_uuid()
    from next where d.job_id = next.job_id and next.open
    returning d.job_id, d.token, next.due as waits_since
  )
  select jsonb_agg(jsonb_build_object(
    'id', j.id, 'profile', j.profile, 'owner_id', j.owner_id, 'token', claimed.token,
    'calls', (
      select jsonb_agg(jsonb_build_object(
        'number', s.number, 'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments,
        -- A row may be younger than its call: what is reported late, or read from a response, was done before.
        'started_at', least(s.started_at, coalesce((
          select min(a.started_at) from public.response_attempts a
          where a.job_id = s.job_id and a.number between s.attempt - 1 and s.attempt), s.started_at)),
        'may_still_be_made', durable_responses.may_still_be_made(s)) order by s.number)
      from public.response_steps s where s.job_id = j.id and s.status = 'uncertain')) order by claimed.waits_since)
  into v_claimed from claimed join durable_responses.jobs j on j.id = claimed.job_id;
  return coalesce(v_claimed, '[]');
end;
$$;
comment on function public.claim_calls_in_doubt(text[], integer) is
  'Jobs of these profiles that are held for review, to find out whether the calls in doubt were made: [{id, profile, owner_id, token, calls: [{number, server_label, tool, arguments, started_at, may_still_be_made}] or null}]. Each is returned five times, with growing delay, as long as it is held, and for three reviews at most.';

create function public.answer_call_in_doubt(p_job_id uuid, p_token uuid, p_number integer, p_happened boolean, p_output text default null)
returns text
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_wait durable_responses.waits;
  v_call public.response_steps;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  select * into v_call from public.response_steps where job_id = p_job_id and number = p_number;
  if v_wait.status is distinct from 'needs_review' or v_wait.due <= v_now or v_call.status is distinct from 'uncertain'
    or not exists (select from durable_responses.doubts where job_id = p_job_id and token = p_token)
    -- Asked again: what may make the call may have become known meanwhile.
    or not p_happened and durable_responses.may_still_be_made(v_call)
  then
    return null;
  end if;
  perform durable_responses.settle_doubt(
    v_wait, array[p_number], case when p_happened then 'happened' else 'did_not_happen' end, p_output, 'was_made');
  return (select status from durable_responses.waits where job_id = p_job_id);
end;
$$;
comment on function public.answer_call_in_doubt(uuid, uuid, integer, boolean, text) is
  'A profile has found out whether a call in doubt was made. p_token: of the asking. p_number: the call. Returns the job''s status; null if the answer comes too late, or if it says "not made" and the call may still be made.';

revoke execute on function durable_responses.may_still_be_made(public.response_steps), public.claim_calls_in_doubt(text[], integer),
  public.answer_call_in_doubt(uuid, uuid, integer, boolean, text) from public, anon, authenticated;
grant execute on function durable_responses.may_still_be_made(public.response_steps), public.claim_calls_in_doubt(text[], integer),
  public.answer_call_in_doubt(uuid, uuid, integer, boolean, text) to service_role;
