/**
 * Where jobs and attempts are read with everything that is stored of them (leases, polls, budgets, routes), as service_role or
 * above. What users see of a job is `public.response_jobs`.
 */
export const internalJobs = "public.response_jobs_internal";
export const internalAttemptRows = "public.response_attempts_internal";
