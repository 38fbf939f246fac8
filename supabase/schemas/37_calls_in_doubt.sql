-- Calls in doubt: a profile may have functions that find out whether a call was made (was_made), for example by a look into the
-- folder of sent emails. A worker asks them about jobs that are held for review, and answers the review as a person would
-- (resolve_response_job). If they cannot tell, a person decides.
--
-- A call that was not made yet is not a call that will not be made. So they are first asked some time after the job was held,
-- longer than a call may take; and "not made" counts only if nothing can make the call any more.

create function durable_responses.may_still_be_made(p_call public.response_steps) returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return p_call.run_by is null and exists (
    select from durable_responses.attempts a
    where a.job_id = p_call.job_id and a.number = p_call.attempt and a.mode = 'background'
      and (a.response_id is null or exists (
        select from durable_responses.upstream_cancels c where c.job_id = a.job_id and c.attempt = a.number)));
end;
$$;
comment on function durable_responses.may_still_be_made(public.response_steps) is
  'Whether a call in doubt belongs to a background response that may still run: its id is unknown, or OpenAI has not confirmed its cancel.';

create function public.claim_calls_in_doubt(p_limit integer default 20) returns jsonb
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
    where d.due <= v_now order by d.due limit p_limit for update skip locked
  ), over as (
    delete from durable_responses.doubts d using next where d.job_id = next.job_id and not next.open
  ), claimed as (
    -- After one minute, two, four, eight: until a worker that dies now would be noticed, and longer for a server that is down.
    update durable_responses.doubts d set
      tries = d.tries + 1, due = v_now + make_interval(mins => 1 << d.tries)
    from next where d.job_id = next.job_id and next.open
    returning d.job_id, next.due as waits_since
  )
  select jsonb_agg(jsonb_build_object(
    'id', j.id, 'profile', j.profile, 'owner_id', j.owner_id,
    'calls', (
      select jsonb_agg(jsonb_build_object(
        'request_id', s.item_id, 'digest', s.digest, 'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments,
        'started_at', s.started_at, 'may_still_be_made', durable_responses.may_still_be_made(s)) order by s.number)
      from public.response_steps s where s.job_id = j.id and s.status = 'uncertain')) order by claimed.waits_since)
  into v_claimed from claimed join durable_responses.jobs j on j.id = claimed.job_id;
  return coalesce(v_claimed, '[]');
end;
$$;
comment on function public.claim_calls_in_doubt(integer) is
  'Jobs held for review whose profile can find out whether the calls in doubt were made: [{id, profile, owner_id, calls: [{request_id, digest, server_label, tool, arguments, started_at, may_still_be_made}] or null}]. Each is returned five times, with growing delay, as long as it is held.';

revoke execute on function durable_responses.may_still_be_made(public.response_steps), public.claim_calls_in_doubt(integer)
  from public, anon, authenticated;
grant execute on function durable_responses.may_still_be_made(public.response_steps), public.claim_calls_in_doubt(integer)
  to service_role;
