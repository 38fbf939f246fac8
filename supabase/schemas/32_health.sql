-- Monitoring: the timeline of a job, health, and what doctor reads.
--
-- The views are security invoker: readers see what they may see. The functions of doctor and connect are security definer:
-- what they read and write (cron.job, net._http_response, supabase_migrations, vault) belongs to postgres, PostgREST does not
-- expose it, and grants would open it to every other use. Each does one fixed thing, takes no SQL and no name, and returns no
-- secret.

create view public.response_timeline with (security_invoker = true) as
select j.id as job_id, j.created_at as at, 0 as attempt, 'accepted' as event, 'profile ' || j.profile as detail
from public.response_jobs j
union all
select a.job_id, a.started_at, a.number, 'attempt_started', a.mode
from public.response_attempts a
union all
select a.job_id, a.finished_at, a.number, 'attempt_' || a.outcome,
  a.mode || coalesce(': ' || a.error_code, '') || coalesce(': ' || a.error_message, '')
from public.response_attempts a where a.outcome is not null
union all
select s.job_id, coalesce(s.finished_at, s.started_at), s.attempt, 'step_' || s.status,
  s.kind || coalesce(' ' || coalesce(s.server_label || '.', '') || s.tool, '') || coalesce(': ' || left(s.error, 200), '')
from public.response_steps s
union all
select s.job_id, s.answered_at, s.attempt, 'answered', s.answer::text || ' by ' || s.answered_by
from public.response_steps s where s.answered_at is not null
union all
select j.id, j.finished_at, j.attempt, j.status, coalesce(j.error_code || ': ' || j.error_message, left(j.output_text, 200))
from public.response_jobs j where j.finished_at is not null;
comment on view public.response_timeline is
  'What happened to each job, one row for each event: select * from response_timeline where job_id = ''…'' order by at, attempt;';
comment on column public.response_timeline.job_id is 'The job.';
comment on column public.response_timeline.at is 'When.';
comment on column public.response_timeline.attempt is 'The attempt that it belongs to; 0 before the first.';
comment on column public.response_timeline.event is 'accepted, attempt_started, attempt_<outcome>, step_<status>, answered, or the final status.';
comment on column public.response_timeline.detail is 'More about it, in words.';
revoke all on public.response_timeline from public, anon, authenticated, service_role;
grant select on public.response_timeline to authenticated, service_role;

create view public.response_health with (security_invoker = true) as
with unfinished as (
  select
    count(*) filter (where status = 'background') as background,
    count(*) filter (where status = 'queued') as queued,
    count(*) filter (where status = 'running') as running,
    count(*) filter (where status = 'awaiting_approval') as awaiting_approval,
    count(*) filter (where status = 'awaiting_tool_output') as awaiting_tool_output,
    count(*) filter (where status = 'needs_review') as needs_review,
    round(extract(epoch from now() - min(due) filter (where status = 'queued' and due <= now())), 1) as oldest_due_s,
    count(*) filter (where status = 'running' and due <= now()) as lost_leases,
    count(*) filter (where status = 'background' and due <= now()) as overdue_polls
  from durable_responses.waits
), final as (
  select
    count(*) filter (where status = 'completed') as completed_24h,
    count(*) filter (where status = 'failed') as failed_24h,
    count(*) filter (where status = 'cancelled') as cancelled_24h,
    round(percentile_cont(0.5) within group (order by extract(epoch from finished_at - created_at))
      filter (where status = 'completed')::numeric, 1) as answer_p50_s,
    round(percentile_cont(0.95) within group (order by extract(epoch from finished_at - created_at))
      filter (where status = 'completed')::numeric, 1) as answer_p95_s
  from durable_responses.jobs where finished_at > now() - interval '24 hours'
), recent as (
  select round(avg((reason is not null)::integer), 3) as fallback_rate_24h from (
    select fallback_reason as reason from durable_responses.jobs
    where finished_at > now() - interval '24 hours' and created_at > now() - interval '24 hours'
    union all
    select w.fallback_reason from durable_responses.waits w join durable_responses.jobs j on j.id = w.job_id
    where j.created_at > now() - interval '24 hours'
  ) of_24h
), flags as (
  select count(*) as flags_24h from public.response_flags where created_at > now() - interval '24 hours'
), routes as (
  select count(*) as routes_ignoring_approval from public.response_routes where ignores_approval
)
select u.background, u.queued, u.running, u.awaiting_approval, u.awaiting_tool_output, u.needs_review,
  f.completed_24h, f.failed_24h, f.cancelled_24h, u.oldest_due_s, u.lost_leases, u.overdue_polls,
  r.fallback_rate_24h, f.answer_p50_s, f.answer_p95_s, x.flags_24h, g.routes_ignoring_approval
from unfinished u, final f, recent r, flags x, routes g;
comment on view public.response_health is
  'One row: jobs by status, what is overdue, and the last 24 hours'' fallback rate and time to answer. oldest_due_s, lost_leases and overdue_polls well above zero mean that no worker is being woken.';
comment on column public.response_health.background is 'Jobs at OpenAI.';
comment on column public.response_health.queued is 'Jobs that wait for a worker.';
comment on column public.response_health.running is 'Jobs that a worker runs.';
comment on column public.response_health.awaiting_approval is 'Jobs that wait for a person''s yes or no.';
comment on column public.response_health.awaiting_tool_output is 'Jobs that wait for the caller''s answer to a call.';
comment on column public.response_health.needs_review is 'Jobs held for review.';
comment on column public.response_health.completed_24h is 'Jobs that completed in the last 24 hours.';
comment on column public.response_health.failed_24h is 'Jobs that failed in the last 24 hours.';
comment on column public.response_health.cancelled_24h is 'Jobs that were cancelled in the last 24 hours.';
comment on column public.response_health.oldest_due_s is 'How long the longest-waiting due job has waited, in s.';
comment on column public.response_health.lost_leases is 'Running jobs whose worker stopped renewing; the next worker takes them.';
comment on column public.response_health.overdue_polls is 'Background jobs that should have been polled by now.';
comment on column public.response_health.fallback_rate_24h is 'Share of the last 24 hours'' jobs that fell back from background, 0 to 1.';
comment on column public.response_health.answer_p50_s is 'Median time from accepted to completed over 24 hours, in s.';
comment on column public.response_health.answer_p95_s is '95th percentile of the same, in s.';
comment on column public.response_health.routes_ignoring_approval is 'Routes on which calls were made without the required yes: see response_routes.ignores_approval.';
comment on column public.response_health.flags_24h is 'Flags raised in the last 24 hours: see response_flags.';
revoke all on public.response_health from public, anon, authenticated, service_role;
grant select on public.response_health to service_role;

create function public.response_doctor() returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_migrations jsonb;
  v_bucket text;
begin
  if to_regclass('storage.buckets') is not null then
    v_bucket := coalesce(
      (select case when public then 'public' else 'private' end from storage.buckets where id = 'response_files'), 'missing');
  end if;
  -- Missing if migrations were not applied with the Supabase CLI.
  if to_regclass('supabase_migrations.schema_migrations') is not null then
    execute 'select jsonb_agg(name order by version) from supabase_migrations.schema_migrations where name is not null'
      into v_migrations;
  end if;
  return jsonb_build_object(
    'now', clock_timestamp(),
    'started_at', pg_postmaster_start_time(),
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
    'schema', public.response_schema_version(),
    'profiles', (select coalesce(jsonb_agg(name order by name), '[]') from durable_responses.profiles),
    'cancels', (
      select jsonb_build_object('waiting', count(*), 'most_tries', coalesce(max(tries), 0)) from durable_responses.upstream_cancels
    ),
    'files', (
      select jsonb_build_object('bucket', v_bucket, 'waiting', count(*), 'most_tries', coalesce(max(removals), 0))
      from durable_responses.sent_files where is_removing
    ),
    'unstreamed_24h', (
      select count(distinct j.id) from durable_responses.jobs j join durable_responses.attempts a on a.job_id = j.id
      where j.finished_at > now() - interval '24 hours'
        and exists (select from unnest(a.warnings) warning where warning like 'Not streamed%')
    ),
    'jobs', (select to_jsonb(h) from public.response_health h),
    'errors_24h', (
      select coalesce(jsonb_object_agg(error_code, jobs), '{}') from (
        select error_code, count(*) as jobs from durable_responses.jobs
        where status = 'failed' and finished_at > now() - interval '24 hours' group by error_code
      ) failed
    ),
    'routes', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'route', route, 'breaker', breaker, 'background_failures', background_failures, 'last_failure', last_failure,
        'probe_at', probe_at, 'paused_until', paused_until, 'pause_reason', pause_reason, 'ignores_approval', ignores_approval
      ) order by route), '[]')
      from public.response_routes where breaker <> 'closed' or paused_until > now() or ignores_approval
    ),
    'workers', (
      select count(*) from public.response_workers where kind <> 'inline' and seen_at > now() - interval '2 minutes')
  );
end;
$$;
comment on function public.response_doctor() is
  'What `npx durable-responses doctor` checks in the database: when it started, migrations, extensions, cron, Vault (never a secret), pg_net, health.';

create function public.response_overview() returns jsonb
language plpgsql security definer set search_path = ''
as $$
declare
  v_claims constant jsonb := coalesce(auth.jwt(), '{}');
  v_found jsonb;
begin
  if coalesce(v_claims ->> 'role', '') <> 'service_role'
    and coalesce(v_claims -> 'app_metadata' ->> 'durable_responses', '') <> 'operator' then
    raise exception using errcode = '42501',
      message = 'Cannot show the overview: the caller is not an operator',
      hint = 'Set durable_responses to "operator" in the user''s app_metadata, and sign in again.';
  end if;
  v_found := public.response_doctor();
  return jsonb_build_object(
    'started_at', v_found -> 'started_at', 'health', v_found -> 'jobs', 'cron', v_found -> 'cron', 'net', v_found -> 'net');
end;
$$;
comment on function public.response_overview() is
  'Health, cron and pg_net for operators: users whose app_metadata says durable_responses: operator. Refuses everybody else (42501).';

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
    raise exception using errcode = 'DR500', message = 'Cannot wake the worker: its two Vault secrets are not set',
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
  'Wakes run-jobs the way cron does, due work or not, and returns {request_id}; called again with that id, returns the answer: {answer: {status, error}}, null until it has arrived. 202 proves that Vault, pg_net, the URL and the function''s secret work.';

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
    raise exception using errcode = 'DR400', message = 'Cannot connect: the project URL must start with https:// or http://',
      hint = 'Pass the address of the project''s API, such as https://<project-ref>.supabase.co.';
  end if;
  if char_length(coalesce(p_worker_secret, '')) < 16 then
    raise exception using errcode = 'DR400', message = 'Cannot connect: the worker secret must have at least 16 characters',
      hint = 'Run npx durable-responses connect, which passes the secret that init made.';
  end if;
  for v_name, v_value in select key, value from jsonb_each_text(v_values) loop
    select id into v_id from vault.secrets where name = v_name;
    if found then
      perform vault.update_secret(v_id, v_value);
    else
      perform vault.create_secret(v_value, v_name);
    end if;
  end loop;
  -- This changes nothing, but makes pg_cron read its jobs again. pg_cron learns about jobs from cache invalidations. If a large
  -- migration causes so many that some are dropped, it does not notice new jobs, and they never run.
  perform cron.alter_job(jobid, schedule := schedule) from cron.job where jobname like 'durable-responses-%';
end;
$$;
comment on function public.connect_response_worker(text, text) is
  'Stores the two values that wake the worker in Vault, or replaces them: the URL of run-jobs, and its DURABLE_RESPONSES_WORKER_SECRET. Also makes pg_cron read its jobs again. For `npx durable-responses connect`.';

revoke execute on function public.response_doctor(), public.response_overview(), public.probe_response_worker(bigint),
  public.connect_response_worker(text, text) from public, anon, authenticated;
grant execute on function public.response_doctor(), public.response_overview(), public.probe_response_worker(bigint),
  public.connect_response_worker(text, text) to service_role;
grant execute on function public.response_overview() to authenticated;

-- The columns of views get the comments of the columns that they show.
do $$
declare
  v_column record;
begin
  for v_column in
    select v.relname as view, a.attname as name, coalesce(
      (select col_description(t.oid, c.attnum)
       from pg_catalog.pg_class t join pg_catalog.pg_attribute c on c.attrelid = t.oid and c.attname = a.attname
       where t.oid = any (array['durable_responses.jobs', 'durable_responses.waits', 'durable_responses.attempts']::regclass[])
         and (t.relname = 'attempts') = (v.relname like 'response\_attempts%')
         and a.attname <> 'status'
       order by t.relname limit 1),
      d.description) as description
    from pg_catalog.pg_class v
      join pg_catalog.pg_attribute a on a.attrelid = v.oid and a.attnum > 0
      left join (values
        ('status', 'Where the job stands. background: at OpenAI. queued: waits for a worker. running: leased by a worker. awaiting_approval, awaiting_tool_output, needs_review: somebody must answer. completed, failed, cancelled: final.'),
        ('cancel_pending', 'True until OpenAI has confirmed the cancel of this background response.'),
        ('updated_at', 'When its status last changed.'),
        ('run_at', 'While queued: not run before this time.'),
        ('answer_until', 'While somebody is asked: when the question expires.'),
        ('poll_at', 'While background: when it is polled next (or, with no response id, when the accept budget ends).'),
        ('leased_by', 'While running: which worker runs it.'),
        ('leased_until', 'While running: the worker counts as lost if it has not renewed by then.')
      ) d (name, description) on d.name = a.attname
    where v.oid = any (array['public.response_jobs', 'public.response_jobs_internal', 'public.response_attempts',
      'public.response_attempts_internal']::regclass[])
  loop
    execute format('comment on column public.%I.%I is %L', v_column.view, v_column.name, v_column.description);
  end loop;
end;
$$;
