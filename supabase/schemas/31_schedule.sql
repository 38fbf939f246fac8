-- What pg_cron runs: waking a worker when there is something to do, and deleting what is old.
--
-- Waking needs two values in Vault, which `npx durable-responses connect` puts there: durable_responses_project_url and
-- durable_responses_worker_secret. The secret can wake the worker and nothing else: headers queued in pg_net are readable by
-- any database role that can connect, so a service key must never go there.

create extension if not exists pg_cron with schema pg_catalog;
create extension if not exists pg_net with schema extensions;
create extension if not exists supabase_vault with schema vault;

create function public.wake_response_worker() returns bigint
language plpgsql set search_path = ''
as $$
declare
  v_url text;
  v_secret text;
begin
  if not public.response_work_due() then
    return null;
  end if;
  select decrypted_secret into v_url from vault.decrypted_secrets where name = 'durable_responses_project_url';
  select decrypted_secret into v_secret from vault.decrypted_secrets where name = 'durable_responses_worker_secret';
  if v_url is null or v_secret is null then
    raise exception using errcode = 'DR500',
      message = format('Cannot wake the worker: the Vault secret %s is not set',
        case when v_url is null then 'durable_responses_project_url' else 'durable_responses_worker_secret' end),
      hint = 'Run npx durable-responses connect.';
  end if;
  return net.http_post(
    url := rtrim(v_url, '/') || '/functions/v1/run-jobs',
    body := '{"source": "cron"}'::jsonb,
    headers := jsonb_build_object('content-type', 'application/json', 'x-worker-secret', v_secret),
    timeout_milliseconds := 5000
  );
end;
$$;
comment on function public.wake_response_worker() is
  'Run by pg_cron: posts to run-jobs, but only if there is something to do. Returns pg_net''s request id, or null.';

create function public.prune_response_jobs(p_limit integer default 10000) returns jsonb
language plpgsql set search_path = ''
as $$
declare
  v_settings public.response_settings;
  v_now constant timestamptz := durable_responses.clock();
  v_runs_before timestamptz;
  v_ids uuid[];
  v_files text[];
  v_jobs integer;
  v_runs integer;
begin
  select * into v_settings from public.response_settings;
  v_runs_before := v_now - make_interval(days => v_settings.cron_history_days);
  select array_agg(id) into v_ids from (
    select j.id from durable_responses.jobs j
    where j.finished_at < v_now - make_interval(days => v_settings.retention_days)
      -- A cancel that OpenAI has not confirmed yet is still work to do.
      and not exists (select from durable_responses.upstream_cancels c where c.job_id = j.id)
    order by j.finished_at limit p_limit
  ) old;
  v_files := durable_responses.sent_files_of(v_ids);
  delete from durable_responses.jobs where id = any (v_ids);
  get diagnostics v_jobs = row_count;
  delete from public.response_watches where watched_until < now();
  -- Those of deleted jobs: the others are deleted with their job.
  delete from public.response_flags f
  where f.created_at < v_now - make_interval(days => v_settings.retention_days)
    and not exists (select from durable_responses.jobs j where j.id = f.job_id);
  -- Runs in place do not sign off when they end.
  delete from public.response_workers where id in (
    select id from public.response_workers where seen_at < v_now - interval '1 hour' order by id for update);
  delete from durable_responses.tombstones where job_id in (
    select t.job_id from durable_responses.tombstones t
    where t.deleted_at < v_now - make_interval(days => v_settings.retention_days) order by t.deleted_at limit p_limit);
  -- Only runs of our own cron jobs. A run that a server restart cut off has no end_time. One that could not connect has no
  -- start_time either, and is as old as the runs around it.
  delete from cron.job_run_details where runid in (
    select r.runid from cron.job_run_details r
    where r.jobid in (select jobid from cron.job where jobname like 'durable-responses-%')
      and (coalesce(r.end_time, r.start_time) < v_runs_before
        or (coalesce(r.end_time, r.start_time) is null and r.runid < (
          select max(old.runid) from cron.job_run_details old where coalesce(old.end_time, old.start_time) < v_runs_before)))
    order by r.runid limit p_limit
  );
  get diagnostics v_runs = row_count;
  perform durable_responses.release_files(v_files);
  perform durable_responses.release_lost_files(p_limit);
  return jsonb_build_object('jobs', v_jobs, 'cron_runs', v_runs);
end;
$$;
comment on function public.prune_response_jobs(integer) is
  'Run by pg_cron: deletes finished jobs, and the history of our own cron jobs, older than response_settings says; at most p_limit of each. Returns {jobs, cron_runs}.';

-- Both run as the owner, postgres, from pg_cron; no API role has a reason to call them.
revoke execute on function public.wake_response_worker(), public.prune_response_jobs(integer)
  from public, anon, authenticated, service_role;

do $$
declare
  v_version integer[] := (
    select string_to_array(split_part(extversion, '-', 1), '.')::integer[] from pg_catalog.pg_extension where extname = 'pg_cron'
  );
begin
  -- pg_cron before 1.5 does not accept seconds.
  perform cron.schedule('durable-responses-wake',
    case when v_version >= array[1, 5] then '10 seconds' else '* * * * *' end,
    'select public.wake_response_worker()');
  perform cron.schedule('durable-responses-delete', '* * * * *', 'select public.run_response_deletions()');
  perform cron.schedule('durable-responses-prune', '17 * * * *', 'select public.prune_response_jobs()');
end;
$$;
