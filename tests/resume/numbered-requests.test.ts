/** Two requests of a job may have the same id. Each yes is in the ledger before it leaves, and each email is sent once. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import type { Fault } from "../../packages/dev/openai/mod.ts";
import { eventually } from "../support/eventually.ts";
import { passForBackground } from "../support/job-state.ts";
import { forFile } from "../support/for-file.ts";
import { isFinal, type JobRow, summarizeAttempts } from "../support/jobs.ts";
import { type Bench, benchForFile, isSettled } from "./support/bench.ts";
import { startNumberingServer } from "./support/numbering-server.ts";

const theBench = benchForFile();
const theServer = forFile((parts) => {
  const server = startNumberingServer();
  parts.defer(() => server.stop());
  return Promise.resolve(server);
});
const works: Fault = { kind: "background-works" };
const plan = (...texts: string[]) =>
  `[[plan: ${
    [findEmail("invoice"), ...texts.map((text) => replyToEmail(text))].join("; ")
  }; text 3 deltas]] Reply`;
const twoEmails = plan("First.", "Second.");

/** Begins on a route that has learned nothing. @returns what was wrong with a yes when it left */
async function begin(faults: Fault[]): Promise<{ bench: Bench; wrong: string[] }> {
  const bench = theBench();
  await bench.clear();
  const server = theServer();
  server.target = bench.openai.origin;
  bench.gates.openai.target = server.url;
  bench.openai.faults.set(faults);
  await bench
    .sql`update public.response_routes set ignores_approval = false, ignores_approval_since = null, breaker = 'closed', probe_at = null, background_failures = 0`;
  const wrong: string[] = [];
  server.onYes = async ({ jobId, calls, repeats }) => {
    const rows = await bench.sql`
      select from public.response_steps
      where job_id = ${jobId} and kind = 'mcp_call' and effect = 'once' and status = 'started'`;
    if (rows.length !== calls) wrong.push(`${calls} calls got a yes, ${rows.length} had a row`);
    if (new Set(repeats).size < repeats.length) wrong.push(`ambiguous: ${repeats.join(", ")}`);
  };
  return { bench, wrong };
}

const sentBy = ({ stack }: Bench) => stack.mailbox.sent.map(({ body }) => body).sort();

async function ledgerOf({ sql }: Bench, id: string): Promise<string[]> {
  const rows = await sql`
    select status, arguments::jsonb ->> 'body' as body from public.response_steps
    where job_id = ${id} and kind = 'mcp_call' and effect = 'once' order by number`;
  return rows.map(({ status, body }) => `${status} ${body}`);
}

async function assertNotIgnored({ sql }: Bench): Promise<void> {
  const ignored = await sql`select route from public.response_routes where ignores_approval`;
  assert.deepEqual([...ignored], []);
}

/** Lets time pass until the job is final, and says that each call in doubt has happened, which is true here. */
async function recovered(bench: Bench, id: string): Promise<JobRow> {
  for (;;) {
    const row = await bench.settled(id, async (row) => {
      if (row.status === "background") await passForBackground(bench.sql, id, 31_000);
      return isSettled(row);
    });
    if (isFinal(row)) return row;
    await bench.openai.idle();
    await bench.post(`/${id}/resolve`, { outcome: "happened" });
  }
}

Deno.test("in background, two emails of one run", async () => {
  const { bench, wrong } = await begin([works]);
  const id = await bench.submit("background", twoEmails);
  assert.equal((await bench.settled(id)).status, "completed");
  assert.deepEqual(sentBy(bench), ["First.", "Second."]);
  assert.deepEqual(await ledgerOf(bench, id), ["finished First.", "finished Second."]);
  assert.deepEqual(wrong, []);
  await assertNotIgnored(bench);
});

Deno.test("the same email twice, because the model wants it twice", async () => {
  const { bench, wrong } = await begin([works]);
  const id = await bench.submit("background", plan("Same.", "Same."));
  assert.equal((await bench.settled(id)).status, "completed");
  assert.deepEqual(sentBy(bench), ["Same.", "Same."]);
  assert.deepEqual(wrong, []);
});

Deno.test("killed after OpenAI has the second yes, and its webhook is lost", async () => {
  const { bench, wrong } = await begin([works]);
  const { gates, openai } = bench;
  openai.webhooks.faults.set([{ kind: "delay", ms: 0, times: 2 }, { kind: "lose" }]);
  let records = 0;
  const caught = gates.stopAt((passing) =>
    "path" in passing && passing.phase === "request" &&
    passing.path.endsWith("/rpc/continue_in_background") && ++records === 2
  );
  const id = await bench.submit("background", twoEmails);
  await caught;
  assert.ok((await bench.kill("openai-webhook")).length > 0);
  gates.open();
  await openai.idle();
  assert.equal((await recovered(bench, id)).status, "completed");
  assert.deepEqual(sentBy(bench), ["First.", "Second."]);
  assert.deepEqual(await ledgerOf(bench, id), ["finished First.", "finished Second."]);
  assert.deepEqual(wrong, []);
});

for (
  const [what, faults] of [
    ["background stops working for the second yes", [
      { kind: "background-unsupported", match: { metadata: { durable_responses_attempt: "5" } } },
      works,
    ]],
    ["it takes no previous response", [
      {
        kind: "http-error",
        status: 400,
        match: { background: true, metadata: { durable_responses_attempt: "5" } },
        times: 1,
      },
      works,
    ]],
  ] as [string, Fault[]][]
) {
  Deno.test(`${what}: the second request is not the first one`, async () => {
    const { bench, wrong } = await begin(faults);
    const id = await bench.submit("background", twoEmails);
    assert.equal((await bench.settled(id)).status, "completed");
    assert.deepEqual(sentBy(bench), ["First.", "Second."]);
    assert.deepEqual(await ledgerOf(bench, id), ["finished First.", "finished Second."]);
    assert.deepEqual(wrong, []);
  });
}

Deno.test("in a synchronous run, two emails", async () => {
  const { bench, wrong } = await begin([]);
  const id = await bench.submit("sync", twoEmails);
  assert.equal((await bench.settled(id)).status, "completed");
  assert.deepEqual(await summarizeAttempts(bench.sql, id), ["synchronous completed"]);
  assert.deepEqual(sentBy(bench), ["First.", "Second."]);
  assert.deepEqual(await ledgerOf(bench, id), ["finished First.", "finished Second."]);
  assert.deepEqual(wrong, []);
  await assertNotIgnored(bench);
});

Deno.test("in a synchronous run, killed in the second call", async () => {
  const { bench, wrong } = await begin([]);
  const { gates, stack } = bench;
  let calls = 0;
  const caught = gates.stopAt((passing) =>
    passing.phase === "event" && passing.event === "response.output_item.done" &&
    passing.data.includes("gmail_reply_to_email") && passing.data.includes('"mcp_call"') &&
    ++calls === 2
  );
  const id = await bench.submit("sync", twoEmails);
  await caught;
  await bench.kill();
  gates.open();
  assert.equal((await bench.settled(id)).status, "needs_review");
  assert.deepEqual(await ledgerOf(bench, id), ["finished First.", "uncertain Second."]);
  assert.equal((await recovered(bench, id)).status, "completed");
  assert.deepEqual(sentBy(bench), ["First.", "Second."]);
  assert.equal(stack.mailbox.sent.length, 2);
  assert.deepEqual(wrong, []);
});

Deno.test("killed after a call whose request was sent again with an id of ours: its yes is used", async () => {
  const { bench, wrong } = await begin([
    { kind: "background-unsupported", match: { metadata: { durable_responses_attempt: "5" } } },
    works,
  ]);
  const slow = twoEmails.replace("text 3", "reason; sleep 2000ms; text 3");
  const id = await bench.submit("background", slow);
  await eventually("the call, by the id that was sent", async () => {
    const rows = await bench.sql`
      select from public.response_steps
      where job_id = ${id} and kind = 'mcp_call' and status = 'finished'
        and item ->> 'approval_request_id' like 'mcpr_step_%'`;
    return rows.length === 1;
  });
  await bench.kill("openai-webhook");
  await bench.kill();
  assert.equal((await recovered(bench, id)).status, "completed");
  assert.deepEqual(sentBy(bench), ["First.", "Second."]);
  assert.deepEqual(await ledgerOf(bench, id), ["finished First.", "finished Second."]);
  assert.deepEqual(wrong, []);
});
