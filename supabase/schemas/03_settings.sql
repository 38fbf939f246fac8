-- Settings for operators, what was learned about routes, the workers, and the registered profiles.

create table public.response_settings (
  only_row boolean primary key default true,
  retention_days integer not null default 30,
  cron_history_days integer not null default 7,
  max_workers integer not null default 8,
  max_running integer,
  breaker_failures integer not null default 3,
  probe_interval_s integer not null default 300,
  quota_pause_s integer not null default 300,
  max_delay_s integer not null default 3600,
  max_unfinished_per_user integer default 1000,
  max_file_bytes integer not null default 10485760,
  constraint response_settings_only_row check (only_row),
  constraint response_settings_retention check (retention_days between 1 and 3650),
  constraint response_settings_cron_history check (cron_history_days between 1 and 365),
  constraint response_settings_workers check (max_workers between 1 and 1000),
  constraint response_settings_running check (max_running >= 0),
  constraint response_settings_breaker check (breaker_failures between 1 and 1000 and probe_interval_s >= 1),
  constraint response_settings_quota_pause check (quota_pause_s between 1 and 86400),
  constraint response_settings_max_delay check (max_delay_s between 1 and 86400),
  constraint response_settings_unfinished check (max_unfinished_per_user >= 1),
  constraint response_settings_file_bytes check (max_file_bytes between 1048576 and 16777216)
);
comment on table public.response_settings is 'The settings of durable-responses, in one row. Edit it in the dashboard.';
comment on column public.response_settings.only_row is 'Always true: keeps the table at one row.';
comment on column public.response_settings.retention_days is 'Finished jobs are deleted after this many days.';
comment on column public.response_settings.cron_history_days is 'Rows of cron.job_run_details that belong to durable-responses are deleted after this many days. pg_cron itself never deletes any.';
comment on column public.response_settings.max_workers is 'A backlog wakes at most this many workers.';
comment on column public.response_settings.max_running is 'How many jobs run synchronously at a time, in total. null is no limit, 0 stops claiming.';
comment on column public.response_settings.breaker_failures is 'After this many background failures in a row, a route skips background.';
comment on column public.response_settings.probe_interval_s is 'How often one job of such a route tries background again, in s.';
comment on column public.response_settings.quota_pause_s is 'How long a route is paused after OpenAI reports that the quota is used up, in s.';
comment on column public.response_settings.max_delay_s is 'The longest time a Retry-After can delay a job or pause a route, in s. Then one job tries again.';
comment on column public.response_settings.max_unfinished_per_user is 'How many unfinished jobs a user may have. The next one is refused with too_many_jobs. null is no limit. Jobs without an owner are not counted.';
comment on column public.response_settings.max_file_bytes is 'How large one image or file may be that is sent as data in a request, in bytes of its content: 1 MiB to 16 MiB. Files in Storage that a request refers to are not limited here.';
insert into public.response_settings default values;
alter table public.response_settings enable row level security;
revoke all on public.response_settings from public, anon, authenticated, service_role;
grant select, update on public.response_settings to service_role;

create table public.response_routes (
  route text primary key,
  profile text not null,
  model text not null,
  tool_servers text[] not null default '{}',
  breaker text not null default 'closed',
  background_failures integer not null default 0,
  last_failure text,
  probe_at timestamptz,
  opened_at timestamptz,
  paused_until timestamptz,
  pause_reason text,
  max_running integer,
  typical_ms integer,
  ignores_approval boolean not null default false,
  ignores_approval_since timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint response_routes_route_length check (char_length(route) between 1 and 500),
  constraint response_routes_breaker check (breaker in ('closed', 'open', 'half_open')),
  constraint response_routes_failures check (background_failures >= 0),
  constraint response_routes_probe_unless_closed check ((breaker = 'closed') = (probe_at is null)),
  constraint response_routes_pause_has_reason check ((paused_until is null) = (pause_reason is null)),
  constraint response_routes_running check (max_running >= 0),
  constraint response_routes_typical check (typical_ms >= 0),
  constraint response_routes_ignores_approval check (ignores_approval = (ignores_approval_since is not null))
);
comment on table public.response_routes is 'One row per route (a profile with its model and tool servers): what was learned about it, and its limits.';
comment on column public.response_routes.route is 'profile/model/servers, or only the profile for jobs queued in SQL.';
comment on column public.response_routes.profile is 'The profile''s name.';
comment on column public.response_routes.model is 'The model; empty for jobs queued in SQL.';
comment on column public.response_routes.tool_servers is 'Labels of the MCP servers.';
comment on column public.response_routes.breaker is 'closed: background is tried. open: it kept failing and is skipped. half_open: one probe is running. To try again at once, set it to closed and probe_at to null.';
comment on column public.response_routes.background_failures is 'Background failures in a row.';
comment on column public.response_routes.last_failure is 'Code of the last background failure.';
comment on column public.response_routes.probe_at is 'While not closed: when the next job may try background again.';
comment on column public.response_routes.opened_at is 'When the breaker opened last. A job in background that was accepted later is a probe.';
comment on column public.response_routes.paused_until is 'No job of the route is claimed before this time. Afterwards one at a time, until one succeeds.';
comment on column public.response_routes.pause_reason is 'Code of the failure that paused it.';
comment on column public.response_routes.max_running is 'How many of its jobs run synchronously at a time. null is no limit. You set it.';
comment on column public.response_routes.typical_ms is 'How long a synchronous run usually takes: a moving average in ms. Long runs wait for a worker with enough time left.';
comment on column public.response_routes.ignores_approval is 'True if a call that must not be made twice was made without the yes that the request required. The API behind the route ignores require_approval, so its background runs count as unguarded. Once that is fixed, set this to false and ignores_approval_since to null.';
comment on column public.response_routes.ignores_approval_since is 'When that was first seen.';
comment on column public.response_routes.created_at is 'When its first job was accepted.';
comment on column public.response_routes.updated_at is 'When the row last changed.';
alter table public.response_routes enable row level security;
revoke all on public.response_routes from public, anon, authenticated, service_role;
grant select, insert, update on public.response_routes to service_role;
grant select on public.response_routes to authenticated;

create table public.response_workers (
  id text primary key,
  kind text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  constraint response_workers_kind check (kind in ('edge', 'process', 'inline'))
);
comment on table public.response_workers is 'Workers that claimed or renewed recently. A worker that ends signs off.';
comment on column public.response_workers.id is 'The worker''s name, as in leased_by.';
comment on column public.response_workers.kind is 'edge: an Edge Function''s isolate, with a wall clock. process: a plain Deno process, without. inline: a function that runs the job it was called for.';
comment on column public.response_workers.started_at is 'When it was first seen.';
comment on column public.response_workers.seen_at is 'When it was last seen.';
alter table public.response_workers enable row level security;
revoke all on public.response_workers from public, anon, authenticated, service_role;
grant select, insert, update, delete on public.response_workers to service_role;
grant select on public.response_workers to authenticated;

create table durable_responses.profiles (
  name text primary key,
  registered_at timestamptz not null,
  was_made_after_ms bigint,
  constraint profiles_was_made_after check (was_made_after_ms >= 0),
  constraint profiles_name_length check (char_length(name) between 1 and 64)
);
comment on table durable_responses.profiles is
  'Names of the profiles that the deployed functions have. Empty until functions, init or doctor register them. From then on, jobs queued in SQL must use one of them.';
comment on column durable_responses.profiles.name is 'The profile.';
comment on column durable_responses.profiles.registered_at is 'When it was first seen.';
comment on column durable_responses.profiles.was_made_after_ms is 'Whether it has functions that find out whether a call in doubt was made (was_made), and how long after the job was held they are first asked, in ms. null if it has none.';
alter table durable_responses.profiles enable row level security;
revoke all on durable_responses.profiles from public, anon, authenticated, service_role;
grant select, insert, update, delete on durable_responses.profiles to service_role;
