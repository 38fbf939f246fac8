-- Searching by text. `ilike` is not leakproof, so under row security no index can help it, and over 1,000,000 jobs it took
-- 1.4 s. A search covers the newest 10,000 jobs that the caller may see, and clients say so.

create function public.search_response_jobs(
  p_text text, p_limit integer default 50, p_before uuid default null, p_statuses text[] default null,
  p_profiles text[] default null, p_fell_back boolean default false
) returns setof public.response_jobs
language sql stable set search_path = '' rows 50
as $$
  select newest.*
  from (select * from public.response_jobs order by id desc limit 10000) newest,
    (select '%' || replace(replace(replace(p_text, '\', '\\'), '%', '\%'), '_', '\_') || '%' as anywhere) pattern
  where (p_before is null or newest.id < p_before)
    and (p_statuses is null or newest.status = any (p_statuses))
    and (p_profiles is null or newest.profile = any (p_profiles))
    and (not p_fell_back or newest.fallback_reason is not null)
    and (newest.query_text ilike pattern.anywhere or newest.output_text ilike pattern.anywhere
      or newest.error_code ilike pattern.anywhere or newest.error_message ilike pattern.anywhere
      or newest.fallback_reason ilike pattern.anywhere or newest.id::text like lower(substr(pattern.anywhere, 2)))
  order by newest.id desc
  limit p_limit;
$$;
comment on function public.search_response_jobs(text, integer, uuid, text[], text[], boolean) is
  'Finds the jobs that contain the text among the newest 10,000 that the caller may see, newest first: in the beginning of the query, the answer, the error, the fallback reason, or as the beginning of the id. p_before: only jobs below this id, for the next page.';
revoke execute on function public.search_response_jobs(text, integer, uuid, text[], text[], boolean) from public, anon;
grant execute on function public.search_response_jobs(text, integer, uuid, text[], text[], boolean) to authenticated, service_role;
