-- Accepting jobs: one with all its options, one in plain SQL, many at once.
--
-- response_settings.max_unfinished_per_user limits a user's unfinished jobs: one who sends 10,000 would otherwise spend the
-- project's money and OpenAI's rate limit for everybody. They are counted in an index, and no further than the limit.
-- Simultaneous submits do not see each other, so the limit may be exceeded by as many as run at once. A lock per user would
-- make every submit wait instead.

create function durable_responses.too_many_jobs(p_owner_id uuid) returns boolean
language plpgsql stable set search_path = '' set enable_seqscan = off
as $$
begin
  if p_owner_id is null then
    return false;
  end if;
  return (
    select s.max_unfinished_per_user is not null and s.max_unfinished_per_user <= (
      select count(*) from (
        select from durable_responses.waits where owner_id = p_owner_id limit s.max_unfinished_per_user
      ) unfinished)
    from public.response_settings s);
end;
$$;
comment on function durable_responses.too_many_jobs(uuid) is
  'Whether a user has as many unfinished jobs as response_settings.max_unfinished_per_user allows.';

create function durable_responses.refuse_too_many() returns void
language plpgsql set search_path = ''
as $$
begin
  raise exception using errcode = 'DR429',
    message = format('Cannot accept another job from this user: %s are unfinished, which is the limit',
      (select max_unfinished_per_user from public.response_settings)),
    hint = 'Wait for some to finish, or cancel some. The limit is response_settings.max_unfinished_per_user.';
end;
$$;
comment on function durable_responses.refuse_too_many() is 'Refuses (DR429) one more unfinished job of a user.';

create function durable_responses.hash_of(p_profile text, p_input jsonb, p_request jsonb) returns text
language plpgsql immutable set search_path = ''
as $$
begin
  -- jsonb keeps numbers as they were written, whatever their size.
  return encode(sha256(convert_to(jsonb_build_array(p_profile, p_input, p_request)::text, 'utf8')), 'hex');
end;
$$;
comment on function durable_responses.hash_of(text, jsonb, jsonb) is 'SHA-256 of the request, to tell a repeat from a reused key.';

create function durable_responses.repeated_job(p_owner_id uuid, p_key text, p_request_hash text) returns uuid
language plpgsql set search_path = ''
as $$
declare
  v_known durable_responses.idempotency_keys;
begin
  select * into v_known from durable_responses.idempotency_keys
  where owner_key = coalesce(p_owner_id, '00000000-0000-0000-0000-000000000000') and key = p_key;
  if found and v_known.request_hash is distinct from p_request_hash then
    raise exception using errcode = 'DR422',
      message = format('Cannot use idempotency key %L again: it was used with another request', left(p_key, 100)),
      hint = 'Use a new key for a new request, and the same key only to repeat the same one. Nothing was submitted.';
  end if;
  if v_known.deleted_until is not null then
    perform durable_responses.refuse_deleted_job(v_known.job_id, p_key);
  end if;
  return v_known.job_id;
end;
$$;
comment on function durable_responses.repeated_job(uuid, text, text) is
  'The job that the owner created with this idempotency key, or null. Refuses a key that was used with another request (DR422), and one whose job was deleted a short time ago (DR414).';

create function durable_responses.repeat_view(p_job_id uuid) returns jsonb
language plpgsql stable set search_path = ''
as $$
declare
  v_view constant jsonb := durable_responses.job_view(p_job_id);
begin
  if v_view ->> 'id' is null then
    raise exception using errcode = '40001',
      message = 'Cannot return the job of this idempotency key: it was deleted at the same moment',
      hint = 'Submit again to create a new job.';
  end if;
  return v_view;
end;
$$;
comment on function durable_responses.repeat_view(uuid) is
  'The job that a repeat returns. If it was deleted after the repeat found it, the submit is repeated (40001) and creates a new job.';

create function public.submit_response_job(p_job jsonb) returns json
language plpgsql set search_path = ''
  -- Each connection plans every statement once, not six times, and with indexes, whatever the tables' size at that moment.
  set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  g durable_responses.submission := durable_responses.read_submission(p_job);
  v_id constant uuid := coalesce(g.id, durable_responses.uuid_v7());
  v_owner_key constant uuid := coalesce(g.owner_id, '00000000-0000-0000-0000-000000000000');
  v_route constant text := coalesce(g.route, g.profile);
  v_known record;
  v_open uuid;
  v_background boolean;
  v_fallback_reason text;
  v_job durable_responses.jobs;
  v_wait durable_responses.waits;
begin
  -- Written out, because every submit would pay for a function call.
  if g.owner_id is not null and exists (select from durable_responses.deleted_owners where owner_id = g.owner_id) then
    perform durable_responses.refuse_deleted_owner(g.owner_id);
  end if;
  -- Whether anybody watches, too: a client that begins to while this runs sees the job when it reads next (12_announcements.sql).
  select r.route, r.breaker, r.paused_until, r.ignores_approval,
    exists (select from public.response_watches where watched_until > now()) as watched
  into v_known from (select) one left join public.response_routes r on r.route = v_route;
  if v_known.route is null then
    perform durable_responses.ensure_route(v_route, g.profile, g.model, g.tool_servers);
  end if;
  if g.idempotency_key is not null then
    insert into durable_responses.idempotency_keys (owner_key, key, request_hash, job_id)
    values (v_owner_key, g.idempotency_key, g.request_hash, v_id)
    on conflict do nothing;
    if not found then
      update durable_responses.idempotency_keys set request_hash = g.request_hash, job_id = v_id, deleted_until = null
      where owner_key = v_owner_key and key = g.idempotency_key and deleted_until <= v_now;
      if not found then
        return json_build_object('created', false, 'job', durable_responses.repeat_view(
          durable_responses.repeated_job(g.owner_id, g.idempotency_key, g.request_hash)));
      end if;
    end if;
  end if;
  if g.joins and g.owner_id is not null and g.idempotency_key is null then
    v_open := durable_responses.join_question(g.owner_id, g.request_hash, v_id, g.is_repeat);
    if v_open is not null then
      return json_build_object('created', false, 'joined', true, 'job', durable_responses.job_view(v_open));
    end if;
  end if;
  if g.id is not null then
    -- A caller that gives an id generated it for this very job, and may not know that the job was accepted.
    select * into v_job from durable_responses.jobs where id = g.id and owner_id is not distinct from g.owner_id;
    if found then
      return json_build_object('created', false, 'job', durable_responses.repeat_view(g.id));
    end if;
  end if;
  if g.owner_id is not null and durable_responses.too_many_jobs(g.owner_id) then
    perform durable_responses.refuse_too_many();
  end if;
  v_background := g.mode = 'background';
  if v_background and (v_known.breaker <> 'closed' or v_known.paused_until > v_now) then
    v_fallback_reason := durable_responses.background_verdict(v_route);
    v_background := v_fallback_reason is null;
  end if;
  insert into durable_responses.jobs (
    id, owner_id, profile, input, request, metadata, idempotency_key, priority, route,
    max_attempts, backoff_base_ms, backoff_cap_ms, deadline_ms, approval_ms, review_ms, poll_ms,
    background_ms, once_tools, on_uncertain, guard, settings, continued_from, created_at, query_text
  ) values (
    v_id, g.owner_id, g.profile, g.input, g.request, g.metadata, g.idempotency_key, g.priority, v_route,
    g.max_attempts, g.backoff_base_ms, g.backoff_cap_ms, g.deadline_ms, g.approval_ms, g.review_ms, g.poll_ms,
    g.background_ms, g.once_tools, g.on_uncertain, g.guard, g.settings, g.continued_from, v_now,
    case jsonb_typeof(g.input) when 'string' then left(g.input #>> '{}', 500)
      else durable_responses.query_text(coalesce(g.input, durable_responses.visible_input(g.request))) end
  ) returning * into v_job;
  -- query_text of a plain text is written out above, because every submit would pay for a function call.
  if jsonb_typeof(coalesce(g.input, g.request -> 'input')) = 'array' then
    perform durable_responses.pin_files(v_id, g.owner_id, coalesce(g.input, g.request -> 'input'), g.claims);
  end if;
  insert into durable_responses.waits (
    job_id, status, due, since, route, priority, owner_id, owner_key, ready, ready_xid, attempt, deadline, background_until,
    fallback_reason
  ) values (
    v_id, case when v_background then 'background' else 'queued' end,
    case when v_background then
      v_now + make_interval(secs => least(g.accept_ms, v_job.background_ms, v_job.deadline_ms) / 1000.0) else v_now end,
    v_now, v_route, v_job.priority, g.owner_id, v_owner_key, not v_background,
    case when not v_background then pg_current_xact_id() end, v_background::integer,
    v_now + make_interval(secs => v_job.deadline_ms / 1000.0),
    case when v_background then v_now + make_interval(secs => v_job.background_ms / 1000.0) end, v_fallback_reason
  ) returning * into v_wait;
  if g.stream then
    insert into durable_responses.streams (job_id) values (v_id);
  end if;
  if v_known.watched then
    perform durable_responses.announce_jobs(array[v_id]);
  end if;
  return json_build_object('created', true, 'job', durable_responses.job_view(v_job, v_wait),
    'guarded', v_job.guard = 'always' and not coalesce(v_known.ignores_approval, false));
end;
$$;
comment on function public.submit_response_job(jsonb) is
  'Accepts a job: p_job has the fields of durable_responses.submission. mode is background or synchronous (default). Returns {created, job, joined?, guarded?}: a repeat with the same idempotency_key and request_hash returns the first job, and so does, joined, the same question again where the submission joins; guarded: its background runs need a yes before each call that must not be made twice. Refuses: DR400 invalid, DR411 owner deleted, DR414 a repeat of a deleted job''s request, DR422 key reused, DR424 no such file, DR426 schema mismatch, DR429 too many jobs.';

create function public.enqueue_response_job(
  p_query text, p_profile text default 'default', p_owner_id uuid default null, p_metadata jsonb default '{}',
  p_idempotency_key text default null
) returns uuid
language plpgsql set search_path = ''
as $$
begin
  if coalesce(btrim(p_query), '') = '' then
    raise exception using errcode = 'DR400', message = 'Cannot enqueue a job without a query: p_query is empty',
      hint = 'select public.enqueue_response_job(''What is in my inbox?'', ''mail'');';
  end if;
  perform durable_responses.check_profiles(array[p_profile]);
  return (public.submit_response_job(jsonb_build_object(
    'profile', p_profile, 'input', p_query, 'owner_id', p_owner_id, 'metadata', p_metadata,
    'idempotency_key', p_idempotency_key,
    'request_hash', case when p_idempotency_key is not null then durable_responses.hash_of(p_profile, to_jsonb(p_query), null) end
  )) #>> '{job,id}')::uuid;
end;
$$;
comment on function public.enqueue_response_job(text, text, uuid, jsonb, text) is
  'Accepts a query from SQL, for example from a trigger or a cron job; it runs synchronously, in a worker. Returns the job''s id; with p_idempotency_key, a repeat returns the first one''s.';

create function public.submit_response_jobs(p_jobs jsonb) returns json
language plpgsql set search_path = ''
as $$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_first constant bigint := (date_part('epoch', clock_timestamp()) * 4096000)::bigint;
  v_ids uuid[];
  v_made uuid[];
  v_profiles text[];
  v_owners uuid[];
  v_repeat record;
  v_answer jsonb;
begin
  if jsonb_typeof(p_jobs) is distinct from 'array' then
    raise exception using errcode = 'DR400',
      message = format('Cannot submit jobs: p_jobs must be an array, not %s', coalesce(jsonb_typeof(p_jobs), 'null')),
      hint = 'Give [{"profile": "default", "input": "What is new?", "idempotency_key": "news/1"}, …].';
  end if;
  select array_agg(distinct p.profile order by p.profile), array_agg(distinct p.owner_id) filter (where p.owner_id is not null)
  into v_profiles, v_owners from jsonb_to_recordset(p_jobs) as p (profile text, owner_id uuid);
  perform durable_responses.check_profiles(v_profiles);
  perform durable_responses.refuse_deleted_owner(owner_id) from unnest(v_owners) owner_id;
  perform durable_responses.ensure_route(name, name, '', '{}') from unnest(v_profiles) name
  where not exists (select from public.response_routes r where r.route = name);

  if exists (select from durable_responses.idempotency_keys where deleted_until <= v_now) then
    delete from durable_responses.idempotency_keys where (owner_key, key) in (
      select k.owner_key, k.key
      from jsonb_to_recordset(p_jobs) as g (owner_id uuid, idempotency_key text)
        join durable_responses.idempotency_keys k
          on k.owner_key = coalesce(g.owner_id, '00000000-0000-0000-0000-000000000000') and k.key = g.idempotency_key
      where k.deleted_until <= v_now order by k.owner_key, k.key collate "C" for update of k);
  end if;
  -- Keys in order, so that two batches with the same keys cannot deadlock.
  with given as materialized (
    select g.*, coalesce(g.owner_id, '00000000-0000-0000-0000-000000000000') as owner_key,
      -- As uuid_v7() and hash_of() do: calls of them for each job would be a tenth of the whole. Each id a microsecond after
      -- the one before, so that they are in order. The version is the 7 before the last 12 bits.
      (lpad(to_hex((((v_first + ordinality * 4) >> 12) << 16) | 28672 | ((v_first + ordinality * 4) & 4095)), 16, '0')
        || substr(gen_random_uuid()::text, 20))::uuid as id,
      case when g.idempotency_key is not null then
        encode(sha256(convert_to(jsonb_build_array(g.profile, g.input, g.request)::text, 'utf8')), 'hex') end as request_hash
    from rows from (jsonb_to_recordset(p_jobs) as (
      profile text, input jsonb, request jsonb, owner_id uuid, metadata jsonb, idempotency_key text,
      priority smallint, deadline_ms bigint, max_attempts integer)) with ordinality g
  ), taken as (
    insert into durable_responses.idempotency_keys (owner_key, key, request_hash, job_id)
    select owner_key, idempotency_key, request_hash, id
    from given where idempotency_key is not null order by owner_key, idempotency_key collate "C", ordinality
    on conflict do nothing
    returning job_id
  ), made as (
    insert into durable_responses.jobs (
      id, owner_id, profile, input, request, metadata, idempotency_key, priority, route, max_attempts, deadline_ms, created_at,
      query_text)
    select id, owner_id, profile, input, request, coalesce(metadata, '{}'),
      idempotency_key, coalesce(priority, 0), profile, coalesce(max_attempts, 5), coalesce(deadline_ms, 86400000), v_now,
      case jsonb_typeof(input) when 'string' then left(input #>> '{}', 500)
        else durable_responses.query_text(coalesce(input, durable_responses.visible_input(request))) end
    from given where idempotency_key is null or id in (select job_id from taken) order by ordinality
    returning id, owner_id, route, priority, deadline_ms
  ), waiting as (
    insert into durable_responses.waits (
      job_id, status, due, since, route, priority, owner_id, owner_key, ready, ready_xid, deadline)
    select id, 'queued', v_now, v_now, route, priority, owner_id, coalesce(owner_id, '00000000-0000-0000-0000-000000000000'),
      true, pg_current_xact_id(), v_now + make_interval(secs => deadline_ms / 1000.0)
    from made
  )
  select (select array_agg(id order by ordinality) from given), (select array_agg(id) from made) into v_ids, v_made;
  if v_owners is not null and exists (
    select from public.response_settings s, unnest(v_owners) owner (id)
    where s.max_unfinished_per_user < (
        select count(*) from (
          select from durable_responses.waits w where w.owner_id = owner.id limit s.max_unfinished_per_user + 1) unfinished)
      -- A repeat adds nothing.
      and exists (select from durable_responses.waits w where w.job_id = any (v_made) and w.owner_id = owner.id)
  ) then
    perform durable_responses.refuse_too_many();
  end if;
  if jsonb_path_exists(p_jobs, '$[*].input[*].content[*].storage') or jsonb_path_exists(p_jobs, '$[*].request.input[*].content[*].storage') then
    perform durable_responses.pin_files(j.id, j.owner_id, coalesce(j.input, j.request -> 'input'))
    from (
      select * from durable_responses.jobs
      where id = any (v_made) and jsonb_typeof(coalesce(input, request -> 'input')) = 'array' order by id) j;
  end if;
  perform durable_responses.announce_jobs(v_made);
  -- Mostly none of them is a repeat.
  if cardinality(v_made) = cardinality(v_ids) then
    return (select json_agg(json_build_object('id', id, 'created', true)) from unnest(v_ids) id);
  end if;
  v_answer := coalesce((
    select jsonb_agg(jsonb_build_object('id', id, 'created', true)) from unnest(v_ids) id), '[]');
  for v_repeat in
    select g.ordinality, durable_responses.repeated_job(
      g.owner_id, g.idempotency_key, durable_responses.hash_of(g.profile, g.input, g.request)) as id
    from rows from (jsonb_to_recordset(p_jobs) as (
      profile text, input jsonb, request jsonb, owner_id uuid, idempotency_key text)) with ordinality g
    where v_ids[g.ordinality] <> all (coalesce(v_made, '{}'))
  loop
    perform durable_responses.repeat_view(v_repeat.id);
    v_answer := jsonb_set(v_answer, array[(v_repeat.ordinality - 1)::text],
      jsonb_build_object('id', v_repeat.id, 'created', false));
  end loop;
  return v_answer::json;
exception
  when check_violation or not_null_violation or data_exception then
    raise exception using errcode = 'DR400', message = format('Cannot submit jobs: %s', sqlerrm),
      hint = 'No job of the batch was submitted. Each job needs a profile, and an input or a request.';
end;
$$;
comment on function public.submit_response_jobs(jsonb) is
  'Accepts many jobs in one call: [{profile, input | request, owner_id?, metadata?, idempotency_key?, priority?, deadline_ms?, max_attempts?}]. All or none. Returns [{id, created}] in the same order.';

revoke execute on function durable_responses.too_many_jobs(uuid),
  durable_responses.refuse_too_many(), durable_responses.hash_of(text, jsonb, jsonb),
  durable_responses.repeated_job(uuid, text, text), durable_responses.repeat_view(uuid), public.submit_response_job(jsonb),
  public.enqueue_response_job(text, text, uuid, jsonb, text), public.submit_response_jobs(jsonb) from public, anon, authenticated;
grant execute on function durable_responses.too_many_jobs(uuid),
  durable_responses.refuse_too_many(), durable_responses.hash_of(text, jsonb, jsonb),
  durable_responses.repeated_job(uuid, text, text), durable_responses.repeat_view(uuid), public.submit_response_job(jsonb),
  public.enqueue_response_job(text, text, uuid, jsonb, text), public.submit_response_jobs(jsonb) to service_role;
