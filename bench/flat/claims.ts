import type { Sql } from "postgres";
import { z } from "zod";

const Work = z.object({
  jobs: z.array(z.object({ id: z.string(), attempt: z.number(), owner_key: z.string() })),
});
export type Claimed = z.infer<typeof Work>["jobs"];
export const nobody = "00000000-0000-0000-0000-000000000000";

/** Claims up to `limit` jobs as a worker does, after the owner it served last. */
export async function claim(sql: Sql, limit: number, after: string): Promise<Claimed> {
  const [row] = await sql`
    select public.claim_response_work('bench', ${limit}, p_kind => 'process', p_after_owner => ${after}) as work`;
  return Work.parse(row?.work).jobs;
}

/** Completes the claimed jobs, in one statement. */
export async function complete(sql: Sql, jobs: Claimed): Promise<void> {
  const results = jobs.map(({ id, attempt }) => ({
    job_id: id,
    attempt,
    response_id: "resp_bench",
    output: [{ type: "message" }],
    output_text: "ok",
  }));
  await sql`select public.complete_response_jobs(${sql.json(results)}) is null`;
}

/** Completes one job with the function for a single job. Returns its view, as `respond` would get it. */
export async function completeOne(sql: Sql, job: Claimed[number] | undefined): Promise<void> {
  if (!job) throw new Error("Cannot complete a job: the claim gave none");
  await sql`
    select public.complete_response_job(${job.id}, ${job.attempt}, 'resp_bench', ${
    sql.json([{ type: "message" }])
  }, 'ok') is null`;
}

let key = 0;

/** Submits one job with a key, as `respond` does for a server. */
export async function submitOne(sql: Sql): Promise<void> {
  const job = {
    profile: "bench",
    input: "What is new?",
    metadata: { n: "1" },
    idempotency_key: `key-${++key}`,
    request_hash: "same",
  };
  await sql`select public.submit_response_job(${sql.json(job)}) is null`;
}

/** Submits `count` jobs of this many owners each, due now, in one call. */
export async function submit(sql: Sql, count: number, owners: number): Promise<void> {
  await sql`
    select public.submit_response_jobs((
      select jsonb_agg(jsonb_build_object('profile', 'bench', 'input', 'What is new?', 'owner_id',
        '00000000-0000-0000-0000-' || lpad(to_hex(1 + floor(random() * ${owners})::int), 12, '0'),
        'idempotency_key', gen_random_uuid()))
      from generate_series(1, ${count}::int))) is null`;
}
