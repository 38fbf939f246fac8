-- Tools that are Postgres functions. The tool's effect and the ledger's row of its call are one transaction: both exist or
-- neither does, so the call happens exactly once, and is never in doubt. Before it, there is no row, or one that waits: such a
-- call has not happened.
--
-- The order matters:
--   1. search_path, claims and role of the owner are set, so that row security holds in the tool as for the owner's own
--      requests. The headers of the worker's request are removed, because they contain the secret key.
--   2. the call
--      A function that leaves another role or other claims behind is refused: what runs next would run as somebody else.
--   3. deferred constraints and triggers run now: at the commit they would run as service_role, and a failure there would
--      undo the ledger's row
--   4. the role is reset
--   5. the wait row is locked and the attempt compared, only now: a lock held while a slow tool runs would stall the renewal
--      of every lease of its worker
--   6. the ledger's row is written. After the lock, because steps are numbered under it: tools of one response run at the same
--      time, and two that were numbered earlier would deadlock.
-- An exception rolls back 1 to 3 and becomes the tool's error. An attempt that is no longer current rolls back everything.
--
-- How long it may take: the statement timeout cancels the call after 8 s, and the model is told. A function that catches
-- query_canceled and continues has used that up, because a statement has one timeout. From Postgres 17 on, the transaction
-- timeout then ends the whole session, which no function can catch. Before 17, nothing in Postgres ends it. Either way the worker
-- gets no answer in time and gives the call up (give_up_sql_tool): the ledger then has it as failed, and if the function ends
-- after all, it finds that row and is rolled back.
--
-- A tool that runs dynamic SQL can reset the role, and one that is SECURITY DEFINER has its owner's rights: their authors are
-- responsible for them. docs/tools.md says so.

create function durable_responses.argument_names(p_names text[], p_modes "char"[], p_arguments integer) returns text[]
language sql immutable set search_path = ''
as $$
  select coalesce(array_agg(coalesce(a.name, '') order by a.place), '{}')
  from unnest(p_names, p_modes) with ordinality a (name, mode, place)
  where coalesce(a.mode, 'i') in ('i', 'b', 'v') and (p_modes is not null or a.place <= p_arguments);
$$;
comment on function durable_responses.argument_names(text[], "char"[], integer) is
  'The names of a function''s input arguments, in order, from pg_proc''s proargnames, proargmodes and pronargs. An argument without a name has an empty one; if no argument has a name, there are none.';

create function durable_responses.sql_tool_query(p_function text, p_arguments jsonb) returns text
language plpgsql stable set search_path = ''
as $$
declare
  v_name constant text[] := parse_ident(p_function);
  v_given constant text[] := array(select jsonb_object_keys(p_arguments) order by 1);
  v_found bigint;
  v_function record;
  v_columns text;
  v_arguments text;
  v_call text;
begin
  select count(*) over () as found, f.* into v_function
  from (
    select p.oid, p.proretset, p.prorettype, p.proargtypes, names.list as names
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      cross join lateral durable_responses.argument_names(p.proargnames, p.proargmodes, p.pronargs) names (list)
    where n.nspname = v_name[1] and p.proname = v_name[2] and p.prokind = 'f'
      and v_given <@ names.list and names.list[1 : p.pronargs - p.pronargdefaults] <@ v_given
  ) f;
  v_found := coalesce(v_function.found, 0);
  if v_found <> 1 then
    raise exception using errcode = 'DR500',
      message = format('Cannot call %s with the arguments %s: %s function of this name takes exactly these', p_function,
        coalesce(nullif(array_to_string(v_given, ', '), ''), '(none)'), case v_found when 0 then 'no' else 'more than one' end),
      hint = 'Give the fields of inputSchema the names of the function''s arguments. Every argument without a default needs one.';
  end if;
  select string_agg(format('%I %s', name, format_type(v_function.proargtypes[place - 1], null)), ', ' order by place),
    string_agg(format('%I => given.%I', name, name), ', ' order by place)
  into v_columns, v_arguments
  from unnest(v_function.names) with ordinality a (name, place) where name = any (v_given);
  v_call := format('%I.%I(%s)', v_name[1], v_name[2], v_arguments);
  return case
    when v_function.proretset then format('select coalesce(jsonb_agg(to_jsonb(answer)), ''[]'') from %s %s as answer',
      'jsonb_to_record($1) as given (' || v_columns || ') cross join lateral', v_call)
    when v_function.prorettype = 'void'::regtype then format('select to_jsonb((%s)::text)', v_call)
    else format('select to_jsonb(%s)', v_call)
  end || case
    when not v_function.proretset and v_columns is not null then format(' from jsonb_to_record($1) as given (%s)', v_columns)
    else ''
  end;
end;
$$;
comment on function durable_responses.sql_tool_query(text, jsonb) is
  'The query that calls a SQL tool: its arguments ($1, an object) by name, each cast to the type of the function''s argument. Refuses (DR500) a function that does not take exactly these.';

create function durable_responses.sql_tool_outcome(p_job_id uuid, p_attempt integer, p_item_id text) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object('output', output, 'error', error) from public.response_steps
  where job_id = p_job_id and attempt = p_attempt and item_id = p_item_id and status in ('finished', 'failed');
$$;
comment on function durable_responses.sql_tool_outcome(uuid, integer, text) is
  'How a call of a SQL tool has ended, as {output, error}; null if it has not.';

create function public.run_sql_tool(
  p_job_id uuid, p_attempt integer, p_step jsonb, p_function text, p_arguments jsonb, p_as text default 'user'
) returns jsonb
language plpgsql set search_path = ''
  -- The platform's limit for its API, set here too: PostgREST from 12.2 on takes it from the function that it calls, older
  -- versions from the role that they connect with. Set inside, it would not limit the statement that is already running.
  set statement_timeout = '8s'
as $$
declare
  v_max_bytes constant integer := 1000000;
  v_role constant text := current_setting('role');
  v_claims constant text := current_setting('request.jwt.claims', true);
  v_limit constant interval := current_setting('statement_timeout')::interval;
  v_session_limit constant text := current_setting('transaction_timeout', true);
  v_wait durable_responses.waits;
  v_known jsonb;
  v_query text;
  v_identity text;
  v_answer jsonb;
  v_output text;
  v_error text;
  v_state text;
  v_hint text;
begin
  -- A repeat, because the first answer was lost.
  v_known := durable_responses.sql_tool_outcome(p_job_id, p_attempt, p_step ->> 'item_id');
  if v_known is not null then
    return v_known;
  end if;
  -- Checked without a lock: a call that is late already need not be made.
  select * into v_wait from durable_responses.waits where job_id = p_job_id;
  if v_wait.attempt is distinct from p_attempt or v_wait.status <> 'running' then
    perform durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
  end if;
  if p_as is null or p_as not in ('user', 'service') or p_as = 'user' and v_wait.owner_id is null then
    raise exception using errcode = 'DR500',
      message = format('Cannot call %s as ''%s'': %s', p_function, p_as,
        case p_as when 'user' then 'the job has no owner' else 'it must be user or service' end),
      hint = 'A job of a server has no owner: give the tool as: "service", or submit the job as a user.';
  end if;
  v_query := durable_responses.sql_tool_query(p_function, p_arguments);
  -- It counts from here. Shorter than the worker's patience with the database, so that its repeat finds nobody else at work.
  if v_session_limit is not null then
    perform set_config('transaction_timeout', '9s', true);
  end if;
  begin
    perform set_config('search_path', 'public, extensions', true), set_config('request.headers', '{}', true),
      set_config('request.cookies', '{}', true);
    if p_as = 'user' then
      perform set_config('request.jwt.claims', durable_responses.owner_claims(v_wait.owner_id)::text, true);
      perform set_config('role', 'authenticated', true);
    end if;
    v_identity := concat_ws(' ', current_setting('role'), current_setting('request.jwt.claims', true));
    execute v_query into v_answer using p_arguments;
    if v_identity is distinct from concat_ws(' ', current_setting('role'), current_setting('request.jwt.claims', true)) then
      raise exception using errcode = 'insufficient_privilege',
        message = format('Cannot accept what %s did: it changed the role or the claims that it was called with, and was undone', p_function);
    end if;
    set constraints all immediate;
    perform set_config('role', v_role, true);
    perform set_config('search_path', '', true), set_config('request.jwt.claims', coalesce(v_claims, ''), true);
    v_output := case jsonb_typeof(v_answer) when 'string' then v_answer #>> '{}' else coalesce(v_answer::text, 'null') end;
    if octet_length(v_output) > v_max_bytes then
      raise exception using errcode = 'program_limit_exceeded',
        message = format('Cannot accept the output: it has %s bytes, and at most %s are accepted; the call was rolled back', octet_length(v_output), v_max_bytes),
        hint = 'Ask for less, a page at a time.';
    end if;
  exception
    -- `others` includes neither of the two before it.
    when query_canceled or assert_failure or others then
      get stacked diagnostics v_state = returned_sqlstate, v_error = message_text, v_hint = pg_exception_hint;
      -- A function may raise query_canceled itself. The time tells which it is.
      v_error := case
        when v_state = '57014' and clock_timestamp() - statement_timestamp() > v_limit * 0.95
          then 'Cannot finish the call: it took too long, and was undone'
        else concat_ws('. ', v_error, nullif(v_hint, ''))
      end;
  end;
  if v_session_limit is not null then
    perform set_config('transaction_timeout', v_session_limit, true);
  end if;
  v_wait := durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
  if durable_responses.sql_tool_outcome(p_job_id, p_attempt, p_step ->> 'item_id') is not null then
    -- The same call ran twice at once, and the other one has finished, or the worker has given this one up. It is rolled back,
    -- and its repeat finds the row.
    raise exception using errcode = 'serialization_failure', message = 'The call has already been made';
  end if;
  perform durable_responses.write_steps(p_job_id, p_attempt, jsonb_build_array(p_step || jsonb_build_object(
    'status', case when v_error is null then 'finished' else 'failed' end,
    'output', case when v_error is null then v_output end, 'error', v_error)));
  return jsonb_build_object('output', case when v_error is null then v_output end, 'error', v_error);
end;
$$;
comment on function public.run_sql_tool(uuid, integer, jsonb, text, jsonb, text) is
  'Calls a Postgres function as a tool and writes the ledger''s row of the call, in one transaction. p_step: as write_steps() takes it; its status and outcome are set here. p_as: user (the job''s owner, with their claims and row security) or service. Returns {output, error}. Refuses: DR410 an attempt that is no longer current, DR500 a function that does not take the arguments, or no owner.';

create function public.give_up_sql_tool(p_job_id uuid, p_attempt integer, p_step jsonb, p_error text) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_known jsonb;
begin
  perform durable_responses.lock_attempt(p_job_id, p_attempt, '{running}');
  v_known := durable_responses.sql_tool_outcome(p_job_id, p_attempt, p_step ->> 'item_id');
  if v_known is not null then
    return v_known;
  end if;
  perform durable_responses.write_steps(p_job_id, p_attempt, jsonb_build_array(
    p_step || jsonb_build_object('status', 'failed', 'output', null, 'error', p_error)));
  return jsonb_build_object('output', null, 'error', p_error);
end;
$$;
comment on function public.give_up_sql_tool(uuid, integer, jsonb, text) is
  'Ends a call of a SQL tool that gave no answer in time. If it has ended meanwhile, returns its outcome {output, error}. Otherwise writes it as failed with p_error: should the function still run, it is rolled back at its end. Refuses: DR410 an attempt that is no longer current.';

revoke execute on function durable_responses.argument_names(text[], "char"[], integer),
  durable_responses.sql_tool_query(text, jsonb),
  durable_responses.sql_tool_outcome(uuid, integer, text),
  public.give_up_sql_tool(uuid, integer, jsonb, text),
  public.run_sql_tool(uuid, integer, jsonb, text, jsonb, text) from public, anon, authenticated;
grant execute on function durable_responses.argument_names(text[], "char"[], integer),
  durable_responses.sql_tool_query(text, jsonb),
  durable_responses.sql_tool_outcome(uuid, integer, text),
  public.give_up_sql_tool(uuid, integer, jsonb, text),
  public.run_sql_tool(uuid, integer, jsonb, text, jsonb, text) to service_role;
