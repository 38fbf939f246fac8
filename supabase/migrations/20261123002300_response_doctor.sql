-- What `npx durable-responses doctor` and `connect` need of the database, so that a project's URL and a
-- secret key are all that they ask for.
--
-- These three are security definer, the only ones of ours that service_role may call: what they read and
-- write (cron.job, net._http_response, supabase_migrations, vault) belongs to postgres, PostgREST does not
-- expose it, and grants on it would open it to every other use. Each does one fixed thing, takes no SQL and
-- no name, and returns no secret.

create function public.response_doctor() returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_migrations jsonb;
begin
  -- Not there where migrations were applied by other means than the Supabase CLI.
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    execute 'select jsonb_agg(name order by version) from supabase_migrations.schema_migrations where name is not null'
      into v_migrations;
  end if;
  return jsonb_build_object(
    'now', clock_timestamp(),
    'migrations', v_migrations,
    'extensions', (
      select coalesce(jsonb_object_agg(extname, extversion), '{}') from pg_catalog.pg_extension
      where extname in ('pg_cron', 'pg_net', 'supabase_vault')
    ),
    'cron', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'name', job.jobname, 'schedule', job.schedule, 'active', job.active,
        'last_status', run.status, 'last_message', left(run.return_message, 500), 'last_at', run.start_time
      ) order by job.jobname), '[]')
      from cron.job job
      left join lateral (
        select d.status, d.return_message, d.start_time from cron.job_run_details d
        where d.jobid = job.jobid order by d.runid desc limit 1
      ) run on true
      where job.jobname like 'durable-responses-%'
    ),
    'vault', jsonb_build_object(
      'project_url', (select decrypted_secret from vault.decrypted_secrets where name = 'durable_responses_project_url'),
      'has_worker_secret', exists (select from vault.secrets where name = 'durable_responses_worker_secret')
    ),
    -- pg_net keeps answers for six hours and does not say what was asked, so other users of pg_net count here too.
    'net', (
      select jsonb_build_object(
        'waiting', (select count(*) from net.http_request_queue),
        'answers_1h', count(*),
        'failures_1h', count(*) filter (where status_code is null or status_code >= 400),
        'last_failure', (
          select left(coalesce(f.error_msg, 'HTTP ' || f.status_code), 200) from net._http_response f
          where (f.status_code is null or f.status_code >= 400) and f.created > now() - interval '1 hour'
          order by f.created desc limit 1
        )
      )
      from net._http_response where created > now() - interval '1 hour'
    ),
    'jobs', (select to_jsonb(h) from public.response_health h),
    'errors_24h', (
      select coalesce(jsonb_object_agg(error_code, jobs), '{}') from (
        select error_code, count(*) as jobs from public.response_jobs
        where status = 'failed' and finished_at > now() - interval '24 hours' group by error_code
      ) failed
    ),
    'routes', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'route', route, 'breaker', breaker, 'background_failures', background_failures, 'last_failure', last_failure,
        'probe_at', probe_at, 'paused_until', paused_until, 'pause_reason', pause_reason
      ) order by route), '[]')
      from public.response_routes where breaker <> 'closed' or paused_until > now()
    ),
    'workers', (select count(*) from public.response_workers where seen_at > now() - interval '2 minutes')
  );
end;
$$;
comment on function public.response_doctor() is
  'What `npx durable-responses doctor` looks at: migrations, cron jobs with their last run, whether Vault has its values (never the secret), pg_net failures, jobs by status, failed jobs by code, open or paused routes.';

create function public.probe_response_worker(p_request_id bigint default null) returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_url text;
  v_secret text;
  v_answer jsonb;
begin
  if p_request_id is not null then
    select jsonb_build_object('status', status_code, 'error', left(error_msg, 500)) into v_answer
    from net._http_response where id = p_request_id;
    return jsonb_build_object('request_id', p_request_id, 'answer', v_answer);
  end if;
  select decrypted_secret into v_url from vault.decrypted_secrets where name = 'durable_responses_project_url';
  select decrypted_secret into v_secret from vault.decrypted_secrets where name = 'durable_responses_worker_secret';
  if v_url is null or v_secret is null then
    raise exception using errcode = 'DR500', message = 'Cannot wake the worker: Vault does not have its two values',
      hint = 'Run npx durable-responses connect';
  end if;
  return jsonb_build_object('answer', null, 'request_id', net.http_post(
    url := rtrim(v_url, '/') || '/functions/v1/run-jobs',
    body := '{"source": "doctor"}'::jsonb,
    headers := jsonb_build_object('content-type', 'application/json', 'x-worker-secret', v_secret),
    timeout_milliseconds := 5000
  ));
end;
$$;
comment on function public.probe_response_worker(bigint) is
  'Wakes run-jobs the way cron does, due work or not, and returns {request_id}; called again with that id, returns what came of it: {answer: {status, error}}, null while on its way. 202 proves Vault, pg_net, the URL and the function''s secret at once.';

create function public.connect_response_worker(p_project_url text, p_worker_secret text) returns void
language plpgsql security definer set search_path = ''
as $$
declare
  v_values constant jsonb := jsonb_build_object(
    'durable_responses_project_url', rtrim(p_project_url, '/'), 'durable_responses_worker_secret', p_worker_secret);
  v_name text;
  v_value text;
  v_id uuid;
begin
  if coalesce(p_project_url, '') !~ '^https?://[^/\s]+' then
    raise exception using errcode = 'DR400', message = 'Cannot connect: the project''s URL must begin with https:// or http://';
  end if;
  if char_length(coalesce(p_worker_secret, '')) < 16 then
    raise exception using errcode = 'DR400', message = 'Cannot connect: the worker secret must have at least 16 characters';
  end if;
  for v_name, v_value in select key, value from jsonb_each_text(v_values) loop
    select id into v_id from vault.secrets where name = v_name;
    if found then
      perform vault.update_secret(v_id, v_value);
    else
      perform vault.create_secret(v_value, v_name);
    end if;
  end loop;
end;
$$;
comment on function public.connect_response_worker(text, text) is
  'Puts the two values that waking the worker needs into Vault, or replaces them: where run-jobs is, and the secret that it knows as DURABLE_RESPONSES_WORKER_SECRET. For `npx durable-responses connect`.';

revoke all on function
  public.response_doctor(), public.probe_response_worker(bigint), public.connect_response_worker(text, text)
from public, anon, authenticated, service_role;
grant execute on function
  public.response_doctor(), public.probe_response_worker(bigint), public.connect_response_worker(text, text)
to service_role;
