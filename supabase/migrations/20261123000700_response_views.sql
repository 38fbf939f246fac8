-- Views for the dashboard. Both are security invoker: whoever reads them sees what they may see.

create view public.response_health with (security_invoker = true) as
select
  count(*) filter (where status = 'background') as background,
  count(*) filter (where status = 'queued') as queued,
  count(*) filter (where status = 'running') as running,
  count(*) filter (where status = 'awaiting_approval') as awaiting_approval,
  count(*) filter (where status = 'needs_review') as needs_review,
  count(*) filter (where status = 'completed' and finished_at > now() - interval '24 hours') as completed_24h,
  count(*) filter (where status = 'failed' and finished_at > now() - interval '24 hours') as failed_24h,
  count(*) filter (where status = 'cancelled' and finished_at > now() - interval '24 hours') as cancelled_24h,
  round(extract(epoch from now() - min(run_at) filter (where status = 'queued' and run_at <= now()))::numeric, 1) as oldest_due_s,
  count(*) filter (where status = 'running' and leased_until <= now()) as lost_leases,
  count(*) filter (where status = 'background' and poll_at <= now()) as overdue_polls,
  round(avg((fallback_reason is not null)::integer) filter (where created_at > now() - interval '24 hours'), 3) as fallback_rate_24h,
  round(percentile_cont(0.5) within group (order by extract(epoch from finished_at - created_at))
    filter (where status = 'completed' and finished_at > now() - interval '24 hours')::numeric, 1) as answer_p50_s,
  round(percentile_cont(0.95) within group (order by extract(epoch from finished_at - created_at))
    filter (where status = 'completed' and finished_at > now() - interval '24 hours')::numeric, 1) as answer_p95_s
from public.response_jobs
where finished_at is null or finished_at > now() - interval '24 hours';
comment on view public.response_health is
  'One row: jobs by status, what is overdue, and the last 24 hours'' fallback rate and time to answer. oldest_due_s, lost_leases and overdue_polls well above zero mean that no worker is being woken.';
comment on column public.response_health.oldest_due_s is 'How long the longest-waiting due job has waited, in s.';
comment on column public.response_health.lost_leases is 'Running jobs whose worker stopped renewing; the next worker takes them.';
comment on column public.response_health.overdue_polls is 'Background jobs that should have been looked at by now.';
comment on column public.response_health.fallback_rate_24h is 'Share of the last 24 hours'' jobs that left background, 0 to 1.';
comment on column public.response_health.answer_p50_s is 'Median time from accepted to completed over 24 hours, in s.';
comment on column public.response_health.answer_p95_s is '95th percentile of the same, in s.';

create view public.response_timeline with (security_invoker = true) as
select j.id as job_id, j.created_at as at, 0 as attempt, 'accepted' as event, 'profile ' || j.profile as detail
from public.response_jobs j
union all
select a.job_id, a.started_at, a.number, 'attempt_started', a.mode::text
from public.response_attempts a
union all
select a.job_id, a.finished_at, a.number, 'attempt_' || a.outcome::text,
  a.mode::text || coalesce(': ' || a.error_code, '') || coalesce(': ' || a.error_message, '')
from public.response_attempts a where a.outcome is not null
union all
select j.id, j.finished_at, j.attempt, j.status::text, coalesce(j.error_code || ': ' || j.error_message, left(j.output_text, 200))
from public.response_jobs j where j.finished_at is not null;
comment on view public.response_timeline is
  'What happened to each job, one row per event: select * from response_timeline where job_id = ''…'' order by at, attempt;';
comment on column public.response_timeline.event is 'accepted, attempt_started, attempt_<outcome>, or the final status.';

revoke all on public.response_health, public.response_timeline from public, anon, authenticated, service_role;
grant select on public.response_health to service_role;
grant select on public.response_timeline to service_role, authenticated;
