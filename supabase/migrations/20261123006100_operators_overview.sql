-- Operators by claim see how the whole project fares, as a secret key does: routes with their breaker,
-- workers, health, the schedule. Everybody else signed in is shown no row of the tables, and refused by
-- the function.

grant select on public.response_routes, public.response_workers to authenticated;
create policy response_routes_operator_reads on public.response_routes
  for select to authenticated using (
    ((select auth.jwt()) -> 'app_metadata' ->> 'durable_responses') = 'operator'
  );
create policy response_workers_operator_reads on public.response_workers
  for select to authenticated using (
    ((select auth.jwt()) -> 'app_metadata' ->> 'durable_responses') = 'operator'
  );

-- Security definer: cron.job and net._http_response belong to postgres, and response_health is made of columns
-- (leases, polls) that no user is granted; a grant on any of these would be one to every user. So what a
-- signed-in user may execute with its owner's rights is this one function, which asks for the claim first,
-- takes no argument, and answers a fixed question. Not through an Edge Function: an open page asks every 5 s,
-- and wants to know just when functions do not answer.
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
      message = 'Cannot show the overview: it is for operators, and the caller is none',
      hint = 'Set durable_responses to "operator" in the user''s app_metadata, and sign in again; see docs/operating.md.';
  end if;
  v_found := public.response_doctor();
  return jsonb_build_object('health', v_found -> 'jobs', 'cron', v_found -> 'cron', 'net', v_found -> 'net');
end;
$$;
comment on function public.response_overview() is
  'For operators (by claim, or with a secret key): {health: response_health''s row, cron: this project''s cron jobs with their last run, net: how pg_net''s calls fared in the last hour}. Others: 42501.';
revoke all on function public.response_overview() from public, anon, authenticated, service_role;
grant execute on function public.response_overview() to authenticated, service_role;

-- Operators watch any job live, as its owner does.
drop policy response_watches_owner_reads on public.response_watches;
create policy response_watches_owner_or_operator_reads on public.response_watches
  for select to authenticated using (
    ((select auth.jwt()) -> 'app_metadata' ->> 'durable_responses') = 'operator'
    or exists (
      select from public.response_jobs j
      where j.id = response_watches.job_id and j.owner_id = (select auth.uid())
    )
  );
drop policy response_watches_owner_adds on public.response_watches;
create policy response_watches_owner_or_operator_adds on public.response_watches
  for insert to authenticated with check (
    ((select auth.jwt()) -> 'app_metadata' ->> 'durable_responses') = 'operator'
    or exists (
      select from public.response_jobs j
      where j.id = response_watches.job_id and j.owner_id = (select auth.uid())
    )
  );
drop policy response_watches_owner_renews on public.response_watches;
create policy response_watches_owner_or_operator_renews on public.response_watches
  for update to authenticated using (
    ((select auth.jwt()) -> 'app_metadata' ->> 'durable_responses') = 'operator'
    or exists (
      select from public.response_jobs j
      where j.id = response_watches.job_id and j.owner_id = (select auth.uid())
    )
  );
do $$
begin
  -- Missing where Realtime is switched off; clients then poll.
  if to_regclass('realtime.messages') is null then
    return;
  end if;
  drop policy if exists response_jobs_owner_listens on realtime.messages;
  create policy response_jobs_owner_or_operator_listens on realtime.messages
    for select to authenticated using (
      extension = 'broadcast' and (
        (select realtime.topic()) = 'response-jobs:' || (select auth.uid())::text
        or exists (
          select from public.response_jobs j
          -- Other topics give null here, and no row; the cast never sees what is not a UUID.
          where j.id = substring((select realtime.topic())
              from '^response-job:([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$')::uuid
            and (
              j.owner_id = (select auth.uid())
              or ((select auth.jwt()) -> 'app_metadata' ->> 'durable_responses') = 'operator'
            )
        )
      )
    );
end;
$$;
