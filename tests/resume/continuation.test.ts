/** A run that was cut continues from what is saved. The stand-in's model really reads its input, which proves it. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import { replaceInput } from "../support/job-state.ts";
import { summarizeAttempts } from "../support/jobs.ts";
import { eventually } from "../support/eventually.ts";
import { type Bench, benchForFile, invoiceQuery, mailCounts, recovers } from "./support/bench.ts";

const theBench = benchForFile();
const replyTool = "gmail_reply_to_email";

function resumeTest(name: string, run: (bench: Bench) => Promise<void>): void {
  Deno.test(name, async () => {
    const bench = theBench();
    await bench.clear();
    await run(bench);
  });
}

const step = z.object({
  attempt: z.number(),
  kind: z.string(),
  tool: z.string().nullable(),
  status: z.string(),
});

async function stepsOf({ sql }: Bench, id: string) {
  return z.array(step).parse([
    ...await sql`
      select attempt, kind, tool, status from public.response_steps where job_id = ${id} order by number`,
  ]);
}

/** Submits a job and waits until its call of `tool` is in the ledger as `status`. */
async function upTo(bench: Bench, profile: string, query: string, tool: string, status: string) {
  const id = await bench.submit(profile, query);
  await eventually(
    `${tool} ${status} in the ledger`,
    async () =>
      (await stepsOf(bench, id)).some((each) => each.tool === tool && each.status === status),
  );
  return id;
}

/** Kills the worker of a query that has replied and then sleeps for 20 s. The next run does not sleep. */
async function killedAfterReply(bench: Bench, query: string): Promise<string> {
  const id = await upTo(bench, "sync", query, replyTool, "finished");
  await bench.kill();
  await replaceInput(bench.sql, id, query.replace("20000ms", "1ms"));
  return id;
}

/** The input items that the model was sent, last request last. */
const item = z.looseObject({ type: z.string().optional(), role: z.string().optional() });
const asked = z.string().transform((content) => [{ role: "user", type: undefined, content }]);
const sent = z.object({
  input: z.union([asked, z.array(item)]),
  store: z.boolean(),
  include: z.array(z.string()),
});
function inputs({ openai }: Bench) {
  return openai.requests.filter(({ method, path }) =>
    method === "POST" && path.endsWith("/responses")
  )
    .map(({ body }) => sent.parse(body));
}

/** Waits until the mailbox is busy with a reply. */
const beingSent = (bench: Bench) =>
  eventually(
    "a reply under way at the mailbox",
    () =>
      bench.stack.mailbox.toolCalls.some(({ tool, outcome }) =>
        tool === replyTool && outcome === "running"
      ),
  );

resumeTest(
  "the next run gets what was asked and the finished items, self-contained",
  async (bench) => {
    const id = await bench.cutWhileThinking("sync");
    const row = await recovers(bench, id);
    assert.equal(row.status, "completed");
    assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
    const [again, afterYes] = inputs(bench).slice(-2);
    const done = ["user", "mcp_list_tools", "mcp_call"];
    assert.deepEqual(again?.input.map(({ type, role }) => type ?? role), done);
    assert.deepEqual(afterYes?.input.map(({ type, role }) => type ?? role), [
      ...done,
      "reasoning",
      "mcp_approval_request",
      "mcp_approval_response",
    ]);
    assert.equal(again?.store, false);
    assert.deepEqual(again?.include, ["reasoning.encrypted_content"]);
    assert.deepEqual(await summarizeAttempts(bench.sql, id), [
      "synchronous lost worker_lost",
      "synchronous completed",
    ]);
  },
);

resumeTest(
  "an API that refuses the items is told the same as a message, with a warning",
  async (bench) => {
    bench.openai.faults.set([{ kind: "refuse-items" }]);
    const id = await bench.cutWhileThinking("sync");
    assert.equal((await recovers(bench, id)).status, "completed");
    assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
    assert.deepEqual(inputs(bench).at(-1)?.input.map(({ type, role }) => role ?? type), [
      "user",
      "developer",
      // A yes can only be sent as an item.
      "mcp_approval_request",
      "mcp_approval_response",
    ]);
    const [attempt] = await bench.sql`
    select warnings from public.response_attempts where job_id = ${id} and number = 2`;
    assert.match(attempt?.["warnings"][0], /refused the finished steps as items/);
  },
);

resumeTest(
  "a checkpoint too large for items goes as a message with its outputs cut",
  async (bench) => {
    const id = await bench.cutWhileThinking("sync");
    // As if the tool had answered a megabyte.
    await bench.sql`
    update public.response_steps set
      output = output || repeat(' padding', 150000),
      item = jsonb_set(item, '{output}', to_jsonb(output || repeat(' padding', 150000)))
    where job_id = ${id} and kind = 'mcp_call'`;
    assert.equal((await recovers(bench, id)).status, "completed");
    assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
    const again = inputs(bench).at(-1);
    assert.deepEqual(again?.input.map(({ type, role }) => role ?? type), [
      "user",
      "developer",
      "mcp_approval_request",
      "mcp_approval_response",
    ]);
    assert.ok(JSON.stringify(again).length < 20_000);
  },
);

resumeTest(
  "a checkpoint too large for anything fails the job with a code that says so",
  async (bench) => {
    const id = await bench.cutWhileThinking("sync");
    await bench.sql`
    update public.response_steps set arguments = to_json(repeat('x', 1100000))::text
    where job_id = ${id} and kind = 'mcp_call'`;
    const row = await recovers(bench, id);
    assert.deepEqual([row.status, row.error_code], ["failed", "checkpoint_too_large"]);
    assert.equal(mailCounts(bench).sent, 0);
  },
);

resumeTest(
  "a tool whose connection fails after it has acted: a person looks, no second email",
  async (bench) => {
    bench.stack.mailbox.fail({ tool: replyTool, when: "die" });
    const id = await bench.submit("sync");
    const row = await bench.settled(id);
    assert.equal(row.status, "needs_review");
    assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
    await bench.post(`/${id}/resolve`, { outcome: "happened" });
    assert.equal((await bench.settled(id)).status, "completed");
    assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
  },
);

resumeTest("a profile that would rather send twice is not asked", async (bench) => {
  bench.stack.mailbox.setDelay(replyTool, 400);
  const id = await upTo(bench, "careless", invoiceQuery, replyTool, "started");
  await beingSent(bench);
  await bench.kill();
  bench.stack.mailbox.setDelay(replyTool, 0);
  assert.equal((await bench.settled(id)).status, "completed");
  await eventually("both emails", () => mailCounts(bench).sent === 2);
});

resumeTest(
  "a call that an earlier run has made is refused, and the model told so",
  async (bench) => {
    const twice = `${invoiceQuery} [[plan: ${findEmail("invoice")}; ${
      replyToEmail("Paid.")
    }; sleep 20000ms; ${replyToEmail("Paid.")}]]`;
    const id = await killedAfterReply(bench, twice);
    const row = await bench.settled(id);
    assert.equal(row.status, "completed");
    assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
    assert.match(JSON.stringify(inputs(bench).at(-1)), /has made this very call, and it is done/);
    const [attempt] = await bench.sql`
    select warnings from public.response_attempts where job_id = ${id} and number = 2`;
    assert.match(
      attempt?.["warnings"][0],
      /which has finished: it got the earlier output, and nothing was called/,
    );
  },
);

resumeTest("a model that insists on a call that is done stops for a person", async (bench) => {
  const thrice = `${invoiceQuery} [[plan: ${findEmail("invoice")}; ${
    replyToEmail("Paid.")
  }; sleep 20000ms; ${replyToEmail("Paid.")}; ${replyToEmail("Paid.")}]]`;
  const id = await killedAfterReply(bench, thrice);
  const row = await bench.settled(id);
  assert.equal(row.status, "needs_review");
  assert.deepEqual(await summarizeAttempts(bench.sql, id), [
    "synchronous lost worker_lost",
    "synchronous suspended repeated_call",
  ]);
  assert.equal(mailCounts(bench).sent, 1);
});

resumeTest(
  "an approved call that was cut in flight is not made again once a person says it happened",
  async (bench) => {
    const id = await bench.submit("asking");
    assert.equal((await bench.settled(id)).status, "awaiting_approval");
    assert.equal(mailCounts(bench).sent, 0);
    bench.stack.mailbox.setDelay(replyTool, 400);
    await bench.post(`/${id}/approve`, { approve: true });
    await beingSent(bench);
    await bench.kill();
    assert.equal((await recovers(bench, id)).status, "completed");
    assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
  },
);

resumeTest("a no is told to the model, and nothing is sent", async (bench) => {
  const id = await bench.submit("asking");
  await bench.settled(id);
  await bench.post(`/${id}/approve`, { approve: false, reason: "not before Monday" });
  assert.equal((await bench.settled(id)).status, "completed");
  assert.equal(mailCounts(bench).sent, 0);
  assert.match(JSON.stringify(inputs(bench).at(-1)), /not before Monday/);
});

resumeTest("a retry of a job that failed after it had sent does not send again", async (bench) => {
  bench.openai.faults.set([
    {
      kind: "fails-after-tools",
      match: { background: false },
      code: "invalid_prompt",
      message: "no",
    },
  ]);
  const id = await bench.submit("sync");
  assert.equal((await bench.settled(id)).status, "failed");
  assert.equal(mailCounts(bench).sent, 1);
  bench.openai.faults.clear();
  const retried = await bench.post(`/${id}/retry`, {});
  assert.equal((await bench.settled(retried.id)).status, "completed");
  assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
});

resumeTest("what a background run did before it failed is not done again", async (bench) => {
  bench.openai.faults.set([{ kind: "fails-after-tools" }]);
  const id = await bench.submit("background");
  assert.equal((await bench.settled(id)).status, "completed");
  assert.deepEqual(mailCounts(bench), { finds: 1, replies: 1, sent: 1 });
});

resumeTest("a rule for a tool that does not exist is a warning, not a failure", async (bench) => {
  const id = await bench.submit("mistaken");
  assert.equal((await bench.settled(id)).status, "completed");
  const [attempt] = await bench.sql`
    select warnings from public.response_attempts where job_id = ${id}`;
  // Its owner reads that: which rules a profile has is for operators.
  assert.deepEqual(attempt?.["warnings"], [
    "Rules in side_effects for tools that no server lists: 1",
  ]);
});

resumeTest(
  "what Postgres cannot hold costs a run neither its result nor its ledger",
  async (bench) => {
    const id = await bench.submit(
      "everything",
      String.raw`say [[plan: call everything.echo {"message":"a\u0000b\ud800c"}; text done]]`,
    );
    const row = await bench.settled(id);
    assert.equal(row.status, "completed");
    const [call] = await bench.sql`
    select output from public.response_steps where job_id = ${id} and tool = 'echo'`;
    assert.match(call?.["output"], /a\uFFFDb\uFFFDc/);
  },
);
