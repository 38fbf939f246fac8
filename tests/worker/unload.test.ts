/** The platform ends a worker early (CPU, memory, a deploy). The worker only gets `beforeunload`. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { replaceInput } from "../support/job-state.ts";
import { readJob, summarizeAttempts } from "../support/jobs.ts";
import { eventually } from "../support/eventually.ts";
import { benchForFile, invoiceQuery, mailCounts } from "../resume/support/bench.ts";

// The worker believes that it has 150 s, so it does not hand over by itself.
const theBench = benchForFile({
  wallClockMs: 6_000,
  env: { DURABLE_RESPONSES_WALL_CLOCK_S: "150" },
}, { gated: false });

Deno.test("beforeunload stops the run and gives the job back at once, not counted as a failure", async () => {
  const bench = theBench();
  const { sql } = bench;
  const query = `${invoiceQuery} [[plan: ${findEmail("invoice")}; sleep 60000ms; ${
    replyToEmail("It is paid.")
  }]]`;
  const id = await bench.submit("sync", query);
  await eventually("the search is saved", async () => {
    const rows = await sql`
      select from public.response_steps where job_id = ${id} and tool is not null and status = 'finished'`;
    return rows.length > 0;
  });
  await replaceInput(sql, id, query.replace("60000ms", "1ms"));
  await eventually(
    "the job is given back",
    async () => (await readJob(sql, id)).status !== "running",
  );
  const row = await bench.settled(id);
  assert.deepEqual([row.status, row.failures], ["completed", 0]);
  assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
  assert.deepEqual(await summarizeAttempts(sql, id), [
    "synchronous handed_over",
    "synchronous completed",
  ]);
});
