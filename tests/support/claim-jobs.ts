/** Claims due jobs, in the transaction that `sql` is in. */
import type { Sql, TransactionSql } from "postgres";
import { z } from "zod";
import { callFunction } from "./function-call.ts";
import { type JobWork, jobWork } from "./machine-shapes.ts";

const claimed = z.object({ jobs: z.array(jobWork) });

/** The due jobs that `worker` gets, leased for `leaseMs`. */
export async function claimJobs(
  sql: Sql | TransactionSql,
  worker: string,
  limit: number,
  leaseMs = 30_000,
): Promise<JobWork[]> {
  const args = { p_worker: worker, p_limit: limit, p_lease_ms: leaseMs };
  return claimed.parse(await callFunction(sql, "public.claim_response_work", args)).jobs;
}
