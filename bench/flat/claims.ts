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

/** Completes what was claimed, in one statement. */
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

/** Submits one job, as `respond` does for a server. */
export async function submitOne(sql: Sql): Promise<void> {
  await sql`select public.submit_response_job('bench', '"What is new?"') is null`;
}

/** Submits `count` jobs of one of so many owners each, due now, in one call. */
export async function submit(sql: Sql, count: number, owners: number): Promise<void> {
  await sql`
    select public.submit_response_jobs((
      select jsonb_agg(jsonb_build_object('profile', 'bench', 'input', 'What is new?', 'owner_id',
        '00000000-0000-0000-0000-' || lpad(to_hex(1 + floor(random() * ${owners})::int), 12, '0')))
      from generate_series(1, ${count}::int))) is null`;
}
