-- What a caller may do with a job: read, cancel, retry (34_decisions.sql: resolve; 35_answers.sql: approve and give outputs).
--
-- The functions are called with the secret key, in the name of a user (p_owner_id) or of the key's holder (p_as_service).
-- visible_owners() and actionable_owners() decide whose jobs that user may see or act on, under the claims from
-- owner_claims().

create function durable_responses.owners_of(p_owner_id uuid, p_act boolean) returns uuid[]
language plpgsql set search_path = ''
as $$
declare
  v_claims constant text := current_setting('request.jwt.claims', true);
  v_owners uuid[];
begin
  if p_owner_id is null then
    return '{}'::uuid[];
  end if;
  perform set_config('request.jwt.claims', durable_responses.owner_claims(p_owner_id)::text, true);
  v_owners := case when p_act then durable_responses.actionable_owners() else durable_responses.visible_owners() end;
  perform set_config('request.jwt.claims', coalesce(v_claims, ''), true);
  return v_owners;
end;
$$;
comment on function durable_responses.owners_of(uuid, boolean) is 'Whose jobs this user may see, or act on.';

create function durable_responses.find_job(
  p_job_id uuid, p_owner_id uuid, p_as_service boolean, p_act boolean,
  out job durable_responses.jobs, out wait durable_responses.waits
) returns record
language plpgsql set search_path = ''
as $$
begin
  -- A token is valid until it expires, even if its user was deleted.
  perform durable_responses.refuse_deleted_owner(p_owner_id);
  if p_act then
    select * into wait from durable_responses.waits where job_id = p_job_id for update;
    if found then
      select * into job from durable_responses.jobs where id = p_job_id;
    else
      select * into job from durable_responses.jobs where id = p_job_id for update;
    end if;
  else
    select * into job from durable_responses.jobs where id = p_job_id;
    if job.status is null then
      select * into wait from durable_responses.waits where job_id = p_job_id;
      -- It may have become final between the two reads.
      if not found then
        select * into job from durable_responses.jobs where id = p_job_id;
      end if;
    end if;
  end if;
  if job.id is null or not (coalesce(p_as_service, false) or coalesce(job.owner_id = any (durable_responses.owners_of(p_owner_id, p_act)), false)) then
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
end;
$$;
comment on function durable_responses.find_job(uuid, uuid, boolean, boolean) is
  'The job and its wait (locked if p_act), if the caller may see it or act on it. Otherwise DR404, for a missing job and for somebody else''s alike. Refuses a deleted user (DR411).';

create function public.get_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, false);
begin
  return durable_responses.job_view(v.job, v.wait)::jsonb;
end;
$$;
comment on function public.get_response_job(uuid, uuid, boolean) is 'A job as its owner may see it.';

create function public.get_response_record(
  p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false, p_after integer default 0,
  p_with_input boolean default false, p_whole boolean default false, p_with_answers boolean default false, p_answered integer default null
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, false);
  v_job durable_responses.jobs := v.job;
  v_waits constant boolean := coalesce((v.wait).status in ('awaiting_approval', 'awaiting_tool_output'), false);
  -- No function shows people what the columns hide from them. Operators are people too.
  v_for_server constant boolean := p_whole or p_as_service and p_owner_id is null;
  -- The question after which everything is new: the reader's, or the last one that was answered.
  v_asked constant integer := coalesce(p_answered, (
    select max(s.number) from public.response_steps s
    where s.job_id = v_job.id and (s.run_by = 'caller' and s.status in ('finished', 'failed')
      or s.kind = 'mcp_approval_request' and s.answered_by <> 'guard' and s.answer ? 'approve')));
begin
  return durable_responses.job_view(v_job, v.wait)::jsonb
    || jsonb_build_object(
      'model', case when v_for_server then v_job.request ->> 'model' end,
      'whole_request', v_job.request is not null,
      'settings', v_job.settings,
      'previous_response_id', coalesce('resp_' || replace(v_job.continued_from::text, '-', ''),
        case when v_for_server then v_job.request ->> 'previous_response_id' end),
      -- Whether the same question would still join this finished job.
      'joinable', v_job.status is not null and exists (select from durable_responses.open_questions q where q.job_id = v_job.id and not q.taken),
      -- Only servers see which tools an MCP server has.
      'with_tool_lists', v_for_server,
      'handed_out', (
        select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'kind', s.kind, 'call_id', s.call_id, 'answered_at', extract(epoch from s.answered_at))
          || case when p_with_answers and v_job.output is null and s.status in ('finished', 'failed')
            then jsonb_build_object('item', s.item, 'output', s.output, 'error', s.error) else '{}' end
          order by s.number), '[]'::jsonb)
        from public.response_steps s where s.job_id = v_job.id and s.run_by = 'caller'),
      'answered', (
        select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'request_id', s.item_id, 'approve', (s.answer ->> 'approve')::boolean,
          'answered_at', extract(epoch from s.answered_at))
          order by s.number), '[]'::jsonb)
        from public.response_steps s
        where s.job_id = v_job.id and s.kind = 'mcp_approval_request' and s.answered_by <> 'guard' and s.answer ? 'approve'),
      -- What stands between the calls: part of a question that waits, and of what a conversation continues from.
      'between', (
        select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'item', s.item) order by s.number), '[]'::jsonb)
        from public.response_steps s
        where (v_waits or p_with_answers or v_asked is not null) and v_job.output is null and s.job_id = v_job.id and s.run_by is null and s.status = 'finished'
          and s.item is not null and s.kind not in ('mcp_call', 'mcp_approval_request', 'mcp_approval_response', 'unguarded_run')),
      'answered_number', p_answered,
      -- The attempt that asks ends with it, and what follows the answer is of a later one. A call may have waited for the answer.
      'known', (
        select coalesce(jsonb_agg(jsonb_build_object('number', s.number, 'kind', s.kind, 'id', coalesce(s.item ->> 'id', s.item_id)) order by s.number), '[]'::jsonb)
        from public.response_steps asked join public.response_steps s on s.job_id = asked.job_id and s.attempt <= asked.attempt
        where asked.job_id = v_job.id and asked.number = v_asked
          and (s.finished_at <= asked.started_at or s.kind <> 'mcp_call' and s.run_by is distinct from 'worker')),
      -- In the order in which they finished: a call that was shown keeps its place, whatever finishes later.
      -- The ids of items that callers see are made of step numbers.
      'last_number', coalesce((select max(s.number) from public.response_steps s where s.job_id = v_job.id), 0),
      'calls', (
        select coalesce(jsonb_agg(jsonb_build_object('number', c.number, 'item', c.item) order by c.finished_at, c.number), '[]'::jsonb)
        from (
          -- The guard's questions and answers stay between OpenAI and us.
          select s.finished_at, s.number, coalesce(case when s.kind = 'mcp_call' then s.item end || case when exists (
            select from public.response_steps g
            where g.job_id = s.job_id and g.answered_by = 'guard' and g.item ->> 'id' = s.item ->> 'approval_request_id'
          ) then '{"approval_request_id": null}'::jsonb else '{}' end, jsonb_build_object(
            -- To a reader, a call that we make looks like one that OpenAI makes: the caller has nothing left to do.
            'type', 'mcp_call', 'id', coalesce(s.item ->> 'id', s.item_id),
            'server_label', coalesce(s.server_label, 'functions'), 'name', s.tool,
            'arguments', coalesce(s.arguments, '{}'), 'output', s.output, 'error', s.error,
            'status', case when s.error is null then 'completed' else 'failed' end, 'approval_request_id', null
          )) as item
          from public.response_steps s
          where s.job_id = v_job.id and (s.kind = 'mcp_call' or s.run_by = 'worker') and s.status in ('finished', 'failed')
          order by s.finished_at, s.number
          offset p_after
        ) c
      )
    )
    || case when p_with_input
      then jsonb_build_object('input', coalesce(v_job.input,
        case when v_for_server then v_job.request -> 'input' else durable_responses.visible_input(v_job.request) end))
      else '{}'::jsonb
    end;
end;
$$;
comment on function public.get_response_record(uuid, uuid, boolean, integer, boolean, boolean, boolean, integer) is
  'A job with its calls from the p_after-th on and its input, from which the OpenAI-compatible endpoint makes a response. Users see of a whole request what visible_input() returns; a secret key sees model and input as they are. p_whole: so does a server that acts for a user, if it only sends them on to OpenAI. p_with_answers: with the answered calls of a job that has no output, for a conversation that continues. p_answered: the number of a step that asked, whose answer the reader has given. known: the items that the response had when it asked, or when it last asked what was answered.';

create function public.get_response_records(
  p_job_ids uuid[], p_owner_id uuid default null, p_as_service boolean default false, p_whole boolean default false,
  p_with_answers boolean default false
) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_records jsonb[];
  v_id uuid;
begin
  foreach v_id in array p_job_ids loop
    begin
      v_records := v_records
        || public.get_response_record(v_id, p_owner_id, p_as_service, p_whole => p_whole, p_with_answers => p_with_answers);
    exception when sqlstate 'DR404' then
      -- A conversation may name what is deleted, or somebody else's. The caller says what that means.
      continue;
    end;
  end loop;
  return coalesce(to_jsonb(v_records), '[]');
end;
$$;
comment on function public.get_response_records(uuid[], uuid, boolean, boolean, boolean) is
  'get_response_record() of several jobs, in one call: a conversation refers to many. Without those that are not there, or not the caller''s to see.';

create function public.cancel_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_job durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
  v_upstream jsonb;
begin
  if v_job.status = 'cancelled' then
    return jsonb_build_object('job', durable_responses.job_view(v_job, v_wait), 'upstream', null);
  end if;
  if v_job.status is not null then
    raise exception using errcode = 'DR409', message = format('Cannot cancel job %s: it is already %s', p_job_id, v_job.status),
      hint = 'Only a job that has not finished can be cancelled.';
  end if;
  if v_wait.status = 'background' and v_wait.response_id is not null then
    perform durable_responses.request_upstream_cancel(p_job_id, v_wait.attempt, v_wait.response_id);
    v_upstream := durable_responses.upstream(p_job_id, v_wait.attempt, v_wait.response_id);
  end if;
  -- This does not take back a call in flight: a retry of the job must know about it.
  perform durable_responses.settle_calls(p_job_id, v_wait.attempt);
  perform durable_responses.end_attempt(v_wait, 'cancelled');
  perform durable_responses.finish(v_wait, 'cancelled');
  return jsonb_build_object('job', durable_responses.job_view(p_job_id), 'upstream', v_upstream);
end;
$$;
comment on function public.cancel_response_job(uuid, uuid, boolean) is
  'Cancels a job that has not finished; a second cancel returns it unchanged. Returns {job, upstream}. upstream: a background response to cancel at OpenAI, as claim_pending_cancels() returns it.';

create function public.retry_response_job(p_job_id uuid, p_owner_id uuid default null, p_as_service boolean default false) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v record := durable_responses.find_job(p_job_id, p_owner_id, p_as_service, true);
  v_old durable_responses.jobs := v.job;
  v_wait durable_responses.waits := v.wait;
  v_unread boolean;
  v_uncertain boolean;
  v_new uuid := durable_responses.uuid_v7();
begin
  if v_wait.status = 'queued' then
    update durable_responses.waits set due = least(due, v_now), ready = true, ready_xid = pg_current_xact_id() where job_id = p_job_id;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(p_job_id));
  end if;
  if v_wait.status = 'needs_review' then
    return jsonb_build_object('created', false,
      'job', public.resolve_response_job(p_job_id, 'did_not_happen', null, p_owner_id, p_as_service));
  end if;
  if v_old.status is null or v_old.status not in ('failed', 'cancelled') then
    raise exception using errcode = 'DR409',
      message = format('Cannot retry job %s: it is %s', p_job_id, coalesce(v_wait.status, v_old.status)),
      hint = 'You can retry a failed or cancelled job, run a queued one now, and run one that needs_review again.';
  end if;
  if exists (select from durable_responses.jobs where retry_of = p_job_id) then
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(
      (select id from durable_responses.jobs where retry_of = p_job_id)));
  end if;
  perform durable_responses.refuse_deleted_owner(v_old.owner_id);
  if durable_responses.too_many_jobs(v_old.owner_id) then
    perform durable_responses.refuse_too_many();
  end if;
  -- The output of a cancelled background run was not read: without the guard, nobody knows what it did before.
  v_unread := v_old.once_tools and v_old.on_uncertain = 'review' and not durable_responses.is_guarded(v_old) and exists (
    select from durable_responses.attempts
    where job_id = p_job_id and number = v_old.attempt and mode = 'background'
      and (outcome = 'cancelled' or error_code = 'deadline_exceeded'));
  v_uncertain := v_unread or exists (select from public.response_steps where job_id = p_job_id and status = 'uncertain');
  -- A final row never changes, so a retry is a new job. There is one per original, whose row is locked: a second retry returns
  -- the same job.
  insert into durable_responses.jobs (
    id, owner_id, profile, input, request, metadata, retry_of, first_id, priority, route, max_attempts, backoff_base_ms, backoff_cap_ms,
    deadline_ms, approval_ms, review_ms, poll_ms, background_ms, once_tools, on_uncertain, guard, settings, continued_from, created_at, query_text
  ) values (
    v_new, v_old.owner_id, v_old.profile, v_old.input, v_old.request, v_old.metadata, v_old.id, coalesce(v_old.first_id, v_old.id), v_old.priority, v_old.route,
    v_old.max_attempts, v_old.backoff_base_ms, v_old.backoff_cap_ms,
    v_old.deadline_ms, v_old.approval_ms, v_old.review_ms, v_old.poll_ms, v_old.background_ms,
    v_old.once_tools, v_old.on_uncertain, v_old.guard, v_old.settings, v_old.continued_from, v_now, v_old.query_text
  );
  insert into durable_responses.job_files (job_id, bucket, path, version)
  select v_new, bucket, path, version from durable_responses.job_files where job_id = p_job_id;
  insert into durable_responses.waits (job_id, status, due, since, route, priority, owner_id, owner_key, deadline, review_reason)
  values (
    v_new, case when v_uncertain then 'needs_review' else 'queued' end,
    case when v_uncertain then v_now + make_interval(secs => v_old.review_ms / 1000.0) else v_now end,
    v_now, v_old.route, v_old.priority, v_old.owner_id,
    coalesce(v_old.owner_id, '00000000-0000-0000-0000-000000000000'), v_now + make_interval(secs => v_old.deadline_ms / 1000.0),
    case when v_uncertain then 'The job that this one retries ended while a side effect was uncertain' end
  );
  -- The new job takes over the old one's ledger, so that it does not repeat what the old job did. The final messages are left
  -- out, because they answered for the run that failed. So is a yes that was not used, because it was given for the old job.
  -- A call uses the request that it names, or else the last one for the same call before it.
  insert into public.response_steps (
    job_id, number, attempt, item_id, kind, status, effect, server_label, tool, run_by, arguments, call_key,
    output, error, item, answer, answered_by, answered_at, started_at, finished_at
  )
  select v_new, s.number, 0, s.attempt || ':' || s.item_id, s.kind, s.status, s.effect, s.server_label, s.tool, s.run_by, s.arguments,
    s.call_key, s.output, s.error, s.item,
    case when s.status <> 'uncertain' then s.answer end, case when s.status <> 'uncertain' then s.answered_by end,
    case when s.status <> 'uncertain' then s.answered_at end, s.started_at, s.finished_at
  from public.response_steps s
  where s.job_id = p_job_id and (s.status in ('finished', 'failed') and s.kind <> 'message' or s.status = 'uncertain')
    and (s.kind <> 'mcp_approval_request' or exists (
      select from public.response_steps made
      where made.job_id = p_job_id and (made.kind = 'mcp_call' or made.run_by is not null) and made.number > s.number
        and made.status in ('finished', 'failed', 'uncertain')
        and case when s.call_id is not null then made.call_id = s.call_id
          when made.item ->> 'approval_request_id' is not null
          then made.item ->> 'approval_request_id' = s.item ->> 'id' and made.attempt >= s.attempt
            and not exists (
              select from public.response_steps later
              where later.job_id = p_job_id and later.kind = s.kind and later.item ->> 'id' = s.item ->> 'id'
                and later.attempt <= made.attempt and later.number > s.number and later.number < made.number)
          else made.server_label = s.server_label and made.tool = s.tool and made.arguments is not distinct from s.arguments
            and not exists (
              select from public.response_steps later
              where later.job_id = p_job_id and later.kind = s.kind and later.number > s.number and later.number < made.number
                and later.status = 'finished' and later.server_label = s.server_label and later.tool = s.tool
                and later.arguments is not distinct from s.arguments)
        end));
  if v_unread then
    perform durable_responses.write_steps(v_new, 0, jsonb_build_array(jsonb_build_object(
      'item_id', 'unguarded_run', 'kind', 'unguarded_run', 'status', 'uncertain', 'effect', 'once')));
  end if;
  if v_uncertain then
    perform durable_responses.doubt(v_new);
  end if;
  perform durable_responses.announce_jobs(array[v_new]);
  return jsonb_build_object('created', true, 'job', durable_responses.job_view(v_new));
end;
$$;
comment on function public.retry_response_job(uuid, uuid, boolean) is
  'Runs a job again: a failed or cancelled one as a new job with the old ledger, a queued one at once, one that needs_review as if its one call in doubt had not been made. Returns {created, job}; a second retry returns the first one''s job.';

revoke execute on function durable_responses.owners_of(uuid, boolean), durable_responses.find_job(uuid, uuid, boolean, boolean),
  public.get_response_job(uuid, uuid, boolean), public.get_response_record(uuid, uuid, boolean, integer, boolean, boolean, boolean, integer),
  public.get_response_records(uuid[], uuid, boolean, boolean, boolean),
  public.cancel_response_job(uuid, uuid, boolean),
  public.retry_response_job(uuid, uuid, boolean) from public, anon, authenticated;
grant execute on function durable_responses.owners_of(uuid, boolean), durable_responses.find_job(uuid, uuid, boolean, boolean),
  public.get_response_job(uuid, uuid, boolean), public.get_response_record(uuid, uuid, boolean, integer, boolean, boolean, boolean, integer),
  public.get_response_records(uuid[], uuid, boolean, boolean, boolean),
  public.cancel_response_job(uuid, uuid, boolean),
  public.retry_response_job(uuid, uuid, boolean) to service_role;
