/**
 * Whoever has read a background response is killed while it hands the yes to the next one, and that one's webhook comes early,
 * late, odd or never. The email is sent once, and a person is asked only if nothing says whether it was sent.
 */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { z } from "zod";
import type { Fault } from "../../packages/dev/openai/mod.ts";
import type { Passing } from "../support/gates.ts";
import { expireAllLeases, passForBackground } from "../support/job-state.ts";
import { type JobRow, readAttempts, readJob, summarizeAttempts } from "../support/jobs.ts";
import { type Bench, benchForFile, mailCounts, recovers } from "./support/bench.ts";

const theBench = benchForFile();
const query = `[[plan: ${findEmail("invoice")}; ${
  replyToEmail("It is paid.")
}; sleep 1ms; text 3 deltas]] Reply`;
const works: Fault = { kind: "background-works" };
const ofAttempt = (number: number) => ({
  metadata: { durable_responses_attempt: String(number) },
});
/** What becomes of the webhook of the response that has the yes. The first response's comes as usual. */
type Webhook = { kind: "lose" } | { kind: "delay"; ms: number };

const isYes = (passing: Passing) =>
  "path" in passing && passing.method === "POST" && /responses$/.test(passing.path) &&
  passing.body.includes("mcp_approval_response");
const isRecord = (passing: Passing) =>
  "path" in passing && passing.path.endsWith("/rpc/continue_in_background");
const named = z.object({ p_response_id: z.string() });

/** Whoever reads a response that asks, here because of its webhook, sends the yes. */
const victim = "openai-webhook";

/** Kills it after OpenAI has the yes and before the response is recorded. */
async function killedAfterYes(
  webhook: Webhook,
  { faults = [works], ask = query }: { faults?: Fault[]; ask?: string } = {},
): Promise<{ bench: Bench; id: string; responseId: string }> {
  const bench = theBench();
  const { gates, openai, submit, kill, wake } = bench;
  await bench.clear();
  openai.faults.set(faults);
  openai.webhooks.faults.set([{ kind: "delay", ms: 0, times: 1 }, webhook]);
  let responseId = "";
  const caught = gates.stopAt((passing) => {
    if (!("path" in passing) || passing.phase !== "request" || !isRecord(passing)) return false;
    responseId = named.parse(JSON.parse(passing.body)).p_response_id;
    return true;
  });
  const id = await submit("background", ask);
  await caught;
  assert.equal((await kill(victim)).length > 0, true, "somebody was killed");
  gates.open();
  await wake();
  await until(bench, id, ({ status, attempt }) => status === "background" && attempt === 3);
  return { bench, id, responseId };
}

const until = ({ settled }: Bench, id: string, wanted: (row: JobRow) => boolean) =>
  settled(id, wanted);
const isHeld = ({ status }: JobRow) => status === "needs_review";
const isCompleted = ({ status }: JobRow) => status === "completed";

/** Its budget ends without a webhook. */
async function pastBudget(bench: Bench, id: string): Promise<void> {
  await passForBackground(bench.sql, id, 700_000);
  await until(bench, id, isHeld);
}

const handedOver = [
  "background continued",
  "synchronous continued worker_lost",
];

Deno.test("a late webhook: its result is the job's, and nobody was asked", async () => {
  const { bench, id, responseId } = await killedAfterYes({ kind: "delay", ms: 2_000 });
  const cancels = bench.openai.counts().cancel;
  await until(bench, id, isCompleted);
  assert.deepEqual(await summarizeAttempts(bench.sql, id), [
    ...handedOver,
    "background completed",
  ]);
  assert.equal((await readJob(bench.sql, id)).response_id, responseId);
  assert.equal(mailCounts(bench).sent, 1);
  assert.equal(bench.openai.counts().cancel, cancels);
});

Deno.test("no webhook: a person is asked when the budget ends, once, and the truth sends one email", async () => {
  const { bench, id } = await killedAfterYes({ kind: "lose" });
  assert.equal((await recovers(bench, id)).status, "completed");
  assert.equal(mailCounts(bench).sent, 1);
});

Deno.test("a webhook after the budget: the job leaves its review by itself", async () => {
  const { bench, id, responseId } = await killedAfterYes({ kind: "lose" });
  await pastBudget(bench, id);
  await bench.openai.webhooks.send({ type: "response.completed", responseId });
  await until(bench, id, isCompleted);
  assert.equal(mailCounts(bench).sent, 1);
  assert.equal((await readAttempts(bench.sql, id))[2]?.cancel_pending, false);
});

Deno.test("a response that says that it failed before the call: the next run makes the call", async () => {
  const { bench, id, responseId } = await killedAfterYes({ kind: "lose" }, {
    faults: [{
      kind: "background-fails",
      match: ofAttempt(3),
      message: "Error retrieving tool list from MCP server: 'mailbox'",
    }, works],
  });
  await pastBudget(bench, id);
  assert.equal(mailCounts(bench).sent, 0);
  await bench.openai.webhooks.send({ type: "response.failed", responseId });
  await until(bench, id, isCompleted);
  assert.equal(mailCounts(bench).sent, 1);
});

Deno.test("a webhook ahead of the end: the response is read again, not cancelled", async () => {
  const slow = query.replace("sleep 1ms", "sleep 2500ms");
  const { bench, id, responseId } = await killedAfterYes({ kind: "lose" }, { ask: slow });
  const cancels = bench.openai.counts().cancel;
  await bench.openai.webhooks.send({ type: "response.completed", responseId });
  await until(bench, id, ({ response_id }) => response_id === responseId);
  await bench.openai.idle();
  await passForBackground(bench.sql, id, 31_000);
  await until(bench, id, isCompleted);
  assert.deepEqual((await summarizeAttempts(bench.sql, id)).at(-1), "background completed");
  assert.equal(mailCounts(bench).sent, 1);
  assert.equal(bench.openai.counts().cancel, cancels);
});

Deno.test("a webhook that contradicts the response, and one for the first response again", async () => {
  const { bench, id, responseId } = await killedAfterYes({ kind: "lose" });
  const first = (await readAttempts(bench.sql, id))[0]?.response_id ?? "";
  await bench.openai.idle();
  const send = (type: string, of: string) => bench.openai.webhooks.send({ type, responseId: of });
  await Promise.all([
    send("response.failed", first),
    send("response.cancelled", responseId),
    send("response.completed", first),
    send("response.completed", responseId),
  ]);
  await until(bench, id, isCompleted);
  assert.deepEqual(await summarizeAttempts(bench.sql, id), [
    ...handedOver,
    "background completed",
  ]);
  assert.equal(mailCounts(bench).sent, 1);
});

Deno.test("a job cancelled while it waits: the response that comes is no result, and is flagged", async () => {
  const { bench, id, responseId } = await killedAfterYes({ kind: "lose" });
  await bench.openai.idle();
  await bench.post(`/${id}/cancel`, {});
  await bench.openai.webhooks.send({ type: "response.completed", responseId });
  const flags = () =>
    bench.sql`select code from public.response_flags where job_id = ${id}`.then((rows) =>
      rows.map(({ code }) => code)
    );
  await bench.settled(id, async () => (await flags()).length > 0);
  assert.deepEqual(await flags(), ["late_call"]);
  assert.equal((await readJob(bench.sql, id)).status, "cancelled");
});

Deno.test("killed before the yes is sent: nobody else sends it while it may be on its way", async () => {
  const bench = theBench();
  const { gates, openai, submit, kill, wake } = bench;
  await bench.clear();
  openai.faults.set([works]);
  const caught = gates.stopAt((passing) => passing.phase === "request" && isYes(passing));
  const id = await submit("background", query);
  await caught;
  assert.equal((await kill(victim)).length > 0, true, "somebody was killed");
  gates.open();
  await wake();
  await until(bench, id, ({ status, attempt }) => status === "background" && attempt === 3);
  assert.equal(mailCounts(bench).replies, 0);
  assert.equal((await recovers(bench, id)).status, "completed");
  assert.equal(mailCounts(bench).sent, 1);
});

Deno.test("the answer to the lease is lost: it expires, and a worker sends the yes, once", async () => {
  const bench = theBench();
  const { gates, openai, submit, sql, wake } = bench;
  await bench.clear();
  openai.faults.set([works]);
  const caught = gates.stopAt((passing) =>
    passing.phase === "answer" && "path" in passing &&
    passing.path.endsWith("/rpc/continue_response_job_in_place")
  );
  const id = await submit("background", query);
  await caught;
  gates.open();
  const { status, attempt } = await readJob(sql, id);
  assert.deepEqual([status, attempt], ["running", 2]);
  await expireAllLeases(sql);
  await wake();
  await until(bench, id, isCompleted);
  assert.deepEqual(await summarizeAttempts(sql, id), [
    "background continued",
    "synchronous lost worker_lost",
    "synchronous continued",
    "background completed",
  ]);
  assert.equal(mailCounts(bench).sent, 1);
});
