-- Operators: signed-in users who see and steer everybody's jobs. Who is one says the token:
--   update auth.users set raw_app_meta_data = raw_app_meta_data || '{"durable_responses": "operator"}' where email = '…';
-- app_metadata is not the user's to change. The same columns are granted as to an owner; what is decided is
-- recorded under the operator's own id. One policy a table: two would both be asked for every row.

drop policy response_jobs_owner_reads on public.response_jobs;
create policy response_jobs_owner_or_operator_reads on public.response_jobs
  for select to authenticated using (
    owner_id = (select auth.uid())
    or ((select auth.jwt()) -> 'app_metadata' ->> 'durable_responses') = 'operator'
  );

drop policy response_attempts_owner_reads on public.response_attempts;
create policy response_attempts_owner_or_operator_reads on public.response_attempts
  for select to authenticated using (
    ((select auth.jwt()) -> 'app_metadata' ->> 'durable_responses') = 'operator'
    or exists (
      select from public.response_jobs j
      where j.id = response_attempts.job_id and j.owner_id = (select auth.uid())
    )
  );

drop policy response_steps_owner_reads on public.response_steps;
create policy response_steps_owner_or_operator_reads on public.response_steps
  for select to authenticated using (
    ((select auth.jwt()) -> 'app_metadata' ->> 'durable_responses') = 'operator'
    or exists (
      select from public.response_jobs j
      where j.id = response_steps.job_id and j.owner_id = (select auth.uid())
    )
  );

-- Operators list everybody's jobs by age.
create index response_jobs_created on public.response_jobs (created_at desc, id desc);
