-- Steps: the checkpoint and the ledger. Written in batches while an attempt runs, and settled when it ends.

create function durable_responses.write_steps(p_job_id uuid, p_attempt integer, p_steps jsonb) returns void
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_last integer;
  v_numbers integer[];
begin
  -- Most attempts have saved everything before they end.
  if coalesce(jsonb_array_length(p_steps), 0) = 0 then
    return;
  end if;
  -- A call of ours that an earlier attempt's response asked for becomes this attempt's: it is one row, whoever makes it.
  if jsonb_path_exists(p_steps, '$[*].taken_from') then
    update public.response_steps s set attempt = p_attempt
    from jsonb_to_recordset(p_steps) as taken (item_id text, taken_from integer)
    where s.job_id = p_job_id and s.item_id = taken.item_id and s.attempt = taken.taken_from and s.status = 'waiting'
      and taken.taken_from < p_attempt;
  end if;
  v_last := coalesce((select max(number) from public.response_steps where job_id = p_job_id), 0);
  with given as (
    select s, v_last + ordinality as number,
      -- An index cannot store longer ones.
      case when char_length(s ->> 'item_id') between 1 and 500 then s ->> 'item_id'
        else format('%s_%s_%s', left(s ->> 'kind', 60), replace(p_job_id::text, '-', ''), v_last + ordinality) end as id
    from jsonb_array_elements(p_steps) with ordinality as given(s, ordinality)
  ), written as (
    insert into public.response_steps (
      job_id, number, attempt, item_id, kind, status, effect, server_label, tool, run_by, arguments, call_key,
      call_repeat, round, output, error, item, started_at, finished_at)
    select
      -- Two items of one answer may have the same id. Each is still a step of its own.
      p_job_id, number, p_attempt, id || case when place = 1 then '' else '#' || place end,
      s ->> 'kind', s ->> 'status', s ->> 'effect', s ->> 'server_label', s ->> 'tool', s ->> 'run_by', s ->> 'arguments',
      s ->> 'call_key', (s ->> 'call_repeat')::integer, (s ->> 'round')::integer,
      s ->> 'output', s ->> 'error', nullif(s -> 'item', 'null'), v_now,
      case when s ->> 'status' in ('started', 'uncertain', 'waiting') then null else v_now end
    from (select *, row_number() over (partition by id order by number) as place from given) placed
    on conflict (job_id, attempt, item_id) do update set
      status = excluded.status, effect = excluded.effect, arguments = coalesce(excluded.arguments, response_steps.arguments),
      -- A reader of the response may know only the function's name; the maker of the call knows the tool.
      server_label = coalesce(excluded.server_label, response_steps.server_label), tool = coalesce(excluded.tool, response_steps.tool),
      call_key = coalesce(excluded.call_key, response_steps.call_key),
      call_repeat = coalesce(excluded.call_repeat, response_steps.call_repeat),
      round = coalesce(excluded.round, response_steps.round), output = excluded.output, error = excluded.error,
      item = excluded.item, finished_at = excluded.finished_at
    -- A settled step stays settled: a late repeat of an earlier event changes nothing.
    where (response_steps.status = 'started' or response_steps.status = 'waiting' and response_steps.run_by is not null)
      -- An item of another kind is another item, whatever its id.
      and response_steps.kind = excluded.kind
    -- An updated row has an xmax. A call is not announced again when its arguments arrive.
    returning number, status <> 'started' or xmax = 0 as changed
  )
  select array_agg(number) filter (where changed) into v_numbers from written;
  perform durable_responses.announce_steps(p_job_id, v_numbers);
end;
$$;
comment on function durable_responses.write_steps(uuid, integer, jsonb) is
  'Writes steps [{item_id, kind, status, effect?, server_label?, tool?, run_by?, arguments?, call_key?, call_repeat?, round?, output?, error?, item?, taken_from?}], each once per attempt and item. An item without an id gets a generated one: <kind>_<job>_<number>. taken_from: the earlier attempt that wrote the call as waiting.';

create function durable_responses.settle_calls(p_job_id uuid, p_attempt integer) returns text
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_retry constant boolean := (select on_uncertain = 'retry' from durable_responses.jobs where id = p_job_id);
  v_numbers integer[];
  v_call public.response_steps;
begin
  -- Harmless calls are simply made again; so are all calls if the profile says retry. The model is asked again for calls that
  -- OpenAI makes. A call of ours waits, so that the next worker makes the very same call.
  with settled as (
    update public.response_steps set
      status = case
        when effect = 'once' and not v_retry then 'uncertain'
        when run_by is not null then 'waiting'
        else 'void'
      end,
      finished_at = case when run_by is null and (effect is distinct from 'once' or v_retry) then v_now end
    where job_id = p_job_id and attempt = p_attempt and (status = 'started' or status = 'uncertain' and v_retry)
    returning number
  )
  select array_agg(number) into v_numbers from settled;
  perform durable_responses.announce_steps(p_job_id, v_numbers);
  select * into v_call from public.response_steps
  where job_id = p_job_id and attempt = p_attempt and status = 'uncertain' order by number limit 1;
  if found and v_call.kind = 'unguarded_run' then
    return format('Attempt %s ended without showing what it did. It may have called tools, because nobody was asked before', p_attempt);
  elsif found then
    return format('The call of %s at %s was in flight when attempt %s ended: it may or may not have happened',
      coalesce(v_call.tool, 'a tool'),
      coalesce(v_call.server_label, case when v_call.run_by is not null then 'the worker' else 'its server' end), p_attempt);
  end if;
  return null;
end;
$$;
comment on function durable_responses.settle_calls(uuid, integer) is
  'For an attempt that ended with calls in flight: harmless calls become void (or, if we make them ourselves, wait to be made again), the others uncertain. Returns the uncertain ones, or null.';

create function public.save_response_steps(
  p_job_id uuid, p_attempt integer, p_steps jsonb, p_announced boolean default false, p_continuing boolean default false
) returns boolean
language plpgsql set search_path = ''
as $$
declare
  v_wait durable_responses.waits;
  v_late jsonb;
  v_job durable_responses.jobs;
  v_detail text;
  v_ended integer[];
  v_cleared boolean;
  v_made boolean;
  v_asked integer[];
  v_retry uuid;
begin
  select * into v_wait from durable_responses.waits where job_id = p_job_id for update;
  if v_wait.attempt = p_attempt and v_wait.status = 'running' then
    perform durable_responses.write_steps(p_job_id, p_attempt, p_steps);
    if p_continuing then
      update durable_responses.waits set continuing = true where job_id = p_job_id;
    end if;
    return true;
  elsif p_announced then
    -- Nothing of it has been done, and nothing will be: the run stops.
    return false;
  end if;
  -- There is no wait row left to lock, so the job's own row keeps two late reports, or a report and a retry, apart.
  select * into v_job from durable_responses.jobs where id = p_job_id for no key update;
  if not found then
    if exists (select from durable_responses.tombstones where job_id = p_job_id) then
      return false;
    end if;
    perform durable_responses.refuse_unknown_job(p_job_id);
  end if;
  -- A call that names no yes is the one that had it, if it is the only such call, and one such call is in doubt.
  select jsonb_agg(case when open.item_id is null then s else s || jsonb_build_object('item_id', open.item_id) end) into p_steps
  from jsonb_array_elements(p_steps) s
    left join lateral (
      select min(known.item_id) as item_id from public.response_steps known
      where known.job_id = p_job_id and known.attempt = p_attempt and known.kind = 'mcp_call' and known.status = 'uncertain'
        and known.run_by is null and known.call_key = s ->> 'call_key'
      having count(*) = 1
    ) open on s ->> 'kind' = 'mcp_call' and s ->> 'status' in ('finished', 'failed') and s #>> '{item,approval_request_id}' is null
      and (select count(*) from jsonb_array_elements(p_steps) other where other ->> 'call_key' = s ->> 'call_key') = 1
      and not exists (
        select from public.response_steps
        where job_id = p_job_id and attempt = p_attempt and item_id = s ->> 'item_id');
  -- Too late for the run, but not for the ledger: if an attempt made a call while it could not reach the database, this
  -- report is the only evidence. It is stored, and the job is held for review if its next attempt may be about to make the
  -- same call.
  select jsonb_agg(case when s ->> 'status' = 'started' then s || '{"status": "uncertain"}' else s end) into v_late
  from jsonb_array_elements(p_steps) s
    left join public.response_steps known
      on known.job_id = p_job_id and known.attempt = p_attempt and known.item_id = s ->> 'item_id'
  -- A call that the ledger has already is not news, unless nobody knew how it ended, or it was thought not to have been made.
  where s ->> 'effect' = 'once' and s ->> 'status' = any (case
    when known.status is null then '{started,uncertain,finished}'::text[]
    -- Void: whoever had the yes has not made it.
    when known.status = 'uncertain' and known.run_by is null then '{finished,failed,void}'
    when known.status = 'uncertain' then '{finished,failed}'
    -- A call of ours that is about to be made again.
    when known.status = 'void' or known.status = 'waiting' and known.run_by is not null then '{finished}'
    else '{}' end);
  if v_late is null or p_attempt > coalesce(v_wait.attempt, v_job.attempt) then
    return false;
  end if;
  with ended as (
    update public.response_steps known set
      status = s ->> 'status', output = s ->> 'output', error = s ->> 'error',
      -- A call that names its yes is the one that had it, whatever became of its arguments on the way.
      item = nullif(s -> 'item', 'null') || case
        when s #>> '{item,approval_request_id}' is not null and known.arguments <> ''
        then jsonb_build_object('arguments', known.arguments) else '{}' end,
      finished_at = durable_responses.clock()
    from jsonb_array_elements(v_late) s, public.response_steps before
    where known.job_id = p_job_id and known.attempt = p_attempt and known.item_id = s ->> 'item_id'
      and before.job_id = known.job_id and before.number = known.number and before.status in ('uncertain', 'void', 'waiting')
    returning known.number, before.status as before
  )
  select array_agg(number), coalesce(bool_or(before = 'uncertain'), false) into v_ended, v_cleared from ended;
  perform durable_responses.announce_steps(p_job_id, v_ended);
  perform durable_responses.write_steps(p_job_id, p_attempt, v_late);
  -- A call that was not made is no news for a run or a person: it only ends a doubt.
  v_made := jsonb_path_exists(v_late, '$[*] ? (@.status != "void")');
  if v_made and v_wait.job_id is not null and v_job.on_uncertain = 'review' then
    -- A person who said yes, or is about to, did not know of this. So the next run asks again: about everything that is asked
    -- now, and about calls that had their yes and may be the reported one. A yes that a call has used stays with it, and each
    -- question of ours is about one call of ours.
    with taken_back as (
      update public.response_steps asked set status = 'void', finished_at = durable_responses.clock()
      where asked.job_id = p_job_id and asked.kind = 'mcp_approval_request' and (
        asked.status = 'waiting'
        or asked.status = 'finished' and asked.answer ->> 'approve' = 'true' and asked.call_id is null
          and exists (
            select from jsonb_array_elements(v_late) s
            where s ->> 'status' not in ('failed', 'void') and s ->> 'tool' = asked.tool and s ->> 'server_label' = asked.server_label)
          and not exists (
            -- An id does not identify a request, because some servers number theirs in each response anew: a call uses the last
            -- request before it that it names.
            select from public.response_steps made
            where made.job_id = p_job_id and made.item ->> 'approval_request_id' = asked.item ->> 'id'
              and made.attempt >= asked.attempt and made.number > asked.number
              and not exists (
                select from public.response_steps later
                where later.job_id = p_job_id and later.kind = asked.kind and later.item ->> 'id' = asked.item ->> 'id'
                  and later.attempt <= made.attempt and later.number > asked.number and later.number < made.number)))
      returning asked.number
    )
    select array_agg(number) into v_asked from taken_back;
    perform durable_responses.announce_steps(p_job_id, v_asked);
  end if;
  select format('%s reported late that it had called %s at %s',
    case p_attempt when 0 then 'The job that this one retries' else 'Attempt ' || p_attempt end, s ->> 'tool', coalesce(s ->> 'server_label', 'the worker'))
  into v_detail from jsonb_array_elements(v_late) s where s ->> 'status' <> 'void' limit 1;
  if v_wait.job_id is null then
    insert into public.response_flags (job_id, code, detail, created_at)
    select p_job_id, 'late_call', left(v_detail, 2000), durable_responses.clock()
    -- The same report again is no news.
    where v_made and not exists (
      select from public.response_flags where job_id = p_job_id and code = 'late_call' and detail = left(v_detail, 2000));
    -- Its retry has this ledger as that of attempt 0, and may be held for the same doubt.
    v_retry := (select id from durable_responses.jobs where retry_of = p_job_id);
    if v_retry is not null then
      perform public.save_response_steps(v_retry, 0, (
        select jsonb_agg(s || jsonb_build_object('item_id', p_attempt || ':' || (s ->> 'item_id'))) from jsonb_array_elements(v_late) s));
    end if;
  elsif v_wait.status = 'needs_review' then
    -- Its outcome is known, so nobody has to say it. A model that insisted on a finished call is another matter.
    if v_cleared and v_wait.due > durable_responses.clock() and not exists (
      select from public.response_steps where job_id = p_job_id and status = 'uncertain'
    ) and not exists (
      select from durable_responses.attempts
      where job_id = p_job_id and number = v_wait.attempt and error_code = 'repeated_call')
    then
      perform durable_responses.requeue(v_wait);
    end if;
  elsif v_made and v_job.on_uncertain = 'review' and (v_wait.status <> 'queued' or (
    -- If no other attempt has run yet, a finished call is just a fact that the next attempt is given.
    v_wait.attempt > p_attempt or exists (
      select from public.response_steps where job_id = p_job_id and attempt = p_attempt and status = 'uncertain')
  )) then
    if v_wait.status = 'running' and v_wait.continuing then
      -- The yes may be on its way: whatever becomes of it belongs to the next attempt.
      perform durable_responses.await_continuation(v_wait, null);
      select * into v_wait from durable_responses.waits where job_id = p_job_id;
    end if;
    if v_wait.status = 'background' and v_wait.response_id is not null then
      perform durable_responses.request_upstream_cancel(p_job_id, v_wait.attempt, v_wait.response_id);
    end if;
    perform durable_responses.settle_calls(p_job_id, v_wait.attempt);
    perform durable_responses.end_attempt(v_wait, 'suspended');
    perform durable_responses.hold(v_wait, 'needs_review', v_detail);
  end if;
  return false;
end;
$$;
comment on function public.save_response_steps(uuid, integer, jsonb, boolean, boolean) is
  'Saves steps of a running attempt. p_announced: what they say is about to be done, and only if this returns true. p_continuing: it is the request that continues the run in background (26_guard.sql). False if the attempt has ended: its run must stop. A late report of a call that must not be made twice is stored, and holds the job for review, whatever it waits for; what people were asked is asked again. If it says how a call in doubt ended, it ends a review that waited for nothing else, of a retry of the job too.';

create function public.warn_response_attempt(p_job_id uuid, p_attempt integer, p_warning text) returns void
language plpgsql set search_path = ''
as $$
declare
  v_warning constant text := left(p_warning, 500);
begin
  update durable_responses.waits set warnings = warnings || v_warning
  where job_id = p_job_id and attempt = p_attempt and status in ('background', 'running')
    and v_warning <> all (warnings) and cardinality(warnings) < 50;
  if not found then
    update durable_responses.attempts set warnings = warnings || v_warning
    where job_id = p_job_id and number = p_attempt and v_warning <> all (warnings) and cardinality(warnings) < 50;
  end if;
end;
$$;
comment on function public.warn_response_attempt(uuid, integer, text) is
  'Adds a warning to an attempt; at most 50.';

revoke execute on function durable_responses.write_steps(uuid, integer, jsonb), durable_responses.settle_calls(uuid, integer),
  public.save_response_steps(uuid, integer, jsonb, boolean, boolean), public.warn_response_attempt(uuid, integer, text) from public, anon, authenticated;
grant execute on function durable_responses.write_steps(uuid, integer, jsonb), durable_responses.settle_calls(uuid, integer),
  public.save_response_steps(uuid, integer, jsonb, boolean, boolean), public.warn_response_attempt(uuid, integer, text) to service_role;
