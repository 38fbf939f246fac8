import postgres from "postgres";
import { z } from "zod";
import { batchSize, callerCount, inParallel, type QueuedJob, type QueueSystem } from "../system.ts";

const Claimed = z.object({
  jobs: z.array(z.object({ id: z.string(), attempt: z.number(), owner_key: z.string() })),
});
const nobody = "00000000-0000-0000-0000-000000000000";
const output = [{
  type: "message",
  role: "assistant",
  content: [{ type: "output_text", text: "ok" }],
}];

/** durable-responses, through the SQL functions that its Edge Functions call. */
export function ours(url: string): QueueSystem {
  const sql = postgres(url, { max: callerCount, onnotice: () => {} });

  async function claim(worker: number, limit: number, after: string) {
    const [row] = await sql`
      select public.claim_response_work(${`bench-${worker}`}, ${limit}, p_kind => 'process', p_after_owner => ${after}) as work`;
    return Claimed.parse(row?.work).jobs;
  }
  async function drain(
    limit: number,
    total: number,
    untilMs: number,
    complete: (jobs: { id: string; attempt: number }[]) => Promise<void>,
  ) {
    let done = 0;
    const after = Array.from({ length: callerCount }, () => nobody);
    await inParallel(callerCount, async (caller) => {
      if (done >= total || performance.now() > untilMs) return false;
      const jobs = await claim(caller, limit, after[caller] ?? nobody);
      if (jobs.length === 0) return done < total;
      after[caller] = jobs.at(-1)?.owner_key ?? nobody;
      await complete(jobs);
      done += jobs.length;
      return true;
    });
  }

  return {
    start: () => Promise.resolve(),
    async enqueue({ key, payload }) {
      await sql`
        select public.submit_response_job(${
        sql.json({
          profile: "bench",
          input: payload.query,
          metadata: payload.metadata,
          idempotency_key: key,
          request_hash: "same",
        })
      }) is null`;
    },
    async enqueueMany(jobs: QueuedJob[]) {
      const list = jobs.map(({ key, payload: { query, metadata } }) => ({
        profile: "bench",
        input: query,
        metadata,
        idempotency_key: key,
      }));
      await sql`select public.submit_response_jobs(${sql.json(list)}) is null`;
    },
    drainOneByOne: (total, untilMs) =>
      drain(1, total, untilMs, async ([job]) => {
        if (!job) throw new Error("Cannot complete a job: the claim gave none");
        await sql`
          select public.complete_response_job(${job.id}, ${job.attempt}, 'resp_bench', ${
          sql.json(output)
        }, 'ok') is null`;
      }),
    drainInBatches: (total, untilMs) =>
      drain(batchSize, total, untilMs, async (jobs) => {
        const results = jobs.map(({ id, attempt }) => ({
          job_id: id,
          attempt,
          response_id: "resp_bench",
          output,
          output_text: "ok",
        }));
        await sql`select public.complete_response_jobs(${sql.json(results)}) is null`;
      }),
    async finished() {
      const [row] =
        await sql`select count(*)::int as n from public.response_jobs where status = 'completed'`;
      return Number(row?.n);
    },
  };
}
