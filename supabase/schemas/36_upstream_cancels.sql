-- Cancels of responses at OpenAI that no job waits for any more: each is repeated until OpenAI has confirmed it.

create function durable_responses.request_upstream_cancel(p_job_id uuid, p_attempt integer, p_response_id text) returns void
language plpgsql set search_path = ''
as $$
begin
  insert into durable_responses.upstream_cancels (job_id, attempt, response_id, due, requested_at)
  values (p_job_id, p_attempt, p_response_id, durable_responses.clock(), durable_responses.clock())
  on conflict (job_id, attempt) do nothing;
end;
$$;
comment on function durable_responses.request_upstream_cancel(uuid, integer, text) is
  'Records that a background response must be cancelled at OpenAI, until that is confirmed. If the caller''s function dies now, a worker does it.';

create function durable_responses.upstream(p_job_id uuid, p_attempt integer, p_response_id text, p_asked_at timestamptz default null)
returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_job durable_responses.jobs;
  v_requests jsonb;
begin
  select * into v_job from durable_responses.jobs where id = p_job_id;
  select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'id', s.item ->> 'id') order by s.number), '[]') into v_requests
  from public.response_steps s
  where s.job_id = p_job_id and s.kind = 'mcp_approval_request' and s.answer ->> 'approve' = 'true' and s.item ->> 'id' is not null;
  return jsonb_build_object(
    'job_id', p_job_id, 'attempt', p_attempt, 'response_id', p_response_id,
    -- A deleted job's profile is unknown, and nothing that its response did is stored.
    'profile', coalesce(v_job.profile, ''),
    'asked_ms_ago', greatest(durable_responses.ms_between(coalesce(p_asked_at, durable_responses.clock()), durable_responses.clock()), 0),
    'guarded', coalesce(v_job.guard = 'always' and v_job.on_uncertain = 'review', false),
    'own', exists (
      select from durable_responses.attempts
      where job_id = p_job_id and number = p_attempt and mode = 'background' and response_id = p_response_id),
    'lists', coalesce((
      select jsonb_agg(s.item order by s.number) from public.response_steps s
      where s.job_id = p_job_id and s.kind = 'mcp_list_tools' and s.item is not null), '[]'),
    'yeses', jsonb_path_query_array(v_requests, '$[*].id') || coalesce(jsonb_path_query_array(coalesce(v_job.input, v_job.request -> 'input'),
      '$[*] ? (@.type == "mcp_approval_response" && @.approve == true).approval_request_id ? (@.type() == "string")'), '[]'),
    'requests', v_requests,
    'calls', coalesce((
      select jsonb_agg(jsonb_build_object('item_id', s.item_id, 'server_label', s.server_label, 'tool', s.tool,
        'arguments', s.arguments, 'call_key', s.call_key) order by s.number)
      from public.response_steps s
      where s.job_id = p_job_id and s.attempt = p_attempt and s.kind = 'mcp_call' and s.effect = 'once'), '[]'),
    'other_responses', coalesce((
      select jsonb_agg(a.response_id order by a.number) from durable_responses.attempts a
      where a.job_id = p_job_id and a.number <> p_attempt and a.response_id <> p_response_id), '[]'));
end;
$$;
comment on function durable_responses.upstream(uuid, integer, text, timestamptz) is
  'A response that no job waits for: {job_id, attempt, response_id, profile, asked_ms_ago, guarded, own, lists, yeses, requests, calls, other_responses}. guarded: OpenAI was told to ask before each call that must not be made twice; own: the attempt had no other response, so what it was allowed to call and did not was not called; lists: the tools that its servers have, as OpenAI listed them; yeses: the requests that got one, the caller''s own too; requests: those in the ledger, each with its step; calls: what the ledger has of the attempt; other_responses: those of the job''s other attempts.';

create function public.claim_pending_cancels(p_limit integer default 20) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_claimed jsonb;
begin
  -- A cancel that OpenAI never confirms becomes a flag for a person, and is not repeated any more.
  with next as materialized (
    select job_id, attempt from durable_responses.upstream_cancels
    where due <= v_now and tries >= 20 order by due limit p_limit for update skip locked
  ), hopeless as (
    delete from durable_responses.upstream_cancels c using next
    where c.job_id = next.job_id and c.attempt = next.attempt
    returning c.job_id, c.attempt, c.response_id, c.tries, c.last_error
  )
  insert into public.response_flags (job_id, code, detail, created_at)
  select job_id, 'cancel_unconfirmed', left(format(
    'OpenAI did not confirm the cancel of response %s (attempt %s%s) in %s tries%s', response_id, attempt,
    case when there then '' else ' of a deleted job' end, tries,
    -- Nothing that OpenAI said about a deleted job is stored.
    case when there then '; the last answer was: ' || coalesce(last_error, 'none') else '' end), 2000), v_now
  from (
    select hopeless.*, coalesce((
      select true from durable_responses.jobs j where j.id = hopeless.job_id for key share), false) as there
    from hopeless) given_up;
  -- The longest-waiting first, with a longer delay after each try, so that refused cancels do not starve the others.
  with next as materialized (
    select job_id, attempt, due as waits_since from durable_responses.upstream_cancels
    where due <= v_now order by due limit p_limit for update skip locked
  ), claimed as (
    update durable_responses.upstream_cancels c set
      tries = c.tries + 1, due = v_now + make_interval(secs => least(5 * power(2, least(c.tries, 12)), 3600))
    from next where c.job_id = next.job_id and c.attempt = next.attempt
    returning c.job_id, c.attempt, c.response_id, next.waits_since, c.requested_at
  )
  select jsonb_agg(durable_responses.upstream(c.job_id, c.attempt, c.response_id, c.requested_at) order by c.waits_since)
  into v_claimed from claimed c;
  return coalesce(v_claimed, '[]');
end;
$$;
comment on function public.claim_pending_cancels(integer) is
  'Responses to cancel at OpenAI, as durable_responses.upstream() returns them. Each is returned again with growing delay until the cancel is confirmed. After 20 tries it becomes a flag (cancel_unconfirmed), also if its job was deleted.';

create function public.confirm_upstream_cancel(
  p_job_id uuid, p_attempt integer, p_response_id text default null, p_unseen boolean default false
) returns void
language plpgsql set search_path = ''
as $$
begin
  -- An attempt may have two: a gateway has sent its request twice.
  delete from durable_responses.upstream_cancels
  where job_id = p_job_id and attempt = p_attempt and response_id = coalesce(p_response_id, response_id);
  if p_unseen then
    update durable_responses.attempts set unseen = true where job_id = p_job_id and number = p_attempt;
  end if;
  -- A call that the response has begun may still be on its way.
  update durable_responses.doubts d set
    due = greatest(d.due, durable_responses.clock() + make_interval(secs => p.was_made_after_ms / 1000.0))
  from durable_responses.jobs j join durable_responses.profiles p on p.name = j.profile
  where d.job_id = p_job_id and d.due is not null and j.id = p_job_id and p.was_made_after_ms is not null;
end;
$$;
comment on function public.confirm_upstream_cancel(uuid, integer, text, boolean) is 'The response has ended, so its cancel is done. p_unseen: OpenAI has no response of this id, so nobody has seen it end.';

create function public.record_upstream_cancel_failure(
  p_job_id uuid, p_attempt integer, p_error text, p_response_id text default null, p_after_ms bigint default null
) returns void
language plpgsql set search_path = ''
as $$
begin
  if p_response_id is not null and exists (select from durable_responses.jobs where id = p_job_id) then
    perform durable_responses.request_upstream_cancel(p_job_id, p_attempt, p_response_id);
  end if;
  update durable_responses.upstream_cancels set
    last_error = left(p_error, 500),
    due = greatest(due, durable_responses.clock() + durable_responses.bounded_delay(p_after_ms))
  where job_id = p_job_id and attempt = p_attempt;
end;
$$;
comment on function public.record_upstream_cancel_failure(uuid, integer, text, text, bigint) is
  'Records OpenAI''s answer to a cancel that is not done. It stays pending (with p_response_id, even if it was not), and is not repeated before p_after_ms.';

revoke execute on function durable_responses.request_upstream_cancel(uuid, integer, text),
  durable_responses.upstream(uuid, integer, text, timestamptz),
  public.claim_pending_cancels(integer),
  public.confirm_upstream_cancel(uuid, integer, text, boolean),
  public.record_upstream_cancel_failure(uuid, integer, text, text, bigint) from public, anon, authenticated;
grant execute on function durable_responses.request_upstream_cancel(uuid, integer, text),
  durable_responses.upstream(uuid, integer, text, timestamptz),
  public.claim_pending_cancels(integer),
  public.confirm_upstream_cancel(uuid, integer, text, boolean),
  public.record_upstream_cancel_failure(uuid, integer, text, text, bigint) to service_role;
