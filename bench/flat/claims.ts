import type { Sql } from "postgres";
import { z } from "zod";

const Work = z.object({
  jobs: z.array(z.object({ id: z.string(), attempt: z.number(), owner_key: z.string() })),
});
export type Claimed = z.infer<typeof Work>["jobs"];
export const NOBODY = "00000000-0000-0000-0000-000000000000";

/** Claims up to `limit` jobs as a worker does, after the owner it served last. */
export async function claim(sql: Sql, limit: number, after: string): Promise<Claimed> {
  const [row] = await sql`
    select public.claim_response_work('bench', ${limit}, p_kind => 'process', p_after_owner => ${after}) as work`;
  return Work.parse(row?.work).jobs;
}

/** Completes what was claimed, in one statement. */
export async function complete(sql: Sql, jobs: Claimed): Promise<void> {
  await sql`
    select count(public.complete_response_job(
      (j ->> 'id')::uuid, (j ->> 'attempt')::integer, 'resp_bench', '[{"type": "message"}]', 'ok'))
    from jsonb_array_elements(${sql.json(jobs)}) j`;
}

/** Submits `count` jobs of as many owners, due now. */
export async function submit(sql: Sql, count: number, owners: number): Promise<void> {
  await sql`
    select count(public.submit_response_job('bench', '"What is new?"', p_owner_id =>
      ('00000000-0000-0000-0000-' || lpad(to_hex(1 + floor(random() * ${owners})::int), 12, '0'))::uuid))
    from generate_series(1, ${count}::int)`;
}
