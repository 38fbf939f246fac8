-- Who may see, who may act, and with which claims. An adopter may replace these three functions (create or replace, in their
-- own migration), for example for teams: docs/teams.md. Everything else uses them:
--   visible_owners()     whose jobs the caller may see, as a set
--   actionable_owners()  whose jobs the caller may cancel, approve, resolve, retry
--   owner_claims(owner)  the claims of an owner, for work that is done in their name
--
-- They are evaluated once per statement (`owner_id = any ((select visible_owners())::uuid[])`): a predicate per row took
-- 262 ms for the newest 50 of 1,000,000 jobs, and 5 s for a user without jobs. They are plpgsql because a session keeps its
-- plans: SQL functions are planned again in each statement and at each call site, at 0.1 to 0.4 ms each.

create function durable_responses.visible_owners() returns uuid[]
language plpgsql stable set search_path = ''
as $$
begin
  return array_remove(array[auth.uid()], null);
end;
$$;
comment on function durable_responses.visible_owners() is
  'Owners whose jobs the caller may see: the caller alone. Replace it to let teams see each other''s jobs.';

create function durable_responses.actionable_owners() returns uuid[]
language sql stable set search_path = ''
as $$
  select array_remove(array[auth.uid()], null);
$$;
comment on function durable_responses.actionable_owners() is
  'Owners whose jobs the caller may cancel, approve, resolve and retry: the caller alone. Replace it to let teams act for each other.';

create function durable_responses.owner_claims(p_owner_id uuid) returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object('sub', p_owner_id, 'role', 'authenticated', 'aud', 'authenticated');
$$;
comment on function durable_responses.owner_claims(uuid) is
  'The JWT claims of an owner, for work that is done in their name without their token. Replace it if your policies read other claims.';

create function durable_responses.is_operator() returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return coalesce(auth.jwt() -> 'app_metadata' ->> 'durable_responses', '') = 'operator';
end;
$$;
comment on function durable_responses.is_operator() is
  'Whether the caller''s token has the operator claim: app_metadata.durable_responses, which only a secret key can set.';

create function durable_responses.sees_all() returns boolean
language plpgsql stable set search_path = ''
as $$
begin
  return not pg_catalog.row_security_active('durable_responses.jobs') or durable_responses.is_operator();
end;
$$;
comment on function durable_responses.sees_all() is
  'Whether the caller sees everybody''s jobs: operators, and roles that row security does not bind (service_role, postgres).';

create function durable_responses.only_owner() returns uuid
language plpgsql stable set search_path = ''
as $$
declare
  v_owners uuid[];
begin
  if durable_responses.sees_all() then
    return null;
  end if;
  v_owners := durable_responses.visible_owners();
  return case when cardinality(v_owners) = 1 then v_owners[1] end;
end;
$$;
comment on function durable_responses.only_owner() is
  'The owner whose jobs the caller may see, if there is exactly one. An index that has that owner''s jobs in order then returns a page of them.';

create function durable_responses.several_owners() returns uuid[]
language plpgsql stable set search_path = ''
as $$
declare
  v_owners uuid[];
begin
  if durable_responses.sees_all() then
    return null;
  end if;
  v_owners := durable_responses.visible_owners();
  return case when cardinality(v_owners) > 1 then v_owners end;
end;
$$;
comment on function durable_responses.several_owners() is
  'The owners whose jobs the caller may see, if there are several; not if the caller sees all.';

revoke execute on function durable_responses.visible_owners(), durable_responses.actionable_owners(),
  durable_responses.owner_claims(uuid), durable_responses.is_operator(), durable_responses.sees_all(),
  durable_responses.only_owner(), durable_responses.several_owners() from public, anon;
grant execute on function durable_responses.visible_owners(), durable_responses.is_operator(), durable_responses.sees_all(),
  durable_responses.only_owner(), durable_responses.several_owners() to authenticated, service_role;
grant execute on function durable_responses.actionable_owners(), durable_responses.owner_claims(uuid) to service_role;

create policy jobs_visible on durable_responses.jobs for select to authenticated
  using ((select durable_responses.is_operator()) or owner_id = any ((select durable_responses.visible_owners())::uuid[]));
create policy waits_visible on durable_responses.waits for select to authenticated
  using ((select durable_responses.is_operator()) or owner_id = any ((select durable_responses.visible_owners())::uuid[]));
create policy attempts_visible on durable_responses.attempts for select to authenticated
  using ((select durable_responses.is_operator()) or exists (
    select from durable_responses.jobs j where j.id = job_id and j.owner_id = any ((select durable_responses.visible_owners())::uuid[])));
create policy response_steps_visible on public.response_steps for select to authenticated
  using ((select durable_responses.is_operator()) or exists (
    select from durable_responses.jobs j where j.id = job_id and j.owner_id = any ((select durable_responses.visible_owners())::uuid[])));
create policy response_routes_operator_reads on public.response_routes for select to authenticated
  using ((select durable_responses.is_operator()));
create policy response_workers_operator_reads on public.response_workers for select to authenticated
  using ((select durable_responses.is_operator()));
create policy response_flags_operator_reads on public.response_flags for select to authenticated
  using ((select durable_responses.is_operator()));
