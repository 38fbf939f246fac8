-- Stand-in for pg_cron 1.6.4: its tables, functions, checks and messages. The scheduler itself is local/postgres/cron.ts,
-- which reads cron.job and writes cron.job_run_details.
--
-- The real functions are C code that runs as the caller and writes as the extension's owner. Here a caller's function
-- notes current_user and hands it to a security definer function (names with an underscore in front), which refuses
-- a name that the session's user may not become.

create schema cron;
create sequence cron.jobid_seq;
create sequence cron.runid_seq;

create table cron.job (
  jobid bigint primary key default nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport int not null default current_setting('port')::int,
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);

create table cron.job_run_details (
  jobid bigint,
  runid bigint primary key default nextval('cron.runid_seq'),
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details using (username = current_user);

-- One field of a cron line, as Vixie cron reads it: '*', 'n', 'n-m', a step after '*' or a range, lists of these.
create function cron._field_is_valid(p_field text, p_low int, p_high int, p_names text[])
returns boolean
language plpgsql immutable
set search_path = ''
as $$
declare
  v_part text;
  v_match text[];
  v_first int;
  v_last int;
begin
  foreach v_part in array string_to_array(p_field, ',') loop
    v_match := regexp_match(lower(v_part), '^(?:\*|([0-9]+|[a-z]{3})(?:-([0-9]+|[a-z]{3}))?)(?:/([0-9]+))?$');
    if v_match is null then
      return false;
    end if;
    if v_match[3] is not null and (v_match[3]::bigint = 0 or (v_match[1] is not null and v_match[2] is null)) then
      return false;
    end if;
    continue when v_match[1] is null;
    v_first := cron._field_value(v_match[1], p_low, p_names);
    v_last := cron._field_value(coalesce(v_match[2], v_match[1]), p_low, p_names);
    if v_first is null or v_last is null or v_first < p_low or v_last > p_high or v_first > v_last then
      return false;
    end if;
  end loop;
  return p_field <> '';
end
$$;

create function cron._field_value(p_text text, p_low int, p_names text[])
returns int
language sql immutable
set search_path = ''
as $$
  select case
    when p_text ~ '^[0-9]{1,4}$' then p_text::int
    else array_position(p_names, p_text) - 1 + p_low
  end
$$;

create function cron._check_schedule(p_schedule text)
returns void
language plpgsql immutable
set search_path = ''
as $$
declare
  v_fields text[] := regexp_split_to_array(btrim(p_schedule, E' \t\n'), '\s+');
begin
  if p_schedule ~* '^\s*0*([1-9]|[1-5][0-9])\s*seconds?\s*$'
    or p_schedule ~* '^\s*@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)\s*$'
  then
    return;
  end if;
  if array_length(v_fields, 1) = 5
    and cron._field_is_valid(v_fields[1], 0, 59, '{}')
    and cron._field_is_valid(v_fields[2], 0, 23, '{}')
    -- '$' is pg_cron's own mark for the last day of the month.
    and (v_fields[3] = '$' or cron._field_is_valid(v_fields[3], 1, 31, '{}'))
    and cron._field_is_valid(v_fields[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}')
    and cron._field_is_valid(v_fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}')
  then
    return;
  end if;
  raise exception using
    errcode = 'invalid_parameter_value',
    message = format('invalid schedule: %s', p_schedule),
    hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
end
$$;

create function cron._refuse_foreign(p_username text)
returns void
language plpgsql stable
set search_path = ''
as $$
begin
  -- Only postgres has usage of this schema, so whoever gets here with its name is postgres, or in a security definer function
  -- of its: then the session is PostgREST's.
  if p_username <> 'postgres' and not pg_has_role(session_user, p_username, 'member') then
    raise exception using
      errcode = 'insufficient_privilege',
      message = 'must be superuser to create a job for another role';
  end if;
end
$$;

create function cron._store_job(
  p_username text, p_job_name text, p_schedule text, p_command text, p_database text, p_active boolean
)
returns bigint
language plpgsql security definer
set search_path = ''
as $$
declare
  v_job_id bigint;
begin
  perform cron._refuse_foreign(p_username);
  perform cron._check_schedule(p_schedule);
  insert into cron.job (schedule, command, database, username, active, jobname)
  values (p_schedule, p_command, coalesce(p_database, current_database()), p_username, p_active, p_job_name)
  on conflict on constraint jobname_username_uniq do update
  set schedule = excluded.schedule, command = excluded.command, database = excluded.database
  returning jobid into v_job_id;
  return v_job_id;
end
$$;

create function cron._remove_job(p_username text, p_job_id bigint)
returns void
language plpgsql security definer
set search_path = ''
as $$
begin
  perform cron._refuse_foreign(p_username);
  delete from cron.job where jobid = p_job_id;
end
$$;

create function cron._change_job(
  p_username text, p_job_id bigint, p_schedule text, p_command text, p_database text, p_new_username text,
  p_active boolean
)
returns boolean
language plpgsql security definer
set search_path = ''
as $$
begin
  perform cron._refuse_foreign(p_username);
  perform cron._refuse_foreign(coalesce(p_new_username, p_username));
  if p_schedule is not null then
    perform cron._check_schedule(p_schedule);
  end if;
  update cron.job
  set schedule = coalesce(p_schedule, schedule),
    command = coalesce(p_command, command),
    database = coalesce(p_database, database),
    username = coalesce(p_new_username, username),
    active = coalesce(p_active, active)
  where jobid = p_job_id;
  return found;
end
$$;

create function cron.schedule(schedule text, command text)
returns bigint
language sql strict
set search_path = ''
as $$ select cron._store_job(current_user::text, null, schedule, command, null, true) $$;

create function cron.schedule(job_name text, schedule text, command text)
returns bigint
language plpgsql
set search_path = ''
as $$
begin
  if job_name is null then
    raise exception 'job_name can not be NULL';
  elsif schedule is null then
    raise exception 'schedule can not be NULL';
  elsif command is null then
    raise exception 'command can not be NULL';
  end if;
  return cron._store_job(current_user::text, job_name, schedule, command, null, true);
end
$$;

create function cron.schedule_in_database(
  job_name text, schedule text, command text, database text, username text default null, active boolean default true
)
returns bigint
language sql
set search_path = ''
as $$ select cron._store_job(coalesce(username, current_user::text), job_name, schedule, command, database, active) $$;

create function cron.unschedule(job_id bigint)
returns boolean
language plpgsql strict
set search_path = ''
as $$
begin
  -- The policy and the caller's SELECT decide which jobs it sees.
  if not exists (select from cron.job where jobid = job_id) then
    raise exception using errcode = 'internal_error', message = format('could not find valid entry for job %s', job_id);
  end if;
  perform cron._remove_job(current_user::text, job_id);
  return true;
end
$$;

create function cron.unschedule(job_name text)
returns boolean
language plpgsql strict
set search_path = ''
as $$
declare
  v_job_id bigint;
begin
  select jobid into v_job_id from cron.job where jobname = job_name and username = current_user::text;
  if not found then
    raise exception using errcode = 'internal_error', message = format('could not find valid entry for job ''%s''', job_name);
  end if;
  perform cron._remove_job(current_user::text, v_job_id);
  return true;
end
$$;

create function cron.alter_job(
  job_id bigint, schedule text default null, command text default null, database text default null,
  username text default null, active boolean default null
)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if not exists (select from cron.job where jobid = job_id)
    or not cron._change_job(current_user::text, job_id, schedule, command, database, username, active)
  then
    raise exception using
      errcode = 'internal_error',
      message = format('Job %s does not exist or you don''t own it', job_id);
  end if;
end
$$;

comment on function cron.schedule(text, text) is 'schedule a pg_cron job';
comment on function cron.schedule(text, text, text) is 'schedule a pg_cron job';
comment on function cron.unschedule(bigint) is 'unschedule a pg_cron job';
comment on function cron.unschedule(text) is 'unschedule a pg_cron job';
comment on function cron.alter_job(bigint, text, text, text, text, boolean) is
  'Alter the job identified by job_id. Any option left as NULL will not be modified.';

revoke execute on function cron.alter_job(bigint, text, text, text, text, boolean) from public;
revoke execute on function cron.schedule_in_database(text, text, text, text, text, boolean) from public;
grant select on cron.job, cron.job_run_details to public;

-- What the platform's own trigger grants after `create extension pg_cron`.
grant usage on schema cron to postgres with grant option;
grant execute on all functions in schema cron to postgres with grant option;
grant select on cron.job to postgres with grant option;
grant all on cron.job_run_details to postgres with grant option;
revoke trigger on cron.job_run_details from postgres;

select pg_catalog.pg_extension_config_dump('cron.job', '');
select pg_catalog.pg_extension_config_dump('cron.jobid_seq', '');
select pg_catalog.pg_extension_config_dump('cron.job_run_details', '');
select pg_catalog.pg_extension_config_dump('cron.runid_seq', '');
