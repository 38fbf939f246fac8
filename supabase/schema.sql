-- The schema that supabase/migrations make, read from the catalog: one place to see what they add up to.
-- Made by `npm run check -- --write`; `npm run check` fails when it differs from the migrations.

-- Types

create type response_attempt_outcome as enum ('completed', 'failed', 'cancelled', 'lost', 'handed_over', 'parked');
create type response_breaker as enum ('closed', 'open', 'half_open');
create type response_effect as enum ('none', 'idempotent', 'once');
create type response_job_status as enum ('background', 'queued', 'running', 'awaiting_approval', 'needs_review', 'completed', 'failed', 'cancelled');
create type response_mode as enum ('background', 'synchronous');
create type response_step_status as enum ('started', 'finished', 'failed', 'void', 'uncertain', 'waiting');

-- Tables

create table durable_responses.marks (
  route text not null,
  ready_from xid8,
  few boolean,
  leases_from timestamp with time zone,
  marked_at timestamp with time zone not null,
  whole_at timestamp with time zone not null,
  constraint marks_pkey PRIMARY KEY (route)
);
alter table durable_responses.marks enable row level security;
create table response_attempts (
  job_id uuid not null,
  number integer not null,
  mode response_mode not null,
  worker text,
  response_id text,
  request_id text,
  outcome response_attempt_outcome,
  error_code text,
  error_type text,
  error_message text,
  usage jsonb,
  cancel_pending boolean not null default false,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  warnings text[] not null default '{}'::text[],
  constraint response_attempts_cancel_has_response CHECK (((NOT cancel_pending) OR (response_id IS NOT NULL))),
  constraint response_attempts_failed_has_code CHECK (((outcome IS DISTINCT FROM 'failed'::response_attempt_outcome) OR (error_code IS NOT NULL))),
  constraint response_attempts_finished_with_outcome CHECK (((outcome IS NULL) = (finished_at IS NULL))),
  constraint response_attempts_job_id_fkey FOREIGN KEY (job_id) REFERENCES response_jobs(id) ON DELETE CASCADE,
  constraint response_attempts_number CHECK ((number >= 1)),
  constraint response_attempts_pkey PRIMARY KEY (job_id, number)
);
alter table response_attempts enable row level security;
create table response_jobs (
  id uuid not null default gen_random_uuid(),
  owner_id uuid,
  status response_job_status not null,
  profile text not null,
  input jsonb,
  request jsonb,
  metadata jsonb not null default '{}'::jsonb,
  idempotency_key text,
  request_hash text,
  retry_of uuid,
  priority smallint not null default 0,
  attempt integer not null default 0,
  failures integer not null default 0,
  max_attempts integer not null default 5,
  backoff_base_ms integer not null default 1000,
  backoff_cap_ms integer not null default 300000,
  deadline timestamp with time zone not null,
  response_id text,
  poll_at timestamp with time zone,
  background_until timestamp with time zone,
  run_at timestamp with time zone,
  leased_by text,
  leased_until timestamp with time zone,
  fallback_reason text,
  output_text text,
  output jsonb,
  output_parsed jsonb,
  usage jsonb,
  error_code text,
  error_message text,
  error_hint text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  route text not null,
  owner_key uuid not null generated always as (COALESCE(owner_id, '00000000-0000-0000-0000-000000000000'::uuid)) stored,
  ready boolean not null default true,
  once_tools boolean not null default true,
  on_uncertain text not null default 'review'::text,
  approval_ms bigint not null default 604800000,
  approval_until timestamp with time zone,
  review_reason text,
  poll_ms integer not null default 30000,
  min_life_ms bigint not null default 0,
  stalled_lives integer not null default 0,
  query_text text generated always as ("left"((input #>> '{}'::text[]), 500)) stored,
  ready_xid xid8 default pg_current_xact_id(),
  constraint response_jobs_approval_ms CHECK ((approval_ms >= 1)),
  constraint response_jobs_approval_while_waiting CHECK (((status = 'awaiting_approval'::response_job_status) = (approval_until IS NOT NULL))),
  constraint response_jobs_backoff CHECK (((backoff_base_ms >= 1) AND (backoff_base_ms <= backoff_cap_ms))),
  constraint response_jobs_counters CHECK (((attempt >= 0) AND (failures >= 0) AND ((max_attempts >= 1) AND (max_attempts <= 100)))),
  constraint response_jobs_error_when_failed CHECK ((((status = 'failed'::response_job_status) = (error_code IS NOT NULL)) AND ((error_code IS NULL) = (error_message IS NULL)) AND ((error_hint IS NULL) OR (error_code IS NOT NULL)))),
  constraint response_jobs_finished_when_final CHECK (((status = ANY (ARRAY['completed'::response_job_status, 'failed'::response_job_status, 'cancelled'::response_job_status])) = (finished_at IS NOT NULL))),
  constraint response_jobs_input_or_request CHECK (((input IS NULL) <> (request IS NULL))),
  constraint response_jobs_key_has_hash CHECK (((idempotency_key IS NULL) OR (request_hash IS NOT NULL))),
  constraint response_jobs_key_length CHECK (((char_length(idempotency_key) >= 1) AND (char_length(idempotency_key) <= 255))),
  constraint response_jobs_lease_while_running CHECK ((((status = 'running'::response_job_status) = (leased_until IS NOT NULL)) AND ((leased_until IS NULL) = (leased_by IS NULL)))),
  constraint response_jobs_life CHECK (((min_life_ms >= 0) AND (stalled_lives >= 0))),
  constraint response_jobs_metadata_object CHECK ((jsonb_typeof(metadata) = 'object'::text)),
  constraint response_jobs_on_uncertain CHECK ((on_uncertain = ANY (ARRAY['review'::text, 'retry'::text]))),
  constraint response_jobs_pkey PRIMARY KEY (id),
  constraint response_jobs_poll_ms CHECK ((poll_ms >= 1)),
  constraint response_jobs_poll_while_background CHECK ((((status = 'background'::response_job_status) = (poll_at IS NOT NULL)) AND ((poll_at IS NULL) = (background_until IS NULL)))),
  constraint response_jobs_priority_range CHECK (((priority >= '-100'::integer) AND (priority <= 100))),
  constraint response_jobs_profile_length CHECK (((char_length(profile) >= 1) AND (char_length(profile) <= 64))),
  constraint response_jobs_reason_while_reviewed CHECK (((status = 'needs_review'::response_job_status) = (review_reason IS NOT NULL))),
  constraint response_jobs_result_when_completed CHECK ((((status = 'completed'::response_job_status) = (output IS NOT NULL)) AND ((status = 'completed'::response_job_status) OR ((output_text IS NULL) AND (output_parsed IS NULL))))),
  constraint response_jobs_run_at_while_queued CHECK (((status = 'queued'::response_job_status) = (run_at IS NOT NULL)))
);
alter table response_jobs enable row level security;
create table response_routes (
  route text not null,
  profile text not null,
  model text not null,
  tool_servers text[] not null default '{}'::text[],
  breaker response_breaker not null default 'closed'::response_breaker,
  background_failures integer not null default 0,
  last_failure text,
  probe_at timestamp with time zone,
  paused_until timestamp with time zone,
  pause_reason text,
  max_running integer,
  typical_ms integer,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint response_routes_failures CHECK ((background_failures >= 0)),
  constraint response_routes_pause_has_reason CHECK (((paused_until IS NULL) = (pause_reason IS NULL))),
  constraint response_routes_pkey PRIMARY KEY (route),
  constraint response_routes_probe_unless_closed CHECK (((breaker = 'closed'::response_breaker) = (probe_at IS NULL))),
  constraint response_routes_route_length CHECK (((char_length(route) >= 1) AND (char_length(route) <= 500))),
  constraint response_routes_running CHECK ((max_running >= 0)),
  constraint response_routes_typical CHECK ((typical_ms >= 0))
);
alter table response_routes enable row level security;
create table response_settings (
  only_row boolean not null default true,
  retention_days integer not null default 30,
  cron_history_days integer not null default 7,
  max_workers integer not null default 8,
  max_running integer,
  breaker_failures integer not null default 3,
  probe_interval_s integer not null default 300,
  quota_pause_s integer not null default 300,
  max_unfinished_per_user integer default 1000,
  constraint response_settings_breaker CHECK ((((breaker_failures >= 1) AND (breaker_failures <= 1000)) AND (probe_interval_s >= 1))),
  constraint response_settings_cron_history CHECK (((cron_history_days >= 1) AND (cron_history_days <= 365))),
  constraint response_settings_only_row CHECK (only_row),
  constraint response_settings_pkey PRIMARY KEY (only_row),
  constraint response_settings_quota_pause CHECK (((quota_pause_s >= 1) AND (quota_pause_s <= 86400))),
  constraint response_settings_retention CHECK (((retention_days >= 1) AND (retention_days <= 3650))),
  constraint response_settings_running CHECK ((max_running >= 0)),
  constraint response_settings_unfinished CHECK ((max_unfinished_per_user >= 1)),
  constraint response_settings_workers CHECK (((max_workers >= 1) AND (max_workers <= 1000)))
);
alter table response_settings enable row level security;
create table response_steps (
  job_id uuid not null,
  number integer not null,
  attempt integer not null,
  item_id text not null,
  kind text not null,
  status response_step_status not null,
  effect response_effect,
  server_label text,
  tool text,
  arguments text,
  call_key text,
  output text,
  error text,
  item jsonb,
  answer jsonb,
  answered_by text,
  answered_at timestamp with time zone,
  started_at timestamp with time zone not null,
  finished_at timestamp with time zone,
  constraint response_steps_answer_has_author CHECK ((((answer IS NULL) = (answered_at IS NULL)) AND ((answer IS NULL) = (answered_by IS NULL)))),
  constraint response_steps_call_has_effect CHECK (((kind = 'mcp_call'::text) = (effect IS NOT NULL))),
  constraint response_steps_finished_at CHECK (((status = ANY (ARRAY['started'::response_step_status, 'uncertain'::response_step_status, 'waiting'::response_step_status])) = (finished_at IS NULL))),
  constraint response_steps_job_id_fkey FOREIGN KEY (job_id) REFERENCES response_jobs(id) ON DELETE CASCADE,
  constraint response_steps_number CHECK ((number >= 1)),
  constraint response_steps_pkey PRIMARY KEY (job_id, number),
  constraint response_steps_uncertain_is_call CHECK (((status <> 'uncertain'::response_step_status) OR (kind = ANY (ARRAY['mcp_call'::text, 'background_run'::text])))),
  constraint response_steps_waiting_is_approval CHECK (((status <> 'waiting'::response_step_status) OR (kind = 'mcp_approval_request'::text)))
);
alter table response_steps enable row level security;
create table response_watches (
  job_id uuid not null,
  watched_until timestamp with time zone not null,
  constraint response_watches_job_id_fkey FOREIGN KEY (job_id) REFERENCES response_jobs(id) ON DELETE CASCADE,
  constraint response_watches_pkey PRIMARY KEY (job_id)
);
alter table response_watches enable row level security;
create table response_workers (
  id text not null,
  kind text not null,
  started_at timestamp with time zone not null,
  seen_at timestamp with time zone not null,
  constraint response_workers_kind CHECK ((kind = ANY (ARRAY['edge'::text, 'process'::text]))),
  constraint response_workers_pkey PRIMARY KEY (id)
);
alter table response_workers enable row level security;

-- Indexes (those of constraints are with their tables)

CREATE INDEX response_attempts_cancel_pending ON public.response_attempts USING btree (job_id) WHERE cancel_pending;
CREATE INDEX response_attempts_response ON public.response_attempts USING btree (response_id) WHERE (response_id IS NOT NULL);
CREATE INDEX response_jobs_approvals ON public.response_jobs USING btree (approval_until) WHERE (status = 'awaiting_approval'::response_job_status);
CREATE INDEX response_jobs_claim ON public.response_jobs USING btree (route, priority DESC, owner_key, run_at, ready_xid) WHERE ((status = 'queued'::response_job_status) AND ready);
CREATE INDEX response_jobs_created ON public.response_jobs USING btree (created_at, id);
CREATE INDEX response_jobs_deadlines ON public.response_jobs USING btree (deadline) WHERE (status = ANY (ARRAY['queued'::response_job_status, 'awaiting_approval'::response_job_status]));
CREATE INDEX response_jobs_delayed ON public.response_jobs USING btree (run_at) WHERE ((status = 'queued'::response_job_status) AND (NOT ready));
CREATE INDEX response_jobs_finished ON public.response_jobs USING btree (finished_at) WHERE (finished_at IS NOT NULL);
CREATE UNIQUE INDEX response_jobs_idempotency ON public.response_jobs USING btree (owner_id, idempotency_key) NULLS NOT DISTINCT WHERE (idempotency_key IS NOT NULL);
CREATE INDEX response_jobs_leases ON public.response_jobs USING btree (leased_until) WHERE (status = 'running'::response_job_status);
CREATE INDEX response_jobs_owner ON public.response_jobs USING btree (owner_id, created_at);
CREATE INDEX response_jobs_polls ON public.response_jobs USING btree (poll_at) WHERE (status = 'background'::response_job_status);
CREATE INDEX response_jobs_ready ON public.response_jobs USING btree (route, ready_xid) WHERE ((status = 'queued'::response_job_status) AND ready);
CREATE UNIQUE INDEX response_jobs_response ON public.response_jobs USING btree (response_id) WHERE ((status = 'background'::response_job_status) AND (response_id IS NOT NULL));
CREATE UNIQUE INDEX response_jobs_retry_of ON public.response_jobs USING btree (retry_of) WHERE (retry_of IS NOT NULL);
CREATE INDEX response_jobs_running ON public.response_jobs USING btree (route) WHERE (status = 'running'::response_job_status);
CREATE INDEX response_jobs_unfinished ON public.response_jobs USING btree (owner_id) WHERE ((owner_id IS NOT NULL) AND (finished_at IS NULL));
CREATE UNIQUE INDEX response_steps_item ON public.response_steps USING btree (job_id, attempt, item_id);

-- Views

create view response_health with (security_invoker=true) as
 SELECT count(*) FILTER (WHERE status = 'background'::response_job_status) AS background,
    count(*) FILTER (WHERE status = 'queued'::response_job_status) AS queued,
    count(*) FILTER (WHERE status = 'running'::response_job_status) AS running,
    count(*) FILTER (WHERE status = 'awaiting_approval'::response_job_status) AS awaiting_approval,
    count(*) FILTER (WHERE status = 'needs_review'::response_job_status) AS needs_review,
    count(*) FILTER (WHERE status = 'completed'::response_job_status AND finished_at > (now() - '24:00:00'::interval)) AS completed_24h,
    count(*) FILTER (WHERE status = 'failed'::response_job_status AND finished_at > (now() - '24:00:00'::interval)) AS failed_24h,
    count(*) FILTER (WHERE status = 'cancelled'::response_job_status AND finished_at > (now() - '24:00:00'::interval)) AS cancelled_24h,
    round(EXTRACT(epoch FROM now() - min(run_at) FILTER (WHERE status = 'queued'::response_job_status AND run_at <= now())), 1) AS oldest_due_s,
    count(*) FILTER (WHERE status = 'running'::response_job_status AND leased_until <= now()) AS lost_leases,
    count(*) FILTER (WHERE status = 'background'::response_job_status AND poll_at <= now()) AS overdue_polls,
    round(avg((fallback_reason IS NOT NULL)::integer) FILTER (WHERE created_at > (now() - '24:00:00'::interval)), 3) AS fallback_rate_24h,
    round(percentile_cont(0.5::double precision) WITHIN GROUP (ORDER BY (EXTRACT(epoch FROM finished_at - created_at)::double precision)) FILTER (WHERE status = 'completed'::response_job_status AND finished_at > (now() - '24:00:00'::interval))::numeric, 1) AS answer_p50_s,
    round(percentile_cont(0.95::double precision) WITHIN GROUP (ORDER BY (EXTRACT(epoch FROM finished_at - created_at)::double precision)) FILTER (WHERE status = 'completed'::response_job_status AND finished_at > (now() - '24:00:00'::interval))::numeric, 1) AS answer_p95_s
   FROM response_jobs
  WHERE finished_at IS NULL OR finished_at > (now() - '24:00:00'::interval);
create view response_timeline with (security_invoker=true) as
 SELECT j.id AS job_id,
    j.created_at AS at,
    0 AS attempt,
    'accepted'::text AS event,
    'profile '::text || j.profile AS detail
   FROM response_jobs j
UNION ALL
 SELECT a.job_id,
    a.started_at AS at,
    a.number AS attempt,
    'attempt_started'::text AS event,
    a.mode::text AS detail
   FROM response_attempts a
UNION ALL
 SELECT a.job_id,
    a.finished_at AS at,
    a.number AS attempt,
    'attempt_'::text || a.outcome::text AS event,
    (a.mode::text || COALESCE(': '::text || a.error_code, ''::text)) || COALESCE(': '::text || a.error_message, ''::text) AS detail
   FROM response_attempts a
  WHERE a.outcome IS NOT NULL
UNION ALL
 SELECT s.job_id,
    COALESCE(s.finished_at, s.started_at) AS at,
    s.attempt,
    'step_'::text || s.status::text AS event,
    (s.kind || COALESCE(((' '::text || s.server_label) || '.'::text) || s.tool, ''::text)) || COALESCE(': '::text || "left"(s.error, 200), ''::text) AS detail
   FROM response_steps s
UNION ALL
 SELECT s.job_id,
    s.answered_at AS at,
    s.attempt,
    'answered'::text AS event,
    (s.answer::text || ' by '::text) || s.answered_by AS detail
   FROM response_steps s
  WHERE s.answered_at IS NOT NULL
UNION ALL
 SELECT j.id AS job_id,
    j.finished_at AS at,
    j.attempt,
    j.status::text AS event,
    COALESCE((j.error_code || ': '::text) || j.error_message, "left"(j.output_text, 200)) AS detail
   FROM response_jobs j
  WHERE j.finished_at IS NOT NULL;

-- Functions

CREATE OR REPLACE FUNCTION public.adopt_background_response(p_job_id uuid, p_attempt integer, p_response_id text, p_poll_ms integer DEFAULT 30000)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_result jsonb;
begin
  if not exists (select from public.response_attempts where job_id = p_job_id and number = p_attempt and mode = 'background') then
    return jsonb_build_object('known', false, 'work', null);
  end if;
  v_result := public.record_background_response(p_job_id, p_attempt, p_response_id, null, p_poll_ms);
  return public.claim_background_job(p_response_id, p_poll_ms);
end;
$function$;
CREATE OR REPLACE FUNCTION public.answer_response_approval(p_job_id uuid, p_approve boolean, p_reason text DEFAULT NULL::text, p_request_id text DEFAULT NULL::text, p_owner_id uuid DEFAULT NULL::uuid, p_as_service boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now timestamptz := durable_responses.clock();
  v_job public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, true);
  v_count integer;
begin
  if v_job.status <> 'awaiting_approval' or v_job.approval_until <= v_now then
    raise exception using errcode = 'DR409',
      message = format('Cannot answer for job %s: it is %s', p_job_id,
        case v_job.status when 'awaiting_approval' then 'waiting no longer, the request has expired' else v_job.status::text end),
      hint = 'A request for approval is answered once, while the job is awaiting_approval.';
  end if;
  update public.response_steps set
    status = 'finished', finished_at = v_now,
    answer = jsonb_strip_nulls(jsonb_build_object('approve', p_approve, 'reason', p_reason)),
    answered_by = coalesce(p_owner_id::text, 'service'), answered_at = v_now
  where job_id = p_job_id and status = 'waiting' and (p_request_id is null or item_id = p_request_id);
  get diagnostics v_count = row_count;
  if v_count = 0 then
    raise exception using errcode = 'DR409',
      message = format('Cannot answer request %s of job %s: it is not waiting for an answer', left(p_request_id, 100), p_job_id),
      hint = 'GET the job: its steps with status waiting can be answered, each once.';
  end if;
  -- Several may have been asked at once: the run goes on when the last is answered.
  if not exists (select from public.response_steps where job_id = p_job_id and status = 'waiting') then
    update public.response_jobs set status = 'queued', run_at = v_now where id = p_job_id returning * into v_job;
  end if;
  return durable_responses.job_view(v_job);
end;
$function$;
CREATE OR REPLACE FUNCTION public.await_response_approval(p_job_id uuid, p_attempt integer, p_response_id text, p_steps jsonb, p_usage jsonb DEFAULT NULL::jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background,running}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(v_job, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(v_job, p_attempt);
  if v_uncertain is not null then
    -- First things first: the next run asks again for what still needs a yes.
    update public.response_steps set status = 'void', finished_at = durable_responses.clock()
    where job_id = p_job_id and attempt = p_attempt and status = 'waiting';
    return durable_responses.job_view(durable_responses.park_for_review(p_job_id, p_attempt, v_uncertain, null));
  end if;
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'parked', null, p_response_id, null, p_usage);
  update public.response_jobs set
    status = 'awaiting_approval',
    approval_until = durable_responses.clock() + make_interval(secs => approval_ms / 1000.0),
    poll_at = null, background_until = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning * into v_job;
  return durable_responses.job_view(v_job);
end;
$function$;
CREATE OR REPLACE FUNCTION public.cancel_response_job(p_job_id uuid, p_owner_id uuid DEFAULT NULL::uuid, p_as_service boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, true);
  v_upstream jsonb;
begin
  if v_job.status = 'cancelled' then
    return jsonb_build_object('job', durable_responses.job_view(v_job), 'upstream', null);
  end if;
  if v_job.finished_at is not null then
    raise exception using errcode = 'DR409', message = format('Cannot cancel job %s: it is already %s', p_job_id, v_job.status),
      hint = 'Only a job that has not finished can be cancelled.';
  end if;
  if v_job.status = 'background' and v_job.response_id is not null then
    -- Kept until OpenAI confirms: if the caller's function dies now, the worker cancels it.
    update public.response_attempts set cancel_pending = true where job_id = p_job_id and number = v_job.attempt;
    v_upstream := jsonb_build_object('job_id', v_job.id, 'attempt', v_job.attempt, 'response_id', v_job.response_id);
  end if;
  -- A call in flight is not taken back by this: a retry of the job must know of it.
  perform durable_responses.settle_calls(v_job, v_job.attempt);
  perform durable_responses.end_attempt(p_job_id, v_job.attempt, 'cancelled');
  update public.response_jobs set
    status = 'cancelled', finished_at = durable_responses.clock(),
    poll_at = null, background_until = null, run_at = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning * into v_job;
  return jsonb_build_object('job', durable_responses.job_view(v_job), 'upstream', v_upstream);
end;
$function$;
CREATE OR REPLACE FUNCTION public.claim_background_job(p_response_id text, p_poll_ms integer DEFAULT 30000)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
begin
  -- Pushing poll_at on keeps the poller away while the webhook settles the job; if the webhook's worker
  -- dies, the poll comes one interval later.
  update public.response_jobs set
    poll_at = durable_responses.clock() + make_interval(secs => p_poll_ms / 1000.0)
  where response_id = p_response_id and status = 'background'
  returning * into v_job;
  if found then
    return jsonb_build_object('known', true, 'work', durable_responses.job_work(v_job));
  end if;
  return jsonb_build_object('work', null, 'known',
    exists (select from public.response_attempts where response_id = p_response_id));
end;
$function$;
CREATE OR REPLACE FUNCTION public.claim_background_polls(p_limit integer DEFAULT 20)
 RETURNS jsonb
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  with due as (
    select id from public.response_jobs
    where status = 'background' and poll_at <= durable_responses.clock()
    order by poll_at limit p_limit
    for update skip locked
  ), claimed as (
    update public.response_jobs j set poll_at = durable_responses.next_poll(j, j.poll_ms)
    from due where j.id = due.id
    returning j.*
  )
  select coalesce(jsonb_agg(durable_responses.job_work(c::public.response_jobs)), '[]'::jsonb) from claimed c;
$function$;
CREATE OR REPLACE FUNCTION public.claim_pending_cancels(p_limit integer DEFAULT 20)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select coalesce(jsonb_agg(jsonb_build_object('job_id', job_id, 'attempt', number, 'response_id', response_id)), '[]'::jsonb)
  from (
    select job_id, number, response_id from public.response_attempts where cancel_pending limit p_limit
  ) pending;
$function$;
CREATE OR REPLACE FUNCTION public.claim_response_work(p_worker text, p_limit integer, p_lease_ms integer DEFAULT 30000, p_life_ms bigint DEFAULT NULL::bigint, p_full_life_ms bigint DEFAULT NULL::bigint, p_kind text DEFAULT 'edge'::text, p_after_owner uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_sort TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
declare
  v_now constant timestamptz := durable_responses.clock();
  -- No wall clock: any job fits.
  v_life constant bigint := coalesce(p_life_ms, 9223372036854775807);
  v_workers constant integer := durable_responses.seen_worker(p_worker, p_kind);
  v_due record;
  v_route record;
  v_from xid8;
  v_found record;
  v_many boolean;
  v_taken uuid[];
  v_room integer := p_limit;
  v_allowed integer;
  v_picked uuid[] := '{}';
  v_jobs jsonb;
begin
  -- Ordered, so that each is a descent of its index: with `exists (… <= v_now)` the planner may expect a hit soon
  -- and read the whole table for it (10 times a claim's cost with 60,000 jobs waiting).
  select s.max_workers, s.max_running,
    s.max_running is not null or exists (
      select from public.response_routes where max_running is not null or paused_until is not null) as limited,
    m.whole_at is null or m.whole_at not between v_now - interval '10 s' and v_now as whole,
    m.marked_at is null or m.marked_at not between v_now - interval '0.5 s' and v_now as unmarked,
    (select leased_until from public.response_jobs
      where status = 'running' and leased_until <= v_now
        and leased_until > case when m.whole_at between v_now - interval '10 s' and v_now then m.leases_from else '-infinity' end
      order by leased_until limit 1) is not null as lost,
    (select deadline from public.response_jobs
      where status in ('queued', 'awaiting_approval') and deadline <= v_now order by deadline limit 1) is not null
    or (select approval_until from public.response_jobs
      where status = 'awaiting_approval' and approval_until <= v_now order by approval_until limit 1) is not null as late,
    (select run_at from public.response_jobs
      where status = 'queued' and not ready and run_at <= v_now order by run_at limit 1) is not null as delayed
  into v_due
  from public.response_settings s left join durable_responses.marks m on m.route = '';
  -- A limit is counted and then used, so two claims must not count at once. Nothing else is locked yet and a
  -- claim waits for no job, so this cannot be part of a deadlock; without limits, claims do not wait.
  if v_due.limited then
    perform pg_advisory_xact_lock(hashtextextended('durable_responses.claim', 0));
  end if;
  if v_due.lost then
    perform durable_responses.recover_lost_leases(100);
  end if;
  if v_due.late then
    perform durable_responses.fail_past_deadline(100);
  end if;
  if v_due.delayed then
    perform durable_responses.promote_delayed(100);
  end if;
  if v_due.max_running is not null then
    v_room := least(v_room, v_due.max_running - (
      select count(*) from (select from public.response_jobs where status = 'running' limit v_due.max_running) running));
  end if;
  -- Routes in random order: none is always first.
  for v_route in
    select r.route, r.paused_until, r.max_running, m.ready_from, coalesce(m.few, true) as few,
      m.whole_at is null or m.whole_at not between v_now - interval '1 minute' and v_now
        or m.ready_from > pg_snapshot_xmin(pg_current_snapshot()) as whole,
      m.marked_at is null or m.marked_at not between v_now - interval '0.5 s' and v_now as unmarked
    from public.response_routes r left join durable_responses.marks m on m.route = r.route
    where (r.paused_until is null or r.paused_until <= v_now)
      -- A run that usually takes longer than is left waits for a worker that has the time, if one can have it.
      and (r.typical_ms is null or r.typical_ms <= v_life or r.typical_ms > coalesce(p_full_life_ms, v_life))
    order by random()
  loop
    exit when v_room <= 0;
    -- After a pause, one job finds out whether it is over, not all of them.
    v_allowed := case when v_route.paused_until is not null then 1 else v_route.max_running end;
    -- Only a limit is worth counting for: without one this would count all that runs.
    if v_allowed is not null then
      v_allowed := v_allowed - (
        select count(*) from (
          select from public.response_jobs where route = v_route.route and status = 'running' limit v_allowed
        ) running);
    end if;
    v_allowed := least(v_room, v_allowed);
    continue when v_allowed <= 0;
    v_from := case when v_route.whole then '0' else v_route.ready_from end;
    -- Where many waited half a second ago, they most likely still do.
    v_many := not (v_route.whole or v_route.unmarked or v_route.few);
    if not v_many then
      v_found := durable_responses.pick_of_few(v_route.route, p_after_owner, v_allowed, v_life, v_from);
      v_many := not v_found.few;
      v_taken := v_found.picked;
      if v_route.whole or v_route.unmarked then
        perform durable_responses.set_mark(v_route.route, v_found.lowest, v_found.few, null, v_route.whole);
      end if;
    end if;
    if v_many then
      v_taken := durable_responses.pick_fairly(v_route.route, p_after_owner, v_allowed, v_life, v_from);
    end if;
    v_picked := v_picked || v_taken;
    v_room := v_room - coalesce(cardinality(v_taken), 0);
  end loop;

  with claimed as (
    update public.response_jobs j set
      status = 'running', run_at = null, attempt = j.attempt + 1,
      leased_by = p_worker, leased_until = v_now + make_interval(secs => p_lease_ms / 1000.0)
    where j.id = any (v_picked)
    returning j.id, j.attempt, durable_responses.job_work(j) || jsonb_build_object('owner_key', j.owner_key) as work
  ), attempts as (
    insert into public.response_attempts (job_id, number, mode, worker, started_at)
    select id, attempt, 'synchronous', p_worker, v_now from claimed
  )
  -- In the order they were picked: the last one's owner is where the worker's next claim goes on.
  select jsonb_agg(c.work order by array_position(v_picked, c.id)) into v_jobs from claimed c;
  if v_due.unmarked and not v_due.lost then
    perform durable_responses.set_mark('', null, null, v_now, v_due.whole);
  end if;
  return jsonb_build_object(
    'jobs', coalesce(v_jobs, '[]'::jsonb),
    'spare_workers', greatest(v_due.max_workers - v_workers, 0));
end;
$function$;
CREATE OR REPLACE FUNCTION public.complete_response_job(p_job_id uuid, p_attempt integer, p_response_id text, p_output jsonb, p_output_text text DEFAULT NULL::text, p_output_parsed jsonb DEFAULT NULL::jsonb, p_usage jsonb DEFAULT NULL::jsonb, p_request_id text DEFAULT NULL::text, p_steps jsonb DEFAULT '[]'::jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
begin
  if public.complete_response_jobs(jsonb_build_array(jsonb_build_object(
    'job_id', p_job_id, 'attempt', p_attempt, 'response_id', p_response_id, 'output', p_output,
    'output_text', p_output_text, 'output_parsed', p_output_parsed, 'usage', p_usage,
    'request_id', p_request_id, 'steps', p_steps))) = '[]' then
    -- Refuses, and says why.
    perform durable_responses.lock_job(p_job_id, p_attempt, '{background,running}');
  end if;
  select * into v_job from public.response_jobs where id = p_job_id;
  return durable_responses.job_view(v_job);
end;
$function$;
CREATE OR REPLACE FUNCTION public.complete_response_jobs(p_results jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
declare
  v_now constant timestamptz := durable_responses.clock();
  -- Not written out below: that would invite the planner to read an index of all that runs.
  v_open constant public.response_job_status[] := '{background,running}';
  v_jobs uuid[];
  v_attempts integer[];
  v_routes text[];
  v_modes public.response_mode[];
  v_took bigint[];
  v_with_steps record;
  v_route record;
begin
  -- Jobs in the order of their ids, so that two calls with the same ones do not wait for each other in a circle.
  with given as materialized (
    select * from jsonb_to_recordset(p_results) as r (
      job_id uuid, attempt integer, response_id text, output jsonb, output_text text, output_parsed jsonb,
      usage jsonb, request_id text)
    order by job_id
  ), written as (
    update public.response_jobs j set
      status = 'completed', finished_at = v_now, response_id = g.response_id,
      output = g.output, output_text = g.output_text, output_parsed = g.output_parsed, usage = g.usage,
      poll_at = null, background_until = null, leased_by = null, leased_until = null
    from given g
    where j.id = g.job_id and j.attempt = g.attempt and j.status = any (v_open)
    returning j.id, j.attempt, j.route, g.response_id, g.request_id, g.usage
  ), ended as (
    update public.response_attempts a set
      outcome = 'completed', finished_at = v_now, response_id = coalesce(w.response_id, a.response_id),
      request_id = coalesce(w.request_id, a.request_id), usage = coalesce(w.usage, a.usage)
    from written w
    where a.job_id = w.id and a.number = w.attempt and a.outcome is null
    returning a.job_id, a.mode, a.started_at
  )
  select array_agg(w.id), array_agg(w.attempt), array_agg(w.route), array_agg(e.mode),
    array_agg(floor(extract(epoch from v_now - e.started_at) * 1000))
  into v_jobs, v_attempts, v_routes, v_modes, v_took
  from written w left join ended e on e.job_id = w.id;
  if v_jobs is null then
    return '[]';
  end if;

  -- Most runs end with nothing that is not saved already.
  if jsonb_path_exists(p_results, '$[*].steps[*]') then
    for v_with_steps in
      select j as job, j.attempt, r.steps from jsonb_to_recordset(p_results) as r (job_id uuid, attempt integer, steps jsonb)
        join public.response_jobs j on j.id = r.job_id and j.attempt = r.attempt
      where r.job_id = any (v_jobs) and jsonb_array_length(r.steps) > 0
    loop
      perform durable_responses.write_steps(v_with_steps.job, v_with_steps.attempt, v_with_steps.steps);
    end loop;
  end if;
  update public.response_steps s set status = 'void', finished_at = v_now
  from unnest(v_jobs, v_attempts) w (job_id, attempt)
  where s.job_id = w.job_id and s.attempt = w.attempt and s.status = 'started';

  for v_route in
    select r.route, w.mode, avg(w.took)::bigint as took
    from unnest(v_routes, v_modes, v_took) w (route, mode, took)
      join public.response_routes r on r.route = w.route
    where case w.mode
      when 'background' then r.breaker <> 'closed' or r.background_failures > 0
      -- A sample is enough for an average; a write by every job would make all of them wait for one row.
      else r.paused_until <= v_now or r.typical_ms is null or random() < 0.1
    end
    group by r.route, w.mode order by r.route
  loop
    perform durable_responses.route_succeeded(v_route.route, v_route.mode, v_route.took);
  end loop;
  return to_jsonb(v_jobs);
end;
$function$;
CREATE OR REPLACE FUNCTION public.confirm_upstream_cancel(p_job_id uuid, p_attempt integer)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  update public.response_attempts set cancel_pending = false where job_id = p_job_id and number = p_attempt;
$function$;
CREATE OR REPLACE FUNCTION public.connect_response_worker(p_project_url text, p_worker_secret text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$;
CREATE OR REPLACE FUNCTION durable_responses.announce(p_event text, p_topics text[], p_payloads jsonb[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if p_topics is null then
    return;
  end if;
  insert into realtime.messages (id, topic, event, payload, private, extension)
  select m.id, m.topic, p_event,
    -- As realtime.send() does.
    case when m.payload ? 'id' then m.payload else m.payload || jsonb_build_object('id', m.id) end, true, 'broadcast'
  from (
    select gen_random_uuid() as id, given.topic, given.payload from unnest(p_topics, p_payloads) given (topic, payload)
  ) m;
exception
  when others then
    begin
      perform realtime.send(given.payload, p_event, given.topic, true) from unnest(p_topics, p_payloads) given (topic, payload);
    exception
      -- Realtime is not installed, or was changed. An update that nobody sees live is still seen by those who ask.
      when others then
        raise warning 'Cannot announce on % and % more: % (%)', p_topics[1], cardinality(p_topics) - 1, sqlerrm, sqlstate;
    end;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.announce_job()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
 SET enable_hashjoin TO 'on'
AS $function$
declare
  v_topics text[];
  v_payloads jsonb[];
begin
  -- What changed, not what came out. The row as a whole goes nowhere: that would fetch its input and output.
  if tg_op = 'INSERT' then
    -- To its owner only: nobody can have joined the topic of a job whose id nobody knows yet.
    select array_agg('response-jobs:' || j.owner_id), array_agg(jsonb_build_object(
      'id', j.id, 'status', j.status, 'attempt', j.attempt, 'profile', j.profile,
      'fallback_reason', j.fallback_reason, 'error_code', j.error_code,
      'created_at', j.created_at, 'updated_at', j.updated_at, 'finished_at', j.finished_at))
    into v_topics, v_payloads
    from changed j where j.owner_id is not null;
  else
    select array_agg(topic.name), array_agg(said.payload) into v_topics, v_payloads
    from changed j
      join before b on b.id = j.id and b.status <> j.status
      cross join lateral (select jsonb_build_object(
        'id', j.id, 'status', j.status, 'attempt', j.attempt, 'profile', j.profile,
        'fallback_reason', j.fallback_reason, 'error_code', j.error_code,
        'created_at', j.created_at, 'updated_at', j.updated_at, 'finished_at', j.finished_at) as payload offset 0
      ) said
      cross join lateral (values ('response-job:' || j.id), ('response-jobs:' || j.owner_id)) topic (name)
    where topic.name is not null;
  end if;
  perform durable_responses.announce('job', v_topics, v_payloads);
  return null;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.announce_step()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_owner_id uuid := (select owner_id from public.response_jobs where id = new.job_id);
  v_payload jsonb := jsonb_build_object(
    'job_id', new.job_id, 'number', new.number, 'attempt', new.attempt, 'kind', new.kind, 'status', new.status,
    'server_label', new.server_label, 'tool', new.tool,
    'started_at', new.started_at, 'finished_at', new.finished_at);
begin
  perform durable_responses.announce('step',
    array_remove(array['response-job:' || new.job_id, 'response-jobs:' || v_owner_id], null),
    case when v_owner_id is null then array[v_payload] else array[v_payload, v_payload] end);
  return null;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.background_verdict(p_route text)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now timestamptz := durable_responses.clock();
  v_route public.response_routes;
begin
  select * into v_route from public.response_routes where route = p_route;
  if v_route.paused_until > v_now then
    return 'route_paused';
  end if;
  if v_route.breaker = 'closed' then
    return null;
  end if;
  -- One job an interval becomes the probe: the update is atomic, so two cannot both win it.
  update public.response_routes set
    breaker = 'half_open', probe_at = v_now + make_interval(secs => s.probe_interval_s), updated_at = v_now
  from public.response_settings s
  where route = p_route and breaker <> 'closed' and probe_at <= v_now;
  return case when found then null else 'background_skipped' end;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.backoff_ms(p_failures integer, p_base_ms integer, p_cap_ms integer)
 RETURNS integer
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  -- Full jitter: anywhere between 0 and the exponential step, so that jobs that failed together do not
  -- come back together. 2^20 bounds the power before it is capped.
  select floor(random() * least(p_cap_ms, p_base_ms * power(2, least(greatest(p_failures, 1), 20) - 1)))::integer;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.clock()
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- Transaction time; a test may pin it for its session. No API role can set it: PostgREST exposes no way to.
  return coalesce(nullif(current_setting('durable_responses.now', true), '')::timestamptz, now());
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.deadline_error(p_job response_jobs)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO ''
AS $function$
  select jsonb_build_object(
    'code', 'deadline_exceeded',
    'message', format('Cannot finish the job: its deadline was %s and it was still %s',
      to_char(p_job.deadline at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), p_job.status),
    'hint', 'Raise budgets.deadline_ms in the profile, or look in the attempts for what took so long; then retry the job.');
$function$;
CREATE OR REPLACE FUNCTION durable_responses.end_attempt(p_job_id uuid, p_attempt integer, p_outcome response_attempt_outcome, p_error jsonb DEFAULT NULL::jsonb, p_response_id text DEFAULT NULL::text, p_request_id text DEFAULT NULL::text, p_usage jsonb DEFAULT NULL::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  update public.response_attempts set
    outcome = p_outcome,
    error_code = p_error ->> 'code',
    error_type = left(p_error ->> 'type', 200),
    error_message = left(p_error ->> 'message', 2000),
    response_id = coalesce(p_response_id, response_id),
    request_id = coalesce(p_request_id, p_error ->> 'request_id', request_id),
    usage = coalesce(p_usage, usage),
    finished_at = durable_responses.clock()
  where job_id = p_job_id and number = p_attempt and outcome is null;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.ensure_route(p_route text, p_profile text, p_model text, p_tool_servers text[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  -- The read comes first: nearly always the route is known, and a read takes no lock.
  if not exists (select from public.response_routes where route = p_route) then
    insert into public.response_routes (route, profile, model, tool_servers, created_at, updated_at)
    values (p_route, p_profile, p_model, p_tool_servers, durable_responses.clock(), durable_responses.clock())
    on conflict (route) do nothing;
  end if;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.fail_past_deadline(p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
  v_now timestamptz := durable_responses.clock();
  v_count integer := 0;
begin
  for v_job in
    select * from public.response_jobs
    where id in (
      (select id from public.response_jobs
        where status in ('queued', 'awaiting_approval') and deadline <= v_now order by deadline limit p_limit)
      union all
      (select id from public.response_jobs
        where status = 'awaiting_approval' and approval_until <= v_now order by approval_until limit p_limit)
    ) and status in ('queued', 'awaiting_approval')
    for update skip locked
  loop
    if v_job.deadline <= v_now then
      perform durable_responses.finish_failed(v_job.id, durable_responses.deadline_error(v_job));
    else
      perform durable_responses.finish_failed(v_job.id, jsonb_build_object(
        'code', 'approval_expired',
        'message', format('Cannot go on: nobody answered the request for approval within %s s', v_job.approval_ms / 1000),
        'hint', 'Retry the job to be asked again, or raise approval_ms in the profile.'));
    end if;
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.find_repeat(p_owner_id uuid, p_idempotency_key text)
 RETURNS response_jobs
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
begin
  if p_idempotency_key is null then
    return null;
  elsif p_owner_id is null then
    select * into v_job from public.response_jobs where owner_id is null and idempotency_key = p_idempotency_key;
  else
    select * into v_job from public.response_jobs where owner_id = p_owner_id and idempotency_key = p_idempotency_key;
  end if;
  return v_job;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.find_visible_job(p_job_id uuid, p_owner_id uuid, p_as_service boolean, p_lock boolean)
 RETURNS response_jobs
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
begin
  if p_lock then
    select * into v_job from public.response_jobs where id = p_job_id and (p_as_service or owner_id = p_owner_id) for update;
  else
    select * into v_job from public.response_jobs where id = p_job_id and (p_as_service or owner_id = p_owner_id);
  end if;
  if not found then
    raise exception using errcode = 'DR404', message = format('Cannot find job %s', p_job_id),
      hint = 'Check the id; a job of another user is shown to nobody else, and finished jobs are pruned after a while.';
  end if;
  return v_job;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.finish_failed(p_job_id uuid, p_error jsonb)
 RETURNS response_jobs
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  update public.response_jobs set
    status = 'failed', finished_at = durable_responses.clock(),
    error_code = p_error ->> 'code', error_message = left(p_error ->> 'message', 2000),
    error_hint = left(p_error ->> 'hint', 2000),
    poll_at = null, background_until = null, run_at = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning *;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.guard_job()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now constant timestamptz := coalesce(nullif(current_setting('durable_responses.now', true), '')::timestamptz, now());
begin
  if old.finished_at is not null then
    raise exception using errcode = 'DR409',
      message = format('Cannot change job %s: a %s job is final', old.id, old.status),
      hint = 'Retry it: that makes a new job.';
  end if;
  if old.status <> new.status then
    if not durable_responses.transition_allowed(old.status, new.status) then
      raise exception using errcode = 'DR409',
        message = format('Cannot change job %s from %s to %s: there is no such transition', old.id, old.status, new.status),
        hint = 'See the state diagram in docs/architecture.md.';
    end if;
    -- What belongs to a person's decision goes when the decision is made.
    if old.status = 'awaiting_approval' then
      new.approval_until := null;
    elsif old.status = 'needs_review' then
      new.review_reason := null;
    end if;
  end if;
  new.ready := new.run_at is null or new.run_at <= v_now;
  new.updated_at := v_now;
  if new.status = 'queued' and new.ready then
    new.ready_xid := pg_current_xact_id();
  elsif new.leased_until < old.leased_until then
    -- A lease that was made shorter may end before the mark.
    delete from durable_responses.marks where route = '';
  end if;
  return new;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.hash_of(p_profile text, p_input jsonb, p_request jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return encode(sha256(convert_to(jsonb_build_array(p_profile, p_input, p_request)::text, 'utf8')), 'hex');
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.job_view(p_job response_jobs)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return jsonb_build_object(
    'id', p_job.id, 'status', p_job.status, 'profile', p_job.profile, 'metadata', p_job.metadata,
    'attempt', p_job.attempt, 'response_id', p_job.response_id, 'fallback_reason', p_job.fallback_reason,
    'run_at', p_job.run_at, 'deadline', p_job.deadline, 'retry_of', p_job.retry_of,
    'approval_until', p_job.approval_until, 'review_reason', p_job.review_reason,
    'waiting', case when p_job.status in ('awaiting_approval', 'needs_review') then (
      select coalesce(jsonb_agg(jsonb_build_object(
        'request_id', s.item_id, 'kind', s.kind, 'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments
      ) order by s.number), '[]'::jsonb)
      from public.response_steps s where s.job_id = p_job.id and s.status in ('waiting', 'uncertain')
    ) end,
    'output_text', p_job.output_text, 'output', p_job.output, 'output_parsed', p_job.output_parsed,
    'usage', p_job.usage,
    'error', case when p_job.error_code is not null then
      jsonb_build_object('code', p_job.error_code, 'message', p_job.error_message)
        || case when p_job.error_hint is null then '{}'::jsonb else jsonb_build_object('hint', p_job.error_hint) end
    end,
    'created_at', p_job.created_at, 'updated_at', p_job.updated_at, 'finished_at', p_job.finished_at
  );
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.job_work(p_job response_jobs)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- Times go out as what is left, in ms: a worker's clock may differ from the database's.
  return jsonb_build_object(
    'id', p_job.id, 'attempt', p_job.attempt, 'status', p_job.status, 'profile', p_job.profile,
    'input', p_job.input, 'request', p_job.request, 'failures', p_job.failures,
    'response_id', p_job.response_id, 'once_tools', p_job.once_tools, 'on_uncertain', p_job.on_uncertain,
    'deadline_left_ms', floor(extract(epoch from p_job.deadline - durable_responses.clock()) * 1000),
    'background_left_ms', floor(extract(epoch from p_job.background_until - durable_responses.clock()) * 1000),
    'steps', coalesce((
      select jsonb_agg(jsonb_build_object(
        'number', s.number, 'attempt', s.attempt, 'item_id', s.item_id, 'kind', s.kind, 'effect', s.effect,
        'server_label', s.server_label, 'tool', s.tool, 'arguments', s.arguments, 'call_key', s.call_key,
        'output', s.output, 'error', s.error, 'item', s.item, 'answer', s.answer) order by s.number)
      from public.response_steps s
      where s.job_id = p_job.id and s.status in ('finished', 'failed')
    ), '[]'::jsonb)
  );
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.lock_job(p_job_id uuid, p_attempt integer, p_statuses response_job_status[])
 RETURNS response_jobs
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
begin
  select * into v_job from public.response_jobs where id = p_job_id for update;
  if not found then
    raise exception using errcode = 'DR404',
      message = format('Cannot find job %s', p_job_id), hint = 'It may have been pruned: see response_settings.retention_days.';
  end if;
  if v_job.attempt <> p_attempt or not v_job.status = any (p_statuses) then
    raise exception using errcode = 'DR410',
      message = format('Cannot write as attempt %s of job %s: the job is %s at attempt %s',
        p_attempt, p_job_id, v_job.status, v_job.attempt),
      hint = 'Somebody else has taken the job over; drop what you have.';
  end if;
  return v_job;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.next_in_turn(p_route text, p_priority smallint, p_after_owner uuid, p_life_ms bigint, p_picked uuid[], p_from xid8)
 RETURNS response_jobs
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
begin
  -- Two statements, since "after nobody" as an `or` would keep the index from being descended.
  if p_after_owner is null then
    select * into v_job from public.response_jobs
    where route = p_route and priority = p_priority and status = 'queued' and ready and ready_xid >= p_from
      and min_life_ms <= p_life_ms and id <> all (p_picked)
    order by owner_key, run_at limit 1
    for update skip locked;
  else
    select * into v_job from public.response_jobs
    where route = p_route and priority = p_priority and status = 'queued' and ready and ready_xid >= p_from
      and owner_key > p_after_owner and min_life_ms <= p_life_ms and id <> all (p_picked)
    order by owner_key, run_at limit 1
    for update skip locked;
  end if;
  return v_job;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.next_of_owner(p_route text, p_priority smallint, p_owner uuid, p_life_ms bigint, p_picked uuid[], p_limit integer, p_from xid8)
 RETURNS uuid[]
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  return coalesce((
    select array_agg(next.id order by next.run_at)
    from (
      select id, run_at from public.response_jobs
      where route = p_route and priority = p_priority and status = 'queued' and ready and ready_xid >= p_from
        and owner_key = p_owner and min_life_ms <= p_life_ms and id <> all (p_picked)
      order by run_at limit p_limit
      for update skip locked
    ) next
  ), '{}');
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.next_poll(p_job response_jobs, p_after_ms bigint)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  -- least() passes over nulls: a limit that has passed must not bring the poll forward for ever.
  return least(
    durable_responses.clock() + make_interval(secs => p_after_ms / 1000.0),
    case when p_job.background_until > durable_responses.clock() then p_job.background_until end,
    case when p_job.deadline > durable_responses.clock() then p_job.deadline end
  );
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.park_for_review(p_job_id uuid, p_attempt integer, p_reason text, p_error jsonb)
 RETURNS response_jobs
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
begin
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'parked', p_error);
  update public.response_jobs set
    status = 'needs_review', review_reason = p_reason,
    fallback_reason = case status when 'background' then p_error ->> 'code' else fallback_reason end,
    poll_at = null, background_until = null, run_at = null, leased_by = null, leased_until = null
  where id = p_job_id
  returning * into v_job;
  return v_job;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.pause_for(p_job response_jobs, p_error jsonb, p_retry_after_ms bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if p_error ->> 'code' = 'openai_quota_exceeded' then
    perform durable_responses.pause_route(p_job.route, p_error ->> 'code',
      (select quota_pause_s * 1000::bigint from public.response_settings));
  elsif p_error ->> 'code' = 'openai_rate_limited' then
    perform durable_responses.pause_route(p_job.route, p_error ->> 'code',
      greatest(coalesce(p_retry_after_ms, 0), p_job.backoff_base_ms));
  end if;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.pause_route(p_route text, p_code text, p_for_ms bigint)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  update public.response_routes set
    paused_until = greatest(paused_until, durable_responses.clock() + make_interval(secs => p_for_ms / 1000.0)),
    pause_reason = p_code, updated_at = durable_responses.clock()
  where route = p_route;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.pick_fairly(p_route text, p_after_owner uuid, p_limit integer, p_life_ms bigint, p_from xid8)
 RETURNS uuid[]
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_priority smallint;
  v_job public.response_jobs;
  v_before integer;
  v_whole_round boolean;
  v_last_owner uuid;
  v_picked uuid[] := '{}';
begin
  -- From the highest priority down, each used up before the next; within one, a job from each owner in
  -- turn, beginning after the one served last, round after round until a whole round finds nothing.
  while cardinality(v_picked) < p_limit loop
    select priority into v_priority from public.response_jobs
    where route = p_route and status = 'queued' and ready and ready_xid >= p_from
      and (v_priority is null or priority < v_priority)
    order by priority desc limit 1;
    exit when v_priority is null;
    v_job.owner_key := p_after_owner;
    v_before := -1;
    v_whole_round := false;
    while cardinality(v_picked) < p_limit loop
      v_job := durable_responses.next_in_turn(p_route, v_priority, v_job.owner_key, p_life_ms, v_picked, p_from);
      if v_job.id is not null then
        v_picked := v_picked || v_job.id;
        v_last_owner := v_job.owner_key;
        continue;
      end if;
      exit when v_before = cardinality(v_picked);
      -- A round over all owners that found one job: only one owner waits. One by one, every further job would be
      -- looked for behind all that are picked already, here and by others.
      if v_whole_round and cardinality(v_picked) = v_before + 1 then
        v_picked := v_picked || durable_responses.next_of_owner(
          p_route, v_priority, v_last_owner, p_life_ms, v_picked, p_limit - cardinality(v_picked), p_from);
        exit;
      end if;
      v_before := cardinality(v_picked);
      v_whole_round := true;
    end loop;
  end loop;
  return v_picked;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.pick_of_few(p_route text, p_after_owner uuid, p_limit integer, p_life_ms bigint, p_from xid8, OUT picked uuid[], OUT few boolean, OUT lowest xid8)
 RETURNS record
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  -- More than these are picked by index. Enough that a backlog of a moment counts as few.
  v_few constant integer := 4 * p_limit + 32;
  -- Some of the best may be locked by other claims.
  v_tried constant integer := 2 * p_limit + 16;
  -- Not written out below: that would invite the planner to read an index of all that waits.
  v_queued constant public.response_job_status[] := '{queued}';
  v_waiting integer;
  v_best integer;
begin
  with waiting as materialized (
    select id, priority, owner_key, run_at, min_life_ms, ready_xid from public.response_jobs
    where route = p_route and status = 'queued' and ready and ready_xid >= p_from
    order by ready_xid limit v_few + 1
  ), turns as (
    select id, priority, owner_key, row_number() over (partition by priority, owner_key order by run_at) as turn
    from waiting where min_life_ms <= p_life_ms and (select count(*) <= v_few from waiting)
  ), best as materialized (
    select id, row_number() over (order by priority desc, turn, owner_key <= p_after_owner, owner_key) as place
    from turns order by place limit v_tried
  ), locked as (
    select j.id from best b join public.response_jobs j on j.id = b.id
    where j.status = any (v_queued) and j.ready
    order by b.place limit p_limit
    for update of j skip locked
  )
  select
    (select array_agg(id) from locked), (select count(*) from waiting), (select count(*) from best),
    -- One snapshot for both: what was being written while it was taken is above the mark.
    least((select min(ready_xid) from waiting), pg_snapshot_xmin(pg_current_snapshot()))
  into picked, v_waiting, v_best, lowest;
  -- Where others are just taking all of the best, there may be more behind them.
  few := v_waiting <= v_few and (picked is not null or v_best < v_tried);
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.promote_delayed(p_limit integer)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  -- The guard sets `ready`; the update only has to touch the row.
  update public.response_jobs set run_at = run_at
  where id in (
    select id from public.response_jobs
    where status = 'queued' and not ready and run_at <= durable_responses.clock()
    order by run_at limit p_limit
    for update skip locked
  );
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.recover_lost_leases(p_limit integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
  v_error jsonb;
  v_uncertain text;
  v_count integer := 0;
begin
  for v_job in
    select * from public.response_jobs
    where status = 'running' and leased_until <= durable_responses.clock()
    order by leased_until limit p_limit
    for update skip locked
  loop
    v_error := jsonb_build_object(
      'code', 'worker_lost',
      'message', format('Cannot finish attempt %s: worker %s stopped renewing its lease', v_job.attempt, v_job.leased_by),
      'hint', 'The platform ended the worker (wall clock, CPU, memory or a deploy). See the function''s logs; long runs belong on an off-platform worker.');
    v_uncertain := durable_responses.settle_calls(v_job, v_job.attempt);
    if v_uncertain is not null then
      perform durable_responses.park_for_review(v_job.id, v_job.attempt, v_uncertain, v_error);
    else
      perform durable_responses.end_attempt(v_job.id, v_job.attempt, 'lost', v_error);
      perform durable_responses.requeue_after_failure(v_job, v_error);
    end if;
    v_count := v_count + 1;
  end loop;
  return v_count;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.requeue_after_failure(p_job response_jobs, p_error jsonb, p_retry_after_ms bigint DEFAULT NULL::bigint)
 RETURNS response_jobs
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now timestamptz := durable_responses.clock();
  v_run_at timestamptz;
  v_job public.response_jobs;
begin
  if p_job.failures + 1 >= p_job.max_attempts then
    return durable_responses.finish_failed(p_job.id, p_error || jsonb_build_object(
      'message', format('%s (attempt %s of %s)', p_error ->> 'message', p_job.failures + 1, p_job.max_attempts)));
  end if;
  -- A Retry-After is a floor; the jitter goes on top, so that waiting jobs do not all come back at once.
  v_run_at := v_now + make_interval(secs => (
    coalesce(p_retry_after_ms, 0)
    + durable_responses.backoff_ms(p_job.failures + 1, p_job.backoff_base_ms, p_job.backoff_cap_ms)) / 1000.0);
  if v_run_at >= p_job.deadline then
    return durable_responses.finish_failed(p_job.id, jsonb_build_object(
      'code', 'deadline_exceeded',
      'message', format('Cannot try again before the deadline %s: the last try failed with %s: %s',
        to_char(p_job.deadline at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), p_error ->> 'code', p_error ->> 'message'),
      'hint', coalesce(p_error ->> 'hint', 'Mend what failed, then retry the job.')));
  end if;
  update public.response_jobs set
    status = 'queued', run_at = v_run_at, failures = failures + 1, leased_by = null, leased_until = null
  where id = p_job.id
  returning * into v_job;
  return v_job;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.route_background_failed(p_route text, p_code text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  -- A rate limit, a quota or an unreachable OpenAI says nothing about background.
  update public.response_routes r set
    background_failures = r.background_failures + 1, last_failure = p_code,
    breaker = case
      when r.breaker = 'closed' and p_code <> 'background_unsupported' and r.background_failures + 1 < s.breaker_failures
        then 'closed' else 'open' end::public.response_breaker,
    probe_at = case
      when r.breaker = 'closed' and p_code <> 'background_unsupported' and r.background_failures + 1 < s.breaker_failures
        then null
      -- Once open, failures of jobs that were under way do not put the next probe off; nor does the
      -- probe's own, which set the time when it began.
      when r.breaker <> 'closed' then r.probe_at
      else durable_responses.clock() + make_interval(secs => s.probe_interval_s) end,
    updated_at = durable_responses.clock()
  from public.response_settings s
  where r.route = p_route
    and p_code not in ('openai_rate_limited', 'openai_unreachable', 'openai_timeout', 'openai_quota_exceeded',
      'output_invalid', 'response_cancelled');
$function$;
CREATE OR REPLACE FUNCTION durable_responses.route_succeeded(p_route text, p_mode response_mode, p_took_ms bigint)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now timestamptz := durable_responses.clock();
  v_took integer := least(greatest(p_took_ms, 0), 2147483647);
begin
  if p_mode = 'background' then
    update public.response_routes set
      breaker = 'closed', background_failures = 0, probe_at = null, updated_at = v_now
    where route = p_route and (breaker <> 'closed' or background_failures > 0);
  else
    update public.response_routes set paused_until = null, pause_reason = null, updated_at = v_now
    where route = p_route and paused_until <= v_now;
    update public.response_routes r set
      typical_ms = coalesce((r.typical_ms * 7 + v_took) / 8, v_took), updated_at = v_now
    where r.route in (select c.route from public.response_routes c where c.route = p_route for update skip locked);
  end if;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.seen_worker(p_worker text, p_kind text)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_count integer;
  v_fresh boolean;
begin
  select count(*), coalesce(bool_or(id = p_worker and seen_at between v_now - interval '5 s' and v_now), false)
  into v_count, v_fresh
  from public.response_workers where seen_at > v_now - interval '1 minute';
  -- Once in 5 s is enough to count as alive for a minute, and spares nearly every claim a write.
  if not v_fresh then
    insert into public.response_workers (id, kind, started_at, seen_at) values (p_worker, p_kind, v_now, v_now)
    on conflict (id) do update set seen_at = excluded.seen_at;
    v_count := (select count(*) from public.response_workers where seen_at > v_now - interval '1 minute');
  end if;
  return v_count;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.set_mark(p_route text, p_ready_from xid8, p_few boolean, p_leases_from timestamp with time zone, p_whole boolean)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now constant timestamptz := durable_responses.clock();
begin
  -- One at a time, and nobody waits: whoever comes second leaves it to the first.
  if pg_try_advisory_xact_lock(hashtextextended('durable_responses.marks', 0)) then
    insert into durable_responses.marks as m (route, ready_from, few, leases_from, marked_at, whole_at)
    values (p_route, p_ready_from, p_few, p_leases_from, v_now, v_now)
    on conflict (route) do update set
      ready_from = excluded.ready_from, few = excluded.few, leases_from = excluded.leases_from, marked_at = v_now,
      whole_at = case when p_whole then v_now else m.whole_at end;
  end if;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.settle_calls(p_job response_jobs, p_attempt integer)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now timestamptz := durable_responses.clock();
  v_call public.response_steps;
begin
  -- Harmless ones are simply made again; so is everything when the profile says retry.
  update public.response_steps set status = 'void', finished_at = v_now
  where job_id = p_job.id and attempt = p_attempt
    and (status = 'started' and effect is distinct from 'once'
      or status in ('started', 'uncertain') and p_job.on_uncertain = 'retry');
  update public.response_steps set status = 'uncertain'
  where job_id = p_job.id and attempt = p_attempt and status = 'started';
  select * into v_call from public.response_steps
  where job_id = p_job.id and attempt = p_attempt and status = 'uncertain' order by number limit 1;
  if found then
    return format('The call of %s at %s was in flight when attempt %s ended: it may or may not have happened',
      coalesce(v_call.tool, 'a tool'), coalesce(v_call.server_label, 'its server'), p_attempt);
  end if;
  return null;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.stamp_watch()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  -- Whatever was written: no watch lasts longer than this. By now() and not durable_responses.clock(), as
  -- this runs with the rights of a user, who may not call that.
  new.watched_until := now() + interval '45 s';
  return new;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.too_many_jobs(p_owner_id uuid)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
 SET enable_seqscan TO 'off'
AS $function$
begin
  return (
    select s.max_unfinished_per_user is not null and s.max_unfinished_per_user <= (
      select count(*) from (
        select from public.response_jobs where owner_id = p_owner_id and finished_at is null
        limit s.max_unfinished_per_user
      ) unfinished)
    from public.response_settings s
  );
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.took_ms(p_job_id uuid, p_attempt integer)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
begin
  return (
    select floor(extract(epoch from durable_responses.clock() - started_at) * 1000)
    from public.response_attempts where job_id = p_job_id and number = p_attempt
  );
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.transition_allowed(p_from response_job_status, p_to response_job_status)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO ''
AS $function$
begin
  return case p_from
    when 'queued' then p_to in ('running', 'cancelled', 'failed', 'needs_review')
    when 'running' then p_to in ('completed', 'failed', 'cancelled', 'queued', 'awaiting_approval', 'needs_review')
    when 'background' then p_to in ('completed', 'failed', 'cancelled', 'queued', 'awaiting_approval', 'needs_review')
    when 'awaiting_approval' then p_to in ('queued', 'cancelled', 'failed')
    when 'needs_review' then p_to in ('queued', 'cancelled', 'completed', 'failed')
    else false
  end;
end;
$function$;
CREATE OR REPLACE FUNCTION durable_responses.write_steps(p_job response_jobs, p_attempt integer, p_steps jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now timestamptz := durable_responses.clock();
  v_last integer;
begin
  -- Most runs end with nothing that is not saved already.
  if jsonb_array_length(p_steps) = 0 then
    return;
  end if;
  v_last := coalesce((select max(number) from public.response_steps where job_id = p_job.id), 0);
  insert into public.response_steps (
    job_id, number, attempt, item_id, kind, status, effect, server_label, tool, arguments, call_key,
    output, error, item, started_at, finished_at
  )
  select
    p_job.id, v_last + ordinality, p_attempt, s ->> 'item_id', s ->> 'kind', (s ->> 'status')::public.response_step_status,
    (s ->> 'effect')::public.response_effect, s ->> 'server_label', s ->> 'tool', s ->> 'arguments', s ->> 'call_key',
    s ->> 'output', s ->> 'error', nullif(s -> 'item', 'null'), v_now,
    case when s ->> 'status' in ('started', 'uncertain', 'waiting') then null else v_now end
  from jsonb_array_elements(p_steps) with ordinality as given(s, ordinality)
  on conflict (job_id, attempt, item_id) do update set
    status = excluded.status, effect = excluded.effect, arguments = coalesce(excluded.arguments, response_steps.arguments),
    call_key = coalesce(excluded.call_key, response_steps.call_key), output = excluded.output, error = excluded.error,
    item = excluded.item, finished_at = excluded.finished_at
  -- What is settled stays settled: a late repeat of an earlier event changes nothing.
  where response_steps.status = 'started';
end;
$function$;
CREATE OR REPLACE FUNCTION public.enqueue_response_job(p_query text, p_profile text DEFAULT 'default'::text, p_owner_id uuid DEFAULT NULL::uuid, p_metadata jsonb DEFAULT '{}'::jsonb)
 RETURNS uuid
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
begin
  if coalesce(btrim(p_query), '') = '' then
    raise exception using errcode = 'DR400', message = 'Cannot enqueue a job without a query: p_query is empty',
      hint = 'select public.enqueue_response_job(''What is in my inbox?'', ''mail'');';
  end if;
  return (public.submit_response_job(
    p_profile => p_profile, p_input => to_jsonb(p_query), p_owner_id => p_owner_id, p_metadata => p_metadata
  ) #>> '{job,id}')::uuid;
end;
$function$;
CREATE OR REPLACE FUNCTION public.fail_response_job(p_job_id uuid, p_attempt integer, p_error jsonb, p_cancel_upstream boolean DEFAULT false, p_steps jsonb DEFAULT '[]'::jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background,running}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(v_job, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(v_job, p_attempt);
  perform durable_responses.pause_for(v_job, p_error, null);
  if p_cancel_upstream then
    update public.response_attempts set cancel_pending = true
    where job_id = p_job_id and number = p_attempt and mode = 'background' and response_id is not null;
  end if;
  -- Even a failure for good waits for a person while a side effect is uncertain: a retry must know.
  if v_uncertain is not null then
    return durable_responses.job_view(durable_responses.park_for_review(p_job_id, p_attempt, v_uncertain, p_error));
  end if;
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'failed', p_error);
  return durable_responses.job_view(durable_responses.finish_failed(p_job_id, p_error));
end;
$function$;
CREATE OR REPLACE FUNCTION public.fall_back_response_job(p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint DEFAULT 0, p_steps jsonb DEFAULT '[]'::jsonb, p_unknown boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{background}');
  v_uncertain text;
begin
  perform durable_responses.write_steps(v_job, p_attempt, p_steps);
  v_uncertain := durable_responses.settle_calls(v_job, p_attempt);
  if p_unknown and v_job.once_tools and v_job.on_uncertain = 'review' then
    v_uncertain := coalesce(v_uncertain,
      'OpenAI may have run this in background and called its tools, but nobody knows: no response could be found');
    perform durable_responses.write_steps(v_job, p_attempt, jsonb_build_array(jsonb_build_object(
      'item_id', 'background_run', 'kind', 'background_run', 'status', 'uncertain')));
  end if;
  perform durable_responses.route_background_failed(v_job.route, p_error ->> 'code');
  perform durable_responses.pause_for(v_job, p_error, p_retry_after_ms);
  if v_uncertain is not null then
    v_job := durable_responses.park_for_review(p_job_id, p_attempt, v_uncertain, p_error);
    return durable_responses.job_view(v_job);
  end if;
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'failed', p_error);
  if v_job.deadline <= durable_responses.clock() then
    v_job := durable_responses.finish_failed(p_job_id, durable_responses.deadline_error(v_job));
  else
    update public.response_jobs set
      status = 'queued', fallback_reason = p_error ->> 'code',
      run_at = durable_responses.clock() + make_interval(secs => coalesce(p_retry_after_ms, 0) / 1000.0),
      response_id = null, poll_at = null, background_until = null
    where id = p_job_id
    returning * into v_job;
  end if;
  return durable_responses.job_view(v_job);
end;
$function$;
CREATE OR REPLACE FUNCTION public.get_response_job(p_job_id uuid, p_owner_id uuid DEFAULT NULL::uuid, p_as_service boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  select durable_responses.job_view(durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, false));
$function$;
CREATE OR REPLACE FUNCTION public.get_response_record(p_job_id uuid, p_owner_id uuid DEFAULT NULL::uuid, p_as_service boolean DEFAULT false, p_after integer DEFAULT 0, p_with_input boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, false);
begin
  return durable_responses.job_view(v_job)
    || jsonb_build_object(
      'model', v_job.request ->> 'model',
      -- In the order in which they finished: a call that is shown keeps its place, whatever finishes later.
      'calls', (
        select coalesce(jsonb_agg(c.item order by c.finished_at, c.number), '[]'::jsonb)
        from (
          select s.finished_at, s.number, coalesce(s.item, jsonb_build_object(
            'type', 'mcp_call', 'id', s.item_id, 'server_label', s.server_label, 'name', s.tool,
            'arguments', coalesce(s.arguments, '{}'), 'output', s.output, 'error', s.error
          )) as item
          from public.response_steps s
          where s.job_id = v_job.id and s.kind = 'mcp_call' and s.status in ('finished', 'failed')
          order by s.finished_at, s.number
          offset p_after
        ) c
      )
    )
    || case when p_with_input
      then jsonb_build_object('input', coalesce(v_job.input, v_job.request -> 'input'))
      else '{}'::jsonb
    end;
end;
$function$;
CREATE OR REPLACE FUNCTION public.probe_response_worker(p_request_id bigint DEFAULT NULL::bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$;
CREATE OR REPLACE FUNCTION public.prune_response_jobs(p_limit integer DEFAULT 10000)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_settings public.response_settings;
  v_now timestamptz := durable_responses.clock();
  v_runs_before timestamptz;
  v_jobs integer;
  v_runs integer;
begin
  select * into v_settings from public.response_settings;
  v_runs_before := v_now - make_interval(days => v_settings.cron_history_days);
  delete from public.response_jobs where id in (
    select j.id from public.response_jobs j
    where j.finished_at < v_now - make_interval(days => v_settings.retention_days)
      -- A cancel that OpenAI has not confirmed yet is still work to do.
      and not exists (select from public.response_attempts a where a.job_id = j.id and a.cancel_pending)
    order by j.finished_at limit p_limit
  );
  get diagnostics v_jobs = row_count;
  -- A run that a server restart cut off has no end_time, one that could not connect has no start_time
  -- either: that is as old as the runs around it.
  delete from cron.job_run_details where runid in (
    select runid from cron.job_run_details
    where coalesce(end_time, start_time) < v_runs_before
      or (coalesce(end_time, start_time) is null and runid < (
        select max(old.runid) from cron.job_run_details old where coalesce(old.end_time, old.start_time) < v_runs_before))
    order by runid limit p_limit
  );
  get diagnostics v_runs = row_count;
  return jsonb_build_object('jobs', v_jobs, 'cron_runs', v_runs);
end;
$function$;
CREATE OR REPLACE FUNCTION public.quarantine_response_job(p_job_id uuid, p_attempt integer, p_error jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{running}');
begin
  -- A person looks whatever on_uncertain says: the ledger and the model contradict each other.
  update public.response_steps set
    status = (case effect when 'once' then 'uncertain' else 'void' end)::public.response_step_status,
    finished_at = case when effect is distinct from 'once' then durable_responses.clock() end
  where job_id = p_job_id and attempt = p_attempt and status = 'started';
  return durable_responses.job_view(
    durable_responses.park_for_review(p_job_id, p_attempt, p_error ->> 'message', p_error));
end;
$function$;
CREATE OR REPLACE FUNCTION public.record_background_response(p_job_id uuid, p_attempt integer, p_response_id text, p_request_id text DEFAULT NULL::text, p_poll_ms integer DEFAULT 30000)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
  v_known text;
begin
  select * into v_job from public.response_jobs where id = p_job_id for update;
  if not found then
    raise exception using errcode = 'DR404', message = format('Cannot find job %s', p_job_id);
  end if;
  select response_id into v_known from public.response_attempts where job_id = p_job_id and number = p_attempt;
  if v_job.status = 'background' and v_job.attempt = p_attempt and v_job.response_id is null then
    update public.response_jobs set
      response_id = p_response_id, poll_at = durable_responses.next_poll(v_job, p_poll_ms)
    where id = p_job_id
    returning * into v_job;
  end if;
  if v_known is null then
    -- The job may have moved on while OpenAI was answering (cancelled, or past its accept budget). Then
    -- the response is an orphan that must not run its tools: it stays marked until its cancel is confirmed.
    update public.response_attempts set
      response_id = p_response_id, request_id = p_request_id,
      cancel_pending = v_job.response_id is distinct from p_response_id
    where job_id = p_job_id and number = p_attempt;
  end if;
  return jsonb_build_object(
    'orphaned', v_known is null and v_job.response_id is distinct from p_response_id,
    'job', durable_responses.job_view(v_job));
end;
$function$;
CREATE OR REPLACE FUNCTION public.release_response_jobs(p_worker text, p_jobs jsonb, p_full_life_ms bigint DEFAULT NULL::bigint)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now timestamptz := durable_responses.clock();
  v_held jsonb;
  v_job public.response_jobs;
  v_full boolean;
  v_lives integer;
  v_uncertain text;
  v_count integer := 0;
begin
  for v_held in select value from jsonb_array_elements(p_jobs) order by value ->> 'id' loop
    select * into v_job from public.response_jobs
    where id = (v_held ->> 'id')::uuid and attempt = (v_held ->> 'attempt')::integer
      and status = 'running' and leased_by = p_worker
    for update;
    continue when not found;
    v_count := v_count + 1;
    v_full := coalesce((v_held ->> 'full_life')::boolean, false);
    v_uncertain := durable_responses.settle_calls(v_job, v_job.attempt);
    if v_uncertain is not null then
      perform durable_responses.park_for_review(v_job.id, v_job.attempt, v_uncertain, null);
      continue;
    end if;
    perform durable_responses.end_attempt(v_job.id, v_job.attempt, 'handed_over');
    -- Progress is what the next run is spared: not reasoning and messages, which it makes anew, nor a
    -- list of tools that an earlier run had fetched already.
    if exists (
      select from public.response_steps s
      where s.job_id = v_job.id and s.attempt = v_job.attempt and s.status in ('finished', 'failed')
        and s.kind not in ('reasoning', 'message')
        and (s.kind <> 'mcp_list_tools' or not exists (
          select from public.response_steps before
          where before.job_id = v_job.id and before.attempt < v_job.attempt and before.kind = s.kind
            and before.item ->> 'server_label' is not distinct from s.item ->> 'server_label'))
    ) then
      update public.response_jobs set
        status = 'queued', run_at = v_now, leased_by = null, leased_until = null, stalled_lives = 0, min_life_ms = 0
      where id = v_job.id;
      continue;
    end if;
    -- Nothing finished: next time with a whole life; and after two whole lives only with no wall clock.
    v_lives := v_job.stalled_lives + v_full::integer;
    if v_lives < 2 then
      update public.response_jobs set
        status = 'queued', run_at = v_now, leased_by = null, leased_until = null,
        stalled_lives = v_lives, min_life_ms = coalesce(p_full_life_ms, min_life_ms)
      where id = v_job.id;
    elsif exists (select from public.response_workers where kind = 'process' and seen_at > v_now - interval '1 minute') then
      update public.response_jobs set
        status = 'queued', run_at = v_now, leased_by = null, leased_until = null,
        stalled_lives = v_lives, min_life_ms = 9223372036854775807
      where id = v_job.id;
    else
      perform durable_responses.finish_failed(v_job.id, jsonb_build_object(
        'code', 'budget_exceeded',
        'message', format('Cannot finish within a worker''s life: two whole lives (%s s each) finished not a single step',
          round(coalesce(p_full_life_ms, 0) / 1000.0)),
        'hint', 'Make the step shorter (a smaller task, less reasoning, a faster tool), or run an off-platform worker, which has no wall clock: npm run worker; then retry the job.'));
    end if;
  end loop;
  return v_count;
end;
$function$;
CREATE OR REPLACE FUNCTION public.renew_response_leases(p_worker text, p_jobs jsonb, p_lease_ms integer DEFAULT 30000)
 RETURNS jsonb
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  update public.response_workers set seen_at = durable_responses.clock() where id = p_worker;
  with held as (
    select (held ->> 'id')::uuid as id, (held ->> 'attempt')::integer as attempt
    from jsonb_array_elements(p_jobs) held
  ), renewed as (
    update public.response_jobs j set
      leased_until = durable_responses.clock() + make_interval(secs => p_lease_ms / 1000.0)
    from held
    where j.id = held.id and j.attempt = held.attempt and j.status = 'running' and j.leased_by = p_worker
    returning j.id
  )
  select coalesce(jsonb_agg(id), '[]'::jsonb) from renewed;
$function$;
CREATE OR REPLACE FUNCTION public.resolve_response_job(p_job_id uuid, p_outcome text, p_output text DEFAULT NULL::text, p_owner_id uuid DEFAULT NULL::uuid, p_as_service boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now timestamptz := durable_responses.clock();
  v_job public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, true);
begin
  if p_outcome not in ('happened', 'did_not_happen', 'cancel') then
    raise exception using errcode = 'DR400',
      message = 'Cannot resolve with that outcome: it must be happened, did_not_happen or cancel';
  end if;
  if v_job.status <> 'needs_review' then
    raise exception using errcode = 'DR409', message = format('Cannot resolve job %s: it is %s', p_job_id, v_job.status),
      hint = 'Only a job that needs_review can be resolved, once.';
  end if;
  update public.response_steps set
    status = case p_outcome when 'happened' then 'finished' when 'did_not_happen' then 'void' else 'uncertain' end::public.response_step_status,
    finished_at = case when p_outcome <> 'cancel' then v_now end,
    output = case p_outcome when 'happened'
      then coalesce(p_output, 'A person has confirmed that this happened; its output is not known.') else output end,
    answer = jsonb_strip_nulls(jsonb_build_object('outcome', p_outcome, 'output', p_output)),
    answered_by = coalesce(p_owner_id::text, 'service'), answered_at = v_now
  where job_id = p_job_id and status = 'uncertain';
  if p_outcome = 'cancel' then
    update public.response_jobs set status = 'cancelled', finished_at = v_now where id = p_job_id returning * into v_job;
  else
    update public.response_jobs set status = 'queued', run_at = v_now where id = p_job_id returning * into v_job;
  end if;
  return durable_responses.job_view(v_job);
end;
$function$;
CREATE OR REPLACE FUNCTION public.response_doctor()
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
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
$function$;
CREATE OR REPLACE FUNCTION public.response_overview()
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO ''
AS $function$
declare
  v_claims constant jsonb := coalesce(auth.jwt(), '{}');
  v_found jsonb;
begin
  if coalesce(v_claims ->> 'role', '') <> 'service_role'
    and coalesce(v_claims -> 'app_metadata' ->> 'durable_responses', '') <> 'operator' then
    raise exception using errcode = '42501',
      message = 'Cannot show the overview: it is for operators, and the caller is none',
      hint = 'Set durable_responses to "operator" in the user''s app_metadata, and sign in again; see docs/operating.md.';
  end if;
  v_found := public.response_doctor();
  return jsonb_build_object('health', v_found -> 'jobs', 'cron', v_found -> 'cron', 'net', v_found -> 'net');
end;
$function$;
CREATE OR REPLACE FUNCTION public.response_work_due()
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select exists (
      select from public.response_routes r
      where (r.paused_until is null or r.paused_until <= durable_responses.clock())
        and exists (select from public.response_jobs j where j.route = r.route and j.status = 'queued' and j.ready)
    )
    or exists (select from public.response_jobs where status = 'queued' and not ready and run_at <= durable_responses.clock())
    or exists (select from public.response_jobs where status = 'running' and leased_until <= durable_responses.clock())
    or exists (select from public.response_jobs where status = 'background' and poll_at <= durable_responses.clock())
    or exists (select from public.response_jobs where status in ('queued', 'awaiting_approval') and deadline <= durable_responses.clock())
    or exists (select from public.response_jobs where status = 'awaiting_approval' and approval_until <= durable_responses.clock())
    or exists (select from public.response_attempts where cancel_pending);
$function$;
CREATE OR REPLACE FUNCTION public.retry_response_job(p_job_id uuid, p_owner_id uuid DEFAULT NULL::uuid, p_as_service boolean DEFAULT false)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now timestamptz := durable_responses.clock();
  v_old public.response_jobs := durable_responses.find_visible_job(p_job_id, p_owner_id, p_as_service, true);
  v_unread boolean;
  v_uncertain boolean;
  v_new public.response_jobs;
begin
  if v_old.status = 'queued' then
    update public.response_jobs set run_at = least(run_at, v_now) where id = p_job_id returning * into v_new;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_new));
  end if;
  if v_old.status = 'needs_review' then
    return jsonb_build_object('created', false,
      'job', public.resolve_response_job(p_job_id, 'did_not_happen', null, p_owner_id, p_as_service));
  end if;
  if v_old.status not in ('failed', 'cancelled') then
    raise exception using errcode = 'DR409', message = format('Cannot retry job %s: it is %s', p_job_id, v_old.status),
      hint = 'A failed or cancelled job can be retried, a queued one run at once, and one that needs_review run again.';
  end if;
  -- A background run that was cut off is unread: nobody knows what it did before it was cancelled.
  v_unread := v_old.once_tools and v_old.on_uncertain = 'review' and exists (
    select from public.response_attempts
    where job_id = p_job_id and number = v_old.attempt and mode = 'background'
      and (outcome = 'cancelled' or error_code = 'deadline_exceeded'));
  v_uncertain := v_unread or exists (select from public.response_steps where job_id = p_job_id and status = 'uncertain');
  -- A final row never changes, so a retry is a new job. One per original: pressing twice gives the same one.
  insert into public.response_jobs (
    owner_id, status, profile, input, request, metadata, retry_of, priority,
    max_attempts, backoff_base_ms, backoff_cap_ms, deadline, run_at, review_reason,
    route, once_tools, on_uncertain, approval_ms, created_at, updated_at
  ) values (
    v_old.owner_id, (case when v_uncertain then 'needs_review' else 'queued' end)::public.response_job_status,
    v_old.profile, v_old.input, v_old.request, v_old.metadata, v_old.id, v_old.priority,
    v_old.max_attempts, v_old.backoff_base_ms, v_old.backoff_cap_ms, v_now + (v_old.deadline - v_old.created_at),
    case when not v_uncertain then v_now end,
    case when v_uncertain then 'The job that this one retries ended while a side effect was uncertain' end,
    v_old.route, v_old.once_tools, v_old.on_uncertain, v_old.approval_ms, v_now, v_now
  )
  on conflict (retry_of) where retry_of is not null do nothing
  returning * into v_new;
  if not found then
    select * into v_new from public.response_jobs where retry_of = p_job_id;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_new));
  end if;
  -- What the old job did is done: its ledger goes along, so that the new one does not do it again. The
  -- final messages stay behind: they are answers of the run that failed.
  insert into public.response_steps (
    job_id, number, attempt, item_id, kind, status, effect, server_label, tool, arguments, call_key,
    output, error, item, answer, answered_by, answered_at, started_at, finished_at
  )
  select v_new.id, number, 0, attempt || ':' || item_id, kind, status, effect, server_label, tool, arguments, call_key,
    output, error, item,
    case when status <> 'uncertain' then answer end, case when status <> 'uncertain' then answered_by end,
    case when status <> 'uncertain' then answered_at end, started_at, finished_at
  from public.response_steps
  where job_id = p_job_id and (status in ('finished', 'failed') and kind <> 'message' or status = 'uncertain');
  if v_unread then
    perform durable_responses.write_steps(v_new, 0, jsonb_build_array(jsonb_build_object(
      'item_id', 'background_run', 'kind', 'background_run', 'status', 'uncertain')));
  end if;
  return jsonb_build_object('created', true, 'job', durable_responses.job_view(v_new));
end;
$function$;
CREATE OR REPLACE FUNCTION public.retry_response_later(p_job_id uuid, p_attempt integer, p_error jsonb, p_retry_after_ms bigint DEFAULT NULL::bigint)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs := durable_responses.lock_job(p_job_id, p_attempt, '{running}');
  v_uncertain text := durable_responses.settle_calls(v_job, p_attempt);
begin
  perform durable_responses.pause_for(v_job, p_error, p_retry_after_ms);
  if v_uncertain is not null then
    return durable_responses.job_view(durable_responses.park_for_review(p_job_id, p_attempt, v_uncertain, p_error));
  end if;
  perform durable_responses.end_attempt(p_job_id, p_attempt, 'failed', p_error);
  v_job := durable_responses.requeue_after_failure(v_job, p_error, p_retry_after_ms);
  return durable_responses.job_view(v_job);
end;
$function$;
CREATE OR REPLACE FUNCTION public.save_response_steps(p_job_id uuid, p_attempt integer, p_steps jsonb)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_job public.response_jobs;
  v_late jsonb;
  v_call jsonb;
begin
  select * into v_job from public.response_jobs where id = p_job_id for update;
  if not found then
    raise exception using errcode = 'DR404',
      message = format('Cannot find job %s', p_job_id), hint = 'It may have been pruned: see response_settings.retention_days.';
  end if;
  if v_job.attempt = p_attempt and v_job.status = 'running' then
    perform durable_responses.write_steps(v_job, p_attempt, p_steps);
    return true;
  end if;
  -- Too late to matter for the run, but not for the world: a call that an attempt made while it could not
  -- reach the database is evidence, and the only one. It is kept, and the job stops for a person if its
  -- next attempt may be about to make the same call.
  select jsonb_agg(case when s ->> 'status' = 'started' then s || '{"status": "uncertain"}' else s end) into v_late
  from jsonb_array_elements(p_steps) s
  where s ->> 'effect' = 'once' and s ->> 'status' in ('started', 'uncertain', 'finished');
  if v_late is null or p_attempt > v_job.attempt then
    return false;
  end if;
  perform durable_responses.write_steps(v_job, p_attempt, v_late);
  v_call := v_late -> 0;
  if v_job.on_uncertain = 'review' and (v_job.status = 'running' or (v_job.status = 'queued' and exists (
    select from public.response_steps where job_id = p_job_id and attempt = p_attempt and status = 'uncertain'
  ))) then
    perform durable_responses.settle_calls(v_job, v_job.attempt);
    perform durable_responses.park_for_review(p_job_id, v_job.attempt,
      format('Attempt %s reported late that it had called %s at %s', p_attempt, v_call ->> 'tool', v_call ->> 'server_label'), null);
  end if;
  return false;
end;
$function$;
CREATE OR REPLACE FUNCTION public.sign_off_response_worker(p_worker text)
 RETURNS boolean
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  delete from public.response_workers
  where id = p_worker or seen_at < durable_responses.clock() - interval '1 hour';
  select public.response_work_due();
$function$;
CREATE OR REPLACE FUNCTION public.submit_response_job(p_profile text, p_input jsonb DEFAULT NULL::jsonb, p_request jsonb DEFAULT NULL::jsonb, p_owner_id uuid DEFAULT NULL::uuid, p_metadata jsonb DEFAULT '{}'::jsonb, p_idempotency_key text DEFAULT NULL::text, p_request_hash text DEFAULT NULL::text, p_mode response_mode DEFAULT 'synchronous'::response_mode, p_priority integer DEFAULT 0, p_accept_ms integer DEFAULT 20000, p_background_ms integer DEFAULT 600000, p_deadline_ms bigint DEFAULT 86400000, p_max_attempts integer DEFAULT 5, p_backoff_base_ms integer DEFAULT 1000, p_backoff_cap_ms integer DEFAULT 300000, p_route text DEFAULT NULL::text, p_model text DEFAULT ''::text, p_tool_servers text[] DEFAULT '{}'::text[], p_once_tools boolean DEFAULT true, p_on_uncertain text DEFAULT 'review'::text, p_approval_ms bigint DEFAULT 604800000, p_poll_ms integer DEFAULT 30000)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_name constant text := coalesce(p_route, p_profile);
  v_route public.response_routes;
  v_full boolean := false;
  v_skip text;
  v_background boolean;
  v_created boolean := false;
  v_job public.response_jobs;
begin
  if p_input is null and p_request is null then
    raise exception using errcode = 'DR400', message = 'Cannot submit a job without input: p_input and p_request are both null',
      hint = 'Give p_input => to_jsonb(''your question''::text), or call enqueue_response_job().';
  end if;
  select * into v_route from public.response_routes where route = v_name;
  if not found then
    perform durable_responses.ensure_route(v_name, p_profile, p_model, p_tool_servers);
  end if;
  if p_owner_id is not null then
    v_full := durable_responses.too_many_jobs(p_owner_id);
  end if;
  -- The insert finds a repeat by itself. Asked for before only where a repeat must be answered though a new job
  -- would be refused, or must not use up the route's probe.
  if v_full or (p_mode = 'background' and (v_route.breaker <> 'closed' or v_route.paused_until > v_now)) then
    v_job := durable_responses.find_repeat(p_owner_id, p_idempotency_key);
  end if;
  if v_job.id is null then
    if v_full then
      raise exception using errcode = 'DR429',
        message = format('Cannot accept another job of this user: %s have not finished, and no more are allowed at a time',
          (select max_unfinished_per_user from public.response_settings)),
        hint = 'Wait until some have finished, or cancel some; response_settings.max_unfinished_per_user is the limit.';
    end if;
    if p_mode = 'background' and (v_route.breaker <> 'closed' or v_route.paused_until > v_now) then
      v_skip := durable_responses.background_verdict(v_name);
    end if;
    v_background := p_mode = 'background' and v_skip is null;
    insert into public.response_jobs (
      owner_id, status, profile, input, request, metadata, idempotency_key, request_hash, priority,
      attempt, max_attempts, backoff_base_ms, backoff_cap_ms, deadline,
      poll_at, background_until, run_at, fallback_reason, route, once_tools, on_uncertain, approval_ms, poll_ms, created_at, updated_at
    ) values (
      p_owner_id, (case when v_background then 'background' else 'queued' end)::public.response_job_status,
      p_profile, p_input, p_request, coalesce(p_metadata, '{}'), p_idempotency_key, p_request_hash, p_priority,
      v_background::integer, p_max_attempts, p_backoff_base_ms, p_backoff_cap_ms,
      v_now + make_interval(secs => p_deadline_ms / 1000.0),
      case when v_background then v_now + make_interval(secs => least(p_accept_ms, p_background_ms, p_deadline_ms) / 1000.0) end,
      case when v_background then v_now + make_interval(secs => p_background_ms / 1000.0) end,
      case when not v_background then v_now end,
      v_skip, v_name, p_once_tools, p_on_uncertain, p_approval_ms, p_poll_ms, v_now, v_now
    )
    on conflict (owner_id, idempotency_key) where idempotency_key is not null do nothing
    returning * into v_job;
    v_created := found;
    if not found then
      v_job := durable_responses.find_repeat(p_owner_id, p_idempotency_key);
    end if;
  end if;

  if not v_created then
    if v_job.request_hash is distinct from p_request_hash then
      raise exception using errcode = 'DR422',
        message = 'Cannot use this Idempotency-Key again: it was used with another request',
        hint = 'Use a new key for a new request, and the same key only to repeat the same one.';
    end if;
    return jsonb_build_object('created', false, 'job', durable_responses.job_view(v_job));
  end if;

  if v_background then
    insert into public.response_attempts (job_id, number, mode, started_at) values (v_job.id, 1, 'background', v_now);
  end if;
  return jsonb_build_object('created', true, 'job', durable_responses.job_view(v_job));
end;
$function$;
CREATE OR REPLACE FUNCTION public.submit_response_jobs(p_jobs jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_now constant timestamptz := durable_responses.clock();
  v_ids uuid[];
  v_given record;
  v_repeat public.response_jobs;
  v_answer jsonb;
begin
  if jsonb_typeof(p_jobs) is distinct from 'array' then
    raise exception using errcode = 'DR400',
      message = format('Cannot submit jobs: p_jobs must be an array, not %s', coalesce(jsonb_typeof(p_jobs), 'null')),
      hint = 'Give [{"profile": "default", "input": "What is new?", "idempotency_key": "news/1"}, …].';
  end if;
  insert into public.response_routes (route, profile, model, created_at, updated_at)
  select distinct p.profile, p.profile, '', v_now, v_now
  from jsonb_to_recordset(p_jobs) as p (profile text)
  where not exists (select from public.response_routes r where r.route = p.profile)
  on conflict (route) do nothing;

  with given as materialized (
    select g.*, gen_random_uuid() as id
    from rows from (jsonb_to_recordset(p_jobs) as (
      profile text, input jsonb, request jsonb, owner_id uuid, metadata jsonb, idempotency_key text,
      priority integer, deadline_ms bigint, max_attempts integer)) with ordinality g
  ), made as (
    insert into public.response_jobs (
      id, owner_id, status, profile, input, request, metadata, idempotency_key, request_hash, priority, max_attempts,
      deadline, run_at, route, created_at, updated_at)
    select id, owner_id, 'queued', profile, input, request, coalesce(metadata, '{}'), idempotency_key,
      durable_responses.hash_of(profile, input, request),
      coalesce(priority, 0), coalesce(max_attempts, 5),
      v_now + make_interval(secs => coalesce(deadline_ms, 86400000) / 1000.0), v_now, profile, v_now, v_now
    from given order by ordinality
    on conflict (owner_id, idempotency_key) where idempotency_key is not null do nothing
    returning id
  )
  select array_agg(m.id order by g.ordinality) into v_ids from given g left join made m on m.id = g.id;
  v_answer := coalesce((
    select jsonb_agg(jsonb_build_object('id', id, 'created', true)) from unnest(v_ids) id), '[]');

  if array_position(v_ids, null) is not null then
    for v_given in
      select g.*, durable_responses.hash_of(profile, input, request) as hash
      from rows from (jsonb_to_recordset(p_jobs) as (
        profile text, input jsonb, request jsonb, owner_id uuid, idempotency_key text)) with ordinality g
      where v_ids[g.ordinality] is null
    loop
      v_repeat := durable_responses.find_repeat(v_given.owner_id, v_given.idempotency_key);
      if v_repeat.request_hash is distinct from v_given.hash then
        raise exception using errcode = 'DR422',
          message = format('Cannot use idempotency key %s again: it was used with another request', left(v_given.idempotency_key, 100)),
          hint = 'Nothing of the batch was submitted. Use a new key for a new request, and the same key only to repeat the same one.';
      end if;
      v_answer := jsonb_set(v_answer, array[(v_given.ordinality - 1)::text],
        jsonb_build_object('id', v_repeat.id, 'created', false));
    end loop;
  end if;
  return v_answer;
end;
$function$;
CREATE OR REPLACE FUNCTION public.wake_response_worker()
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
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
      hint = 'select vault.create_secret(''<value>'', ''<name>''); see docs/operating.md.';
  end if;
  return net.http_post(
    url := rtrim(v_url, '/') || '/functions/v1/run-jobs',
    body := '{"source": "cron"}'::jsonb,
    headers := jsonb_build_object('content-type', 'application/json', 'x-worker-secret', v_secret),
    timeout_milliseconds := 5000
  );
end;
$function$;
CREATE OR REPLACE FUNCTION public.warn_response_attempt(p_job_id uuid, p_attempt integer, p_warning text)
 RETURNS void
 LANGUAGE sql
 SET search_path TO ''
AS $function$
  update public.response_attempts set warnings = warnings || left(p_warning, 500)
  where job_id = p_job_id and number = p_attempt and not left(p_warning, 500) = any (warnings);
$function$;
CREATE OR REPLACE FUNCTION public.watch_response_job(p_job_id uuid)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 SET search_path TO ''
AS $function$
declare
  v_until timestamptz;
begin
  if not exists (select from public.response_jobs where id = p_job_id) then
    raise exception using errcode = 'DR404', message = format('Cannot find job %s', p_job_id),
      hint = 'Check the id; a job of another user is shown to nobody else, and finished jobs are pruned after a while.';
  end if;
  insert into public.response_watches (job_id, watched_until) values (p_job_id, now())
  on conflict (job_id) do update set watched_until = excluded.watched_until
  returning watched_until into v_until;
  return v_until;
end;
$function$;
CREATE OR REPLACE FUNCTION public.watched_response_jobs(p_job_ids uuid[])
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO ''
AS $function$
  select coalesce(jsonb_agg(jsonb_build_object('id', job_id, 'watched_until', watched_until)), '[]'::jsonb)
  from public.response_watches
  where job_id = any (p_job_ids) and watched_until > now();
$function$;

-- Triggers

CREATE TRIGGER response_jobs_announce AFTER UPDATE ON response_jobs REFERENCING OLD TABLE AS before NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION durable_responses.announce_job();
CREATE TRIGGER response_jobs_announce_new AFTER INSERT ON response_jobs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION durable_responses.announce_job();
CREATE TRIGGER response_jobs_guard BEFORE UPDATE ON response_jobs FOR EACH ROW EXECUTE FUNCTION durable_responses.guard_job();
CREATE TRIGGER response_steps_announce AFTER UPDATE ON response_steps FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status) EXECUTE FUNCTION durable_responses.announce_step();
CREATE TRIGGER response_steps_announce_new AFTER INSERT ON response_steps FOR EACH ROW EXECUTE FUNCTION durable_responses.announce_step();
CREATE TRIGGER response_watches_stamp BEFORE INSERT OR UPDATE ON response_watches FOR EACH ROW EXECUTE FUNCTION durable_responses.stamp_watch();

-- Policies

create policy response_attempts_owner_or_operator_reads on public.response_attempts as permissive for select to authenticated using (((((( SELECT auth.jwt() AS jwt) -> 'app_metadata'::text) ->> 'durable_responses'::text) = 'operator'::text) OR (EXISTS ( SELECT
   FROM response_jobs j
  WHERE ((j.id = response_attempts.job_id) AND (j.owner_id = ( SELECT auth.uid() AS uid)))))));
create policy response_jobs_owner_or_operator_reads on public.response_jobs as permissive for select to authenticated using (((owner_id = ( SELECT auth.uid() AS uid)) OR (((( SELECT auth.jwt() AS jwt) -> 'app_metadata'::text) ->> 'durable_responses'::text) = 'operator'::text)));
create policy response_routes_operator_reads on public.response_routes as permissive for select to authenticated using ((((( SELECT auth.jwt() AS jwt) -> 'app_metadata'::text) ->> 'durable_responses'::text) = 'operator'::text));
create policy response_steps_owner_or_operator_reads on public.response_steps as permissive for select to authenticated using (((((( SELECT auth.jwt() AS jwt) -> 'app_metadata'::text) ->> 'durable_responses'::text) = 'operator'::text) OR (EXISTS ( SELECT
   FROM response_jobs j
  WHERE ((j.id = response_steps.job_id) AND (j.owner_id = ( SELECT auth.uid() AS uid)))))));
create policy response_watches_owner_or_operator_adds on public.response_watches as permissive for insert to authenticated with check (((((( SELECT auth.jwt() AS jwt) -> 'app_metadata'::text) ->> 'durable_responses'::text) = 'operator'::text) OR (EXISTS ( SELECT
   FROM response_jobs j
  WHERE ((j.id = response_watches.job_id) AND (j.owner_id = ( SELECT auth.uid() AS uid)))))));
create policy response_watches_owner_or_operator_reads on public.response_watches as permissive for select to authenticated using (((((( SELECT auth.jwt() AS jwt) -> 'app_metadata'::text) ->> 'durable_responses'::text) = 'operator'::text) OR (EXISTS ( SELECT
   FROM response_jobs j
  WHERE ((j.id = response_watches.job_id) AND (j.owner_id = ( SELECT auth.uid() AS uid)))))));
create policy response_watches_owner_or_operator_renews on public.response_watches as permissive for update to authenticated using (((((( SELECT auth.jwt() AS jwt) -> 'app_metadata'::text) ->> 'durable_responses'::text) = 'operator'::text) OR (EXISTS ( SELECT
   FROM response_jobs j
  WHERE ((j.id = response_watches.job_id) AND (j.owner_id = ( SELECT auth.uid() AS uid)))))));
create policy response_workers_operator_reads on public.response_workers as permissive for select to authenticated using ((((( SELECT auth.jwt() AS jwt) -> 'app_metadata'::text) ->> 'durable_responses'::text) = 'operator'::text));
create policy response_jobs_owner_or_operator_listens on realtime.messages as permissive for select to authenticated using (((extension = 'broadcast'::text) AND ((( SELECT realtime.topic() AS topic) = ('response-jobs:'::text || (( SELECT auth.uid() AS uid))::text)) OR (EXISTS ( SELECT
   FROM response_jobs j
  WHERE ((j.id = ("substring"(( SELECT realtime.topic() AS topic), '^response-job:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$'::text))::uuid) AND ((j.owner_id = ( SELECT auth.uid() AS uid)) OR (((( SELECT auth.jwt() AS jwt) -> 'app_metadata'::text) ->> 'durable_responses'::text) = 'operator'::text))))))));

-- Grants (the owner, postgres, may do everything)

grant usage on schema durable_responses to service_role;
grant delete, insert, select, update on durable_responses.marks to service_role;
grant delete, insert, select, update on response_workers to service_role;
grant insert, select, update on response_attempts to service_role;
grant insert, select, update on response_jobs to service_role;
grant insert, select, update on response_routes to service_role;
grant insert, select, update on response_steps to service_role;
grant insert, select, update on response_watches to authenticated;
grant insert, select, update on response_watches to service_role;
grant select on response_health to service_role;
grant select on response_routes to authenticated;
grant select on response_timeline to authenticated;
grant select on response_timeline to service_role;
grant select on response_workers to authenticated;
grant select, update on response_settings to service_role;
grant select (id, owner_id, status, profile, input, metadata, idempotency_key, retry_of, priority, attempt, failures, max_attempts, deadline, response_id, run_at, fallback_reason, output_text, output, output_parsed, usage, error_code, error_message, error_hint, created_at, updated_at, finished_at, on_uncertain, approval_until, review_reason, query_text) on response_jobs to authenticated;
grant select (job_id, number, attempt, item_id, kind, status, effect, server_label, tool, arguments, output, error, answer, answered_by, answered_at, started_at, finished_at) on response_steps to authenticated;
grant select (job_id, number, mode, response_id, outcome, error_code, error_message, usage, started_at, finished_at, warnings) on response_attempts to authenticated;
grant execute on function adopt_background_response(uuid,integer,text,integer) to service_role;
grant execute on function answer_response_approval(uuid,boolean,text,text,uuid,boolean) to service_role;
grant execute on function await_response_approval(uuid,integer,text,jsonb,jsonb) to service_role;
grant execute on function cancel_response_job(uuid,uuid,boolean) to service_role;
grant execute on function claim_background_job(text,integer) to service_role;
grant execute on function claim_background_polls(integer) to service_role;
grant execute on function claim_pending_cancels(integer) to service_role;
grant execute on function claim_response_work(text,integer,integer,bigint,bigint,text,uuid) to service_role;
grant execute on function complete_response_job(uuid,integer,text,jsonb,text,jsonb,jsonb,text,jsonb) to service_role;
grant execute on function complete_response_jobs(jsonb) to service_role;
grant execute on function confirm_upstream_cancel(uuid,integer) to service_role;
grant execute on function connect_response_worker(text,text) to service_role;
grant execute on function durable_responses.background_verdict(text) to service_role;
grant execute on function durable_responses.backoff_ms(integer,integer,integer) to service_role;
grant execute on function durable_responses.clock() to service_role;
grant execute on function durable_responses.deadline_error(response_jobs) to service_role;
grant execute on function durable_responses.end_attempt(uuid,integer,response_attempt_outcome,jsonb,text,text,jsonb) to service_role;
grant execute on function durable_responses.ensure_route(text,text,text,text[]) to service_role;
grant execute on function durable_responses.fail_past_deadline(integer) to service_role;
grant execute on function durable_responses.find_repeat(uuid,text) to service_role;
grant execute on function durable_responses.find_visible_job(uuid,uuid,boolean,boolean) to service_role;
grant execute on function durable_responses.finish_failed(uuid,jsonb) to service_role;
grant execute on function durable_responses.guard_job() to service_role;
grant execute on function durable_responses.hash_of(text,jsonb,jsonb) to service_role;
grant execute on function durable_responses.job_view(response_jobs) to service_role;
grant execute on function durable_responses.job_work(response_jobs) to service_role;
grant execute on function durable_responses.lock_job(uuid,integer,response_job_status[]) to service_role;
grant execute on function durable_responses.next_in_turn(text,smallint,uuid,bigint,uuid[],xid8) to service_role;
grant execute on function durable_responses.next_of_owner(text,smallint,uuid,bigint,uuid[],integer,xid8) to service_role;
grant execute on function durable_responses.next_poll(response_jobs,bigint) to service_role;
grant execute on function durable_responses.park_for_review(uuid,integer,text,jsonb) to service_role;
grant execute on function durable_responses.pause_for(response_jobs,jsonb,bigint) to service_role;
grant execute on function durable_responses.pause_route(text,text,bigint) to service_role;
grant execute on function durable_responses.pick_fairly(text,uuid,integer,bigint,xid8) to service_role;
grant execute on function durable_responses.pick_of_few(text,uuid,integer,bigint,xid8) to service_role;
grant execute on function durable_responses.promote_delayed(integer) to service_role;
grant execute on function durable_responses.recover_lost_leases(integer) to service_role;
grant execute on function durable_responses.requeue_after_failure(response_jobs,jsonb,bigint) to service_role;
grant execute on function durable_responses.route_background_failed(text,text) to service_role;
grant execute on function durable_responses.route_succeeded(text,response_mode,bigint) to service_role;
grant execute on function durable_responses.seen_worker(text,text) to service_role;
grant execute on function durable_responses.set_mark(text,xid8,boolean,timestamp with time zone,boolean) to service_role;
grant execute on function durable_responses.settle_calls(response_jobs,integer) to service_role;
grant execute on function durable_responses.too_many_jobs(uuid) to service_role;
grant execute on function durable_responses.took_ms(uuid,integer) to service_role;
grant execute on function durable_responses.transition_allowed(response_job_status,response_job_status) to service_role;
grant execute on function durable_responses.write_steps(response_jobs,integer,jsonb) to service_role;
grant execute on function enqueue_response_job(text,text,uuid,jsonb) to service_role;
grant execute on function fail_response_job(uuid,integer,jsonb,boolean,jsonb) to service_role;
grant execute on function fall_back_response_job(uuid,integer,jsonb,bigint,jsonb,boolean) to service_role;
grant execute on function get_response_job(uuid,uuid,boolean) to service_role;
grant execute on function get_response_record(uuid,uuid,boolean,integer,boolean) to service_role;
grant execute on function probe_response_worker(bigint) to service_role;
grant execute on function quarantine_response_job(uuid,integer,jsonb) to service_role;
grant execute on function record_background_response(uuid,integer,text,text,integer) to service_role;
grant execute on function release_response_jobs(text,jsonb,bigint) to service_role;
grant execute on function renew_response_leases(text,jsonb,integer) to service_role;
grant execute on function resolve_response_job(uuid,text,text,uuid,boolean) to service_role;
grant execute on function response_doctor() to service_role;
grant execute on function response_overview() to authenticated;
grant execute on function response_overview() to service_role;
grant execute on function response_work_due() to service_role;
grant execute on function retry_response_job(uuid,uuid,boolean) to service_role;
grant execute on function retry_response_later(uuid,integer,jsonb,bigint) to service_role;
grant execute on function save_response_steps(uuid,integer,jsonb) to service_role;
grant execute on function sign_off_response_worker(text) to service_role;
grant execute on function submit_response_job(text,jsonb,jsonb,uuid,jsonb,text,text,response_mode,integer,integer,integer,bigint,integer,integer,integer,text,text,text[],boolean,text,bigint,integer) to service_role;
grant execute on function submit_response_jobs(jsonb) to service_role;
grant execute on function warn_response_attempt(uuid,integer,text) to service_role;
grant execute on function watch_response_job(uuid) to authenticated;
grant execute on function watch_response_job(uuid) to service_role;
grant execute on function watched_response_jobs(uuid[]) to service_role;

-- Comments

comment on function durable_responses.announce(pg_catalog.text,pg_catalog.text[],pg_catalog.jsonb[]) is 'Broadcasts an event on each topic, with the payload at the same place. Never fails.';
comment on function durable_responses.announce_job() is 'Announces the new statuses of the jobs that a statement changed.';
comment on function durable_responses.announce_step() is 'Announces a step''s new status.';
comment on function durable_responses.background_verdict(pg_catalog.text) is 'Whether a new job should try background: null for yes (normally, or as the probe), else the fallback reason.';
comment on function durable_responses.backoff_ms(integer,integer,integer) is 'Delay in ms before the next try after so many failures: exponential, capped, full jitter.';
comment on function durable_responses.clock() is 'The time every function goes by: now(), or the setting durable_responses.now where a test pins it.';
comment on function durable_responses.deadline_error(public.response_jobs) is 'The error of a job whose deadline has passed.';
comment on function durable_responses.end_attempt(pg_catalog.uuid,integer,public.response_attempt_outcome,pg_catalog.jsonb,pg_catalog.text,pg_catalog.text,pg_catalog.jsonb) is 'Ends an attempt once. p_error: {code, message, hint?, type?, request_id?}.';
comment on function durable_responses.ensure_route(pg_catalog.text,pg_catalog.text,pg_catalog.text,pg_catalog.text[]) is 'Makes the route known.';
comment on function durable_responses.fail_past_deadline(integer) is 'Fails waiting jobs whose deadline, or whose request for approval, has passed.';
comment on function durable_responses.find_repeat(pg_catalog.uuid,pg_catalog.text) is 'The job that the owner made with this idempotency key; a row of nulls when there is none.';
comment on function durable_responses.find_visible_job(pg_catalog.uuid,pg_catalog.uuid,boolean,boolean) is 'The job if the caller may see it; else DR404, the same for a missing job and for somebody else''s.';
comment on function durable_responses.finish_failed(pg_catalog.uuid,pg_catalog.jsonb) is 'Makes a job failed. p_error: {code, message, hint?}.';
comment on function durable_responses.guard_job() is 'Refuses every change of a final job and every transition that is not in the table.';
comment on function durable_responses.hash_of(pg_catalog.text,pg_catalog.jsonb,pg_catalog.jsonb) is 'What tells a repeat from a reused key: SHA-256 of the request.';
comment on function durable_responses.job_view(public.response_jobs) is 'A job as its owner may see it: the body of GET /respond/:id. waiting lists what a person is asked to decide.';
comment on function durable_responses.job_work(public.response_jobs) is 'A job as a worker needs it: what to run, its fencing token, the steps that are done, and the time that is left.';
comment on function durable_responses.lock_job(pg_catalog.uuid,integer,public.response_job_status[]) is 'Locks a job for a write by an attempt; refuses (DR410) any attempt that is no longer current. This is the fence.';
comment on function durable_responses.next_in_turn(pg_catalog.text,smallint,pg_catalog.uuid,bigint,pg_catalog.uuid[],pg_catalog.xid8) is 'Locks the oldest job of the next owner after p_after_owner (null: of the first); a row of nulls when there is none.';
comment on function durable_responses.next_of_owner(pg_catalog.text,smallint,pg_catalog.uuid,bigint,pg_catalog.uuid[],integer,pg_catalog.xid8) is 'Locks the oldest jobs of one owner, at most p_limit.';
comment on function durable_responses.next_poll(public.response_jobs,bigint) is 'When to look at a background response next: after p_after_ms, but no later than its budget or the job''s deadline ends.';
comment on function durable_responses.park_for_review(pg_catalog.uuid,integer,pg_catalog.text,pg_catalog.jsonb) is 'Stops a job until a person has said whether a side effect happened.';
comment on function durable_responses.pause_for(public.response_jobs,pg_catalog.jsonb,bigint) is 'A rate limit or a used-up quota pauses the route for all its jobs, rather than having each find out.';
comment on function durable_responses.pause_route(pg_catalog.text,pg_catalog.text,bigint) is 'No job of the route is claimed for so long.';
comment on function durable_responses.pick_fairly(pg_catalog.text,pg_catalog.uuid,integer,bigint,pg_catalog.xid8) is 'Locks up to p_limit ready jobs of a route, in order: by priority, then in turns between owners beginning after p_after_owner.';
comment on function durable_responses.pick_of_few(pg_catalog.text,pg_catalog.uuid,integer,bigint,pg_catalog.xid8) is 'Where few jobs wait above the mark p_from, locks up to p_limit of them, in order: by priority, then in turns between owners beginning after p_after_owner. few is false where more may wait; lowest is the next mark.';
comment on function durable_responses.promote_delayed(integer) is 'Makes waiting jobs whose time has come ready to be claimed.';
comment on function durable_responses.recover_lost_leases(integer) is 'Takes back running jobs whose worker no longer renews its lease: queued again, or failed when tries are used up.';
comment on function durable_responses.requeue_after_failure(public.response_jobs,pg_catalog.jsonb,bigint) is 'After a failed synchronous try: queue again with backoff, or fail when tries or time are used up.';
comment on function durable_responses.route_background_failed(pg_catalog.text,pg_catalog.text) is 'Counts a background failure; opens the breaker when there are too many in a row, or at once when background is unsupported.';
comment on function durable_responses.route_succeeded(pg_catalog.text,public.response_mode,bigint) is 'A job of the route completed: closes the breaker (background) or ends a pause and learns the duration (synchronous).';
comment on function durable_responses.seen_worker(pg_catalog.text,pg_catalog.text) is 'Notes that a worker is alive; returns how many are.';
comment on function durable_responses.set_mark(pg_catalog.text,pg_catalog.xid8,boolean,timestamp with time zone,boolean) is 'Moves a mark. p_whole: everything below it was looked at.';
comment on function durable_responses.settle_calls(public.response_jobs,integer) is 'For an attempt that ended with calls in flight: harmless ones become void, the others uncertain. Returns what is uncertain, or null.';
comment on function durable_responses.stamp_watch() is 'Sets how long a watch lasts.';
comment on function durable_responses.too_many_jobs(pg_catalog.uuid) is 'Whether a user has as many unfinished jobs as response_settings.max_unfinished_per_user allows.';
comment on function durable_responses.took_ms(pg_catalog.uuid,integer) is 'How long an attempt has been under way, in ms.';
comment on function durable_responses.transition_allowed(public.response_job_status,public.response_job_status) is 'The lifecycle of a job, as data. The diagram in docs/architecture.md is drawn from it.';
comment on function durable_responses.write_steps(public.response_jobs,integer,pg_catalog.jsonb) is 'Writes steps [{item_id, kind, status, effect?, server_label?, tool?, arguments?, call_key?, output?, error?, item?}], each once per attempt and item.';
comment on function public.adopt_background_response(pg_catalog.uuid,integer,pg_catalog.text,integer) is 'Gives a response that OpenAI accepted but nobody recorded back to the attempt named in its metadata. Returns {known, work} as claim_background_job() does.';
comment on function public.answer_response_approval(pg_catalog.uuid,boolean,pg_catalog.text,pg_catalog.text,pg_catalog.uuid,boolean) is 'A person''s yes or no to the calls that a job asks to make: all of them, or the one named by p_request_id. Recorded with who and when; a second answer is refused (DR409).';
comment on function public.await_response_approval(pg_catalog.uuid,integer,pg_catalog.text,pg_catalog.jsonb,pg_catalog.jsonb) is 'The model asked to call a tool that needs a person''s yes: parked, with no worker held. Goes to needs_review instead while a side effect is uncertain.';
comment on function public.cancel_response_job(pg_catalog.uuid,pg_catalog.uuid,boolean) is 'Cancels a job that has not finished; a second cancel returns it unchanged. Returns {job, upstream}: upstream {job_id, attempt, response_id} is a background response to cancel at OpenAI.';
comment on function public.claim_background_job(pg_catalog.text,integer) is 'For the webhook: the background job of a response. Returns {known, work}: work is null when it is settled already, known is false when no attempt has recorded this response.';
comment on function public.claim_background_polls(integer) is 'Background jobs to look at now, each handed to one caller and due again after its poll_ms. One without response_id has used up its accept budget.';
comment on function public.claim_pending_cancels(integer) is 'Background responses to cancel at OpenAI: [{job_id, attempt, response_id}]. Cancelling twice is safe, so nothing is locked.';
comment on function public.claim_response_work(pg_catalog.text,integer,integer,bigint,bigint,pg_catalog.text,pg_catalog.uuid) is 'Leases up to p_limit ready jobs to a worker and starts an attempt for each; jobs of dead workers are recovered first. p_life_ms: what is left of the worker''s life, null for no wall clock. p_after_owner: whom it served last. Returns {jobs: [work + owner_key], spare_workers}.';
comment on function public.complete_response_job(pg_catalog.uuid,integer,pg_catalog.text,pg_catalog.jsonb,pg_catalog.text,pg_catalog.jsonb,pg_catalog.jsonb,pg_catalog.text,pg_catalog.jsonb) is 'Writes the result of the current attempt and its last steps; refused (DR410) for any other attempt.';
comment on function public.complete_response_jobs(pg_catalog.jsonb) is 'Writes the results of many runs: [{job_id, attempt, response_id, output, output_text?, output_parsed?, usage?, request_id?, steps?}]. Returns the ids of the jobs that took theirs; the others have moved on, and theirs are dropped.';
comment on function public.confirm_upstream_cancel(pg_catalog.uuid,integer) is 'OpenAI has confirmed that this background response is cancelled or over.';
comment on function public.connect_response_worker(pg_catalog.text,pg_catalog.text) is 'Puts the two values that waking the worker needs into Vault, or replaces them: where run-jobs is, and the secret that it knows as DURABLE_RESPONSES_WORKER_SECRET. For `npx durable-responses connect`.';
comment on function public.enqueue_response_job(pg_catalog.text,pg_catalog.text,pg_catalog.uuid,pg_catalog.jsonb) is 'For the SQL editor, triggers and cron: queues a query for a synchronous run and returns the job''s id. Example: select public.enqueue_response_job(''What is in my inbox?'', ''mail'');';
comment on function public.fail_response_job(pg_catalog.uuid,integer,pg_catalog.jsonb,boolean,pg_catalog.jsonb) is 'Fails a job for good: for failures that another try would not mend. p_error {code, message, hint?, type?, request_id?}; p_steps is what the run did before; p_cancel_upstream keeps its background response marked until OpenAI has cancelled it. Goes to needs_review instead while a side effect is uncertain.';
comment on function public.fall_back_response_job(pg_catalog.uuid,integer,pg_catalog.jsonb,bigint,pg_catalog.jsonb,boolean) is 'Leaves background for a synchronous run that goes on after p_steps, due at once or after p_retry_after_ms. Goes to needs_review instead when one of them is uncertain, or when p_unknown says that a run may exist of which nothing is known and the tools must not act twice.';
comment on function public.get_response_job(pg_catalog.uuid,pg_catalog.uuid,boolean) is 'One job as its owner may see it, or DR404.';
comment on function public.get_response_record(pg_catalog.uuid,pg_catalog.uuid,boolean,integer,boolean) is 'One job as its owner may see it, with model (of a whole request), calls (finished tool calls as items, in the order they finished, less the first p_after) and, on request, input.';
comment on function public.probe_response_worker(bigint) is 'Wakes run-jobs the way cron does, due work or not, and returns {request_id}; called again with that id, returns what came of it: {answer: {status, error}}, null while on its way. 202 proves Vault, pg_net, the URL and the function''s secret at once.';
comment on function public.prune_response_jobs(integer) is 'Run by pg_cron: deletes finished jobs and cron history older than response_settings says, at most p_limit of each. Returns {jobs, cron_runs}.';
comment on function public.quarantine_response_job(pg_catalog.uuid,integer,pg_catalog.jsonb) is 'The run began a call that the ledger says is done already: stopped, and a person decides.';
comment on function public.record_background_response(pg_catalog.uuid,integer,pg_catalog.text,pg_catalog.text,integer) is 'Records the response id that OpenAI gave to a background attempt. Returns {orphaned, job}: orphaned when the job has moved on meanwhile, and the response is to be cancelled at OpenAI.';
comment on function public.release_response_jobs(pg_catalog.text,pg_catalog.jsonb,bigint) is 'Hands over [{id, attempt, full_life?}]: due again at once, not counted as a failure. One that finished no step in a full life is tried once more on a fresh worker, then fails with budget_exceeded or goes to a worker with no wall clock. Returns how many.';
comment on function public.renew_response_leases(pg_catalog.text,pg_catalog.jsonb,integer) is 'Renews the leases on [{id, attempt}] in one call and returns the ids still held; a job that is missing from the answer was cancelled or taken over, and its run must stop.';
comment on function public.resolve_response_job(pg_catalog.uuid,pg_catalog.text,pg_catalog.text,pg_catalog.uuid,boolean) is 'A person says what became of the uncertain side effects: happened (with the output, if known), did_not_happen, or cancel. Recorded with who and when; the job goes on, or is cancelled.';
comment on function public.response_doctor() is 'What `npx durable-responses doctor` looks at: migrations, cron jobs with their last run, whether Vault has its values (never the secret), pg_net failures, jobs by status, failed jobs by code, open or paused routes.';
comment on function public.response_overview() is 'For operators (by claim, or with a secret key): {health: response_health''s row, cron: this project''s cron jobs with their last run, net: how pg_net''s calls fared in the last hour}. Others: 42501.';
comment on function public.response_work_due() is 'True when a worker would find something to do now: index probes only, one per route for waiting jobs.';
comment on function public.retry_response_job(pg_catalog.uuid,pg_catalog.uuid,boolean) is 'Retries a failed or cancelled job as a new one that names it in retry_of and keeps its ledger; makes a waiting one due now; runs one that needs_review again as if nothing had happened. Returns {created, job}.';
comment on function public.retry_response_later(pg_catalog.uuid,integer,pg_catalog.jsonb,bigint) is 'A synchronous try failed in a way that another try may mend: queued again with backoff and Retry-After, or failed when tries or time are used up.';
comment on function public.save_response_steps(pg_catalog.uuid,integer,pg_catalog.jsonb) is 'Saves the steps of a running attempt as they start and finish. Returns false when the attempt is over; then only calls that must not be made twice are kept, as evidence, and the job goes to needs_review if it may be about to repeat one.';
comment on function public.sign_off_response_worker(pg_catalog.text) is 'A worker ends. Returns whether work is left for a successor.';
comment on function public.submit_response_job(pg_catalog.text,pg_catalog.jsonb,pg_catalog.jsonb,pg_catalog.uuid,pg_catalog.jsonb,pg_catalog.text,pg_catalog.text,public.response_mode,integer,integer,integer,bigint,integer,integer,integer,pg_catalog.text,pg_catalog.text,pg_catalog.text[],boolean,pg_catalog.text,bigint,integer) is 'Accepts a job: writes its row, once per owner and idempotency key. Returns {created, job}. p_mode background is for the function that will call OpenAI at once, when the job comes back as background; a job that comes back as queued is picked up by the next worker.';
comment on function public.submit_response_jobs(pg_catalog.jsonb) is 'For servers with much to ask: queues many jobs for synchronous runs, all or none: [{profile, input | request, owner_id?, metadata?, idempotency_key?, priority?, deadline_ms?, max_attempts?}]. Returns [{id, created}] in the same order; created is false for a repeat. Not subject to max_unfinished_per_user.';
comment on function public.wake_response_worker() is 'Run by pg_cron: posts to run-jobs through pg_net when work is due, and returns the request''s id; null when nothing is due. A missing Vault secret fails the run, so cron.job_run_details says so.';
comment on function public.warn_response_attempt(pg_catalog.uuid,integer,pg_catalog.text) is 'Notes something odd about an attempt that did not stop it.';
comment on function public.watch_response_job(pg_catalog.uuid) is 'Says that the caller looks at this job of theirs: for 45 s its worker sends live text. Returns until when. Call it again before that.';
comment on function public.watched_response_jobs(pg_catalog.uuid[]) is 'Which of these jobs somebody looks at now: [{id, watched_until}]. A later watched_until means that a watcher has come or stayed.';
comment on schema durable_responses is 'Internals of durable-responses: helpers that are not part of the API. Public functions live in public.';
comment on table durable_responses.marks is 'Where claims begin to look. Hints: delete them, and the next claims make new ones.';
comment on table public.response_attempts is 'One row per try at a job, background or synchronous.';
comment on table public.response_jobs is 'One row per accepted query, written before OpenAI is called. Add one with submit_response_job() or enqueue_response_job(); change one only through functions.';
comment on table public.response_routes is 'One row per route: a profile with its model and tool servers. What was learned about it, and its limits.';
comment on table public.response_settings is 'Settings of durable-responses: one row. Change it here, in the dashboard.';
comment on table public.response_steps is 'What a job''s runs did, item by item: the checkpoint that the next worker goes on from, and the ledger of side effects.';
comment on table public.response_watches is 'Jobs that somebody looks at now: their workers send live text. Written by watch_response_job().';
comment on table public.response_workers is 'Workers that claimed or renewed lately; one that ends signs off.';
comment on table column durable_responses.marks.few is 'Whether few jobs waited above the mark: then a claim looks at all of them.';
comment on table column durable_responses.marks.leases_from is 'No lease that ends before is left to be found lost.';
comment on table column durable_responses.marks.marked_at is 'When the mark was moved last.';
comment on table column durable_responses.marks.ready_from is 'The lowest response_jobs.ready_xid that may wait on the route.';
comment on table column durable_responses.marks.route is 'A route, for what waits there; the empty string for leases.';
comment on table column durable_responses.marks.whole_at is 'When all below the mark was looked at last.';
comment on table column public.response_attempts.cancel_pending is 'True until OpenAI has confirmed the cancellation of this background response.';
comment on table column public.response_attempts.error_code is 'A code of docs/errors.md, when it failed or was lost.';
comment on table column public.response_attempts.error_message is 'What failed, with credentials masked.';
comment on table column public.response_attempts.error_type is 'OpenAI''s own error code or type, as it came.';
comment on table column public.response_attempts.finished_at is 'When it ended.';
comment on table column public.response_attempts.job_id is 'The job.';
comment on table column public.response_attempts.mode is 'background or synchronous.';
comment on table column public.response_attempts.number is 'Counts from 1 within the job; the fencing token of this try''s writes.';
comment on table column public.response_attempts.outcome is 'How it ended; null while under way.';
comment on table column public.response_attempts.request_id is 'OpenAI''s x-request-id, to give to their support.';
comment on table column public.response_attempts.response_id is 'OpenAI''s response id, once known.';
comment on table column public.response_attempts.started_at is 'When it began.';
comment on table column public.response_attempts.usage is 'Tokens of this try, as OpenAI reported them.';
comment on table column public.response_attempts.warnings is 'What was odd but did not stop it.';
comment on table column public.response_attempts.worker is 'Which worker ran it; null for background.';
comment on table column public.response_jobs.approval_ms is 'How long an approval may wait, in ms.';
comment on table column public.response_jobs.approval_until is 'While awaiting_approval: when the request expires.';
comment on table column public.response_jobs.attempt is 'Number of the current attempt: the fencing token. 0 before the first.';
comment on table column public.response_jobs.background_until is 'While background: when a response that is still not done counts as stuck.';
comment on table column public.response_jobs.backoff_base_ms is 'First retry delay in ms, doubled with each failure, full jitter.';
comment on table column public.response_jobs.backoff_cap_ms is 'Longest retry delay in ms; a longer Retry-After is still honoured.';
comment on table column public.response_jobs.created_at is 'When it was accepted.';
comment on table column public.response_jobs.deadline is 'The job fails with deadline_exceeded when it has not finished by then.';
comment on table column public.response_jobs.error_code is 'Why it failed: a code of docs/errors.md.';
comment on table column public.response_jobs.error_hint is 'What to do about it.';
comment on table column public.response_jobs.error_message is 'What failed, the rule, and the value seen.';
comment on table column public.response_jobs.failures is 'Synchronous attempts that failed and count towards max_attempts.';
comment on table column public.response_jobs.fallback_reason is 'Why background was left for a synchronous run, as an error code of docs/errors.md; null when it was not.';
comment on table column public.response_jobs.finished_at is 'When it became completed, failed or cancelled.';
comment on table column public.response_jobs.id is 'The job''s id, as the caller got it.';
comment on table column public.response_jobs.idempotency_key is 'A repeat with the same key and the same request returns this job instead of making another.';
comment on table column public.response_jobs.input is 'What was asked: a string, or an array of Responses API input items.';
comment on table column public.response_jobs.leased_by is 'While running: which worker runs it.';
comment on table column public.response_jobs.leased_until is 'While running: the worker counts as lost if it has not renewed by then.';
comment on table column public.response_jobs.max_attempts is 'Synchronous attempts before the job fails.';
comment on table column public.response_jobs.metadata is 'The caller''s own key-value pairs; not interpreted.';
comment on table column public.response_jobs.min_life_ms is 'Only a worker with at least so much time left takes it; the largest bigint means a worker with no wall clock.';
comment on table column public.response_jobs.on_uncertain is 'What to do when nobody knows whether a side effect happened: review or retry.';
comment on table column public.response_jobs.once_tools is 'Whether its tools may have side effects that must not be made twice.';
comment on table column public.response_jobs.output is 'The answer''s output items as OpenAI gave them, when completed.';
comment on table column public.response_jobs.output_parsed is 'The answer as JSON that fits the profile''s schema, when the profile has one.';
comment on table column public.response_jobs.output_text is 'The answer as text, when completed.';
comment on table column public.response_jobs.owner_id is 'The user who asked (auth.uid()); null when a server with a secret key did.';
comment on table column public.response_jobs.owner_key is 'owner_id, or zeros for servers: what fairness between owners goes by.';
comment on table column public.response_jobs.poll_at is 'While background: when to look at OpenAI next (or, with no response id, when the accept budget ends).';
comment on table column public.response_jobs.poll_ms is 'While background: how often it is looked at when no webhook comes, in ms.';
comment on table column public.response_jobs.priority is 'Higher runs first, -100 to 100.';
comment on table column public.response_jobs.profile is 'Name of the profile in _shared/profiles.ts that says model, tools and budgets.';
comment on table column public.response_jobs.query_text is 'The beginning of what was asked, as text: for lists and searches.';
comment on table column public.response_jobs.ready is 'While queued: run_at has come. Claims look at ready jobs only.';
comment on table column public.response_jobs.ready_xid is 'While queued and ready: the transaction that made it so; claims begin at a mark of these.';
comment on table column public.response_jobs.request is 'A whole Responses API request, from a caller with a secret key; then input is null. Secrets in it are references, never values.';
comment on table column public.response_jobs.request_hash is 'SHA-256 of the request, to tell a repeat from a reused key.';
comment on table column public.response_jobs.response_id is 'OpenAI''s id of the current background response, or of the one that gave the result.';
comment on table column public.response_jobs.retry_of is 'The finished job that this one repeats. No foreign key: it outlives the pruning of the original.';
comment on table column public.response_jobs.review_reason is 'While needs_review: what is uncertain.';
comment on table column public.response_jobs.route is 'The route it runs on: see response_routes.';
comment on table column public.response_jobs.run_at is 'While queued: not run before this time.';
comment on table column public.response_jobs.stalled_lives is 'Full worker lives in a row that finished no step.';
comment on table column public.response_jobs.status is 'Where the job stands. See the type''s comment and docs/architecture.md.';
comment on table column public.response_jobs.updated_at is 'When the row last changed.';
comment on table column public.response_jobs.usage is 'Tokens, as OpenAI reported them.';
comment on table column public.response_routes.background_failures is 'Background failures in a row.';
comment on table column public.response_routes.breaker is 'Whether background is tried. Set it to closed, and probe_at to null, to try again at once.';
comment on table column public.response_routes.created_at is 'When its first job came.';
comment on table column public.response_routes.last_failure is 'Code of the last background failure.';
comment on table column public.response_routes.max_running is 'At most so many of its jobs run synchronously at a time; null is no limit. Yours to set.';
comment on table column public.response_routes.model is 'The model; empty for jobs queued in SQL.';
comment on table column public.response_routes.pause_reason is 'Code of the failure that paused it.';
comment on table column public.response_routes.paused_until is 'No job of the route is claimed before; after it one at a time, until one succeeds.';
comment on table column public.response_routes.probe_at is 'While not closed: when the next job may try background again.';
comment on table column public.response_routes.profile is 'The profile''s name.';
comment on table column public.response_routes.route is 'profile/model/servers; the profile alone for jobs queued in SQL.';
comment on table column public.response_routes.tool_servers is 'Labels of the MCP servers.';
comment on table column public.response_routes.typical_ms is 'How long a synchronous run usually takes, a moving average in ms; long ones wait for a worker with the time.';
comment on table column public.response_routes.updated_at is 'When the row last changed.';
comment on table column public.response_settings.breaker_failures is 'Background failures in a row after which a route skips background.';
comment on table column public.response_settings.cron_history_days is 'Rows of cron.job_run_details are deleted after this many days; pg_cron itself never does.';
comment on table column public.response_settings.max_running is 'At most so many jobs run synchronously at a time, in all; null is no limit, 0 stops claiming.';
comment on table column public.response_settings.max_unfinished_per_user is 'A user may have at most so many unfinished jobs; the next is refused with too_many_jobs. null is no limit. Jobs without an owner are not counted.';
comment on table column public.response_settings.max_workers is 'A backlog wakes at most so many workers.';
comment on table column public.response_settings.only_row is 'Always true: keeps the table at one row.';
comment on table column public.response_settings.probe_interval_s is 'How often one job of such a route tries background again, in s.';
comment on table column public.response_settings.quota_pause_s is 'How long a route waits after OpenAI said that the quota is used up, in s.';
comment on table column public.response_settings.retention_days is 'Finished jobs are deleted this many days after they finished.';
comment on table column public.response_steps.answer is 'What a person said: {approve, reason?} or {outcome, output?}.';
comment on table column public.response_steps.answered_at is 'When.';
comment on table column public.response_steps.answered_by is 'Who said it: a user''s id, or service.';
comment on table column public.response_steps.arguments is 'For a call: its arguments, JSON as text.';
comment on table column public.response_steps.attempt is 'The attempt that made it.';
comment on table column public.response_steps.call_key is 'For a call: server, tool and canonical arguments; equal keys are the same call.';
comment on table column public.response_steps.effect is 'For a call: what it does to the world.';
comment on table column public.response_steps.error is 'What the tool failed with.';
comment on table column public.response_steps.finished_at is 'When it ended.';
comment on table column public.response_steps.item is 'The whole item as OpenAI gave it, once finished.';
comment on table column public.response_steps.item_id is 'OpenAI''s id of the item; ids change from attempt to attempt.';
comment on table column public.response_steps.job_id is 'The job.';
comment on table column public.response_steps.kind is 'The item''s type (mcp_call, mcp_list_tools, reasoning, message, mcp_approval_request …), or background_run for a background run of which nothing is known.';
comment on table column public.response_steps.number is 'Counts from 1 within the job, in the order they came.';
comment on table column public.response_steps.output is 'What the tool answered.';
comment on table column public.response_steps.server_label is 'For a call: the MCP server.';
comment on table column public.response_steps.started_at is 'When it began, as far as we know.';
comment on table column public.response_steps.status is 'Where it stands.';
comment on table column public.response_steps.tool is 'For a call: the tool.';
comment on table column public.response_watches.job_id is 'The job.';
comment on table column public.response_watches.watched_until is 'When the watch expires; 45 s after the last sign of life.';
comment on table column public.response_workers.id is 'The worker''s name, as in response_jobs.leased_by.';
comment on table column public.response_workers.kind is 'edge: an Edge Function''s isolate, with a wall clock. process: a plain Deno process, without.';
comment on table column public.response_workers.seen_at is 'When it was last seen.';
comment on table column public.response_workers.started_at is 'When it was first seen.';
comment on type public.response_attempt_outcome is 'How an attempt ended. lost: its worker vanished and the lease ran out. handed_over: the worker''s time ran out, the next one goes on. parked: it waits for a person.';
comment on type public.response_breaker is 'closed: background is tried. open: it kept failing and is skipped. half_open: one probe is under way.';
comment on type public.response_effect is 'What a tool call does to the world: none (reads), idempotent (twice is like once), once (must not be made twice).';
comment on type public.response_job_status is 'background: at OpenAI. queued: waits for a synchronous run. running: leased by a worker. awaiting_approval, needs_review: a person decides. completed, failed, cancelled: final.';
comment on type public.response_mode is 'How an attempt runs: in OpenAI''s background mode, or synchronously in one of our workers.';
comment on type public.response_step_status is 'started: in flight. finished, failed: the tool answered, with output or error. void: cut off, harmless, made again if need be. uncertain: nobody knows whether it happened. waiting: for a person''s yes or no.';
comment on view public.response_health is 'One row: jobs by status, what is overdue, and the last 24 hours'' fallback rate and time to answer. oldest_due_s, lost_leases and overdue_polls well above zero mean that no worker is being woken.';
comment on view public.response_timeline is 'What happened to each job, one row per event: select * from response_timeline where job_id = ''…'' order by at, attempt;';
comment on view column public.response_health.answer_p50_s is 'Median time from accepted to completed over 24 hours, in s.';
comment on view column public.response_health.answer_p95_s is '95th percentile of the same, in s.';
comment on view column public.response_health.fallback_rate_24h is 'Share of the last 24 hours'' jobs that left background, 0 to 1.';
comment on view column public.response_health.lost_leases is 'Running jobs whose worker stopped renewing; the next worker takes them.';
comment on view column public.response_health.oldest_due_s is 'How long the longest-waiting due job has waited, in s.';
comment on view column public.response_health.overdue_polls is 'Background jobs that should have been looked at by now.';
comment on view column public.response_timeline.event is 'accepted, attempt_started, attempt_<outcome>, step_<status>, answered, or the final status.';

-- Cron jobs

select cron.schedule('durable-responses-prune', '17 * * * *', 'select public.prune_response_jobs()');
select cron.schedule('durable-responses-wake', '10 seconds', 'select public.wake_response_worker()');
