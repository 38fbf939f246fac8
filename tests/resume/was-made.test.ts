/**
 * A worker is killed while a call that must not be made twice is on its way, and the profile finds out whether it was made
 * (`was_made`). Nobody is asked, unless it cannot tell.
 */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/eventually.ts";
import type { Passing } from "../support/gates.ts";
import { passForBackground } from "../support/job-state.ts";
import { isFinal, readJob, summarizeAttempts } from "../support/jobs.ts";
import { type Bench, benchForFile, isSettled, mailCounts } from "./support/bench.ts";

const theBench = benchForFile({
  profiles: fileURLToPath(new URL("./support/was-made-profiles.ts", import.meta.url)),
  env: { SIDE_KEY: "side-key-1234567890" },
});

/** The request that has the yes. */
const hasYes = (phase: Passing["phase"]) => (passing: Passing) =>
  passing.phase === phase && "path" in passing && /responses$/.test(passing.path) &&
  passing.body.includes("mcp_approval_response");

/** Submits a job, and kills its worker when OpenAI is about to get the yes, or has got it and the email is sent. */
async function killed(
  bench: Bench,
  profile: string,
  when: "before" | "after",
  query?: string,
): Promise<string> {
  await bench.clear();
  const caught = bench.gates.stopAt(hasYes(when === "before" ? "request" : "answer"), {
    cutStreams: true,
  });
  const id = await bench.submit(profile, query);
  await bench.wake();
  await caught;
  if (when === "after") {
    await eventually("the email to be sent", () => bench.stack.mailbox.sent.length === 1);
  }
  await bench.kill();
  bench.gates.open();
  return id;
}

async function answersOf({ sql }: Bench, id: string) {
  return [
    ...await sql`
      select status, answer, answered_by from public.response_steps
      where job_id = ${id} and answered_by = 'was_made' order by number`,
  ];
}

Deno.test("a call that was made is not made again, and the run continues with what is known of it", async () => {
  const bench = theBench();
  const id = await killed(bench, "looks", "after");
  const row = await bench.settled(id, isFinal);
  assert.deepEqual([row.status, mailCounts(bench).sent], ["completed", 1]);
  assert.deepEqual(await answersOf(bench, id), [{
    status: "finished",
    answer: {
      outcome: "happened",
      output: "The profile's was_made found that this call was made; its output is not known.",
    },
    answered_by: "was_made",
  }]);
  assert.deepEqual(await summarizeAttempts(bench.sql, id), [
    "synchronous suspended worker_lost",
    "synchronous completed",
  ]);
});

Deno.test("a call that was not made is made, once", async () => {
  const bench = theBench();
  const id = await killed(bench, "looks", "before");
  const row = await bench.settled(id, isFinal);
  assert.deepEqual([row.status, mailCounts(bench).sent], ["completed", 1]);
  assert.deepEqual(await answersOf(bench, id), [{
    status: "void",
    answer: { outcome: "did_not_happen" },
    answered_by: "was_made",
  }]);
});

Deno.test("what it finds as the call's output goes to the model", async () => {
  const bench = theBench();
  const id = await killed(bench, "knows", "after");
  assert.equal((await bench.settled(id, isFinal)).status, "completed");
  const [answer] = await answersOf(bench, id);
  assert.equal(answer?.["answer"].output, "It is in the folder of sent emails.");
  assert.match(
    JSON.stringify(bench.openai.requests.at(-1)?.body),
    /It is in the folder of sent emails/,
  );
});

/** Asks as often as it is asked in a quarter of an hour. */
async function askedInVain(bench: Bench, id: string): Promise<void> {
  const { sql } = bench;
  await eventually("it to be asked five times", async () => {
    await sql`update durable_responses.doubts set due = now() where job_id = ${id} and due is not null`;
    await bench.wake();
    const rows =
      await sql`select from durable_responses.doubts where job_id = ${id} and due is null`;
    return rows.length === 1;
  });
  assert.equal((await readJob(sql, id)).status, "needs_review");
  assert.deepEqual(await answersOf(bench, id), []);
}

Deno.test("secrets in what it says are masked, in the ledger and for the model", async () => {
  const bench = theBench();
  const id = await killed(bench, "leaks", "after");
  assert.equal((await bench.settled(id, isFinal)).status, "completed");
  const [answer] = await answersOf(bench, id);
  assert.equal(answer?.["answer"].output, "*** ***");
  const told = JSON.stringify(bench.openai.requests.map(({ body }) => body));
  assert.doesNotMatch(told, /side-key/);
});

for (const profile of ["unsure", "throws", "odd", "lost", "forgets"]) {
  Deno.test(`${profile}: if it cannot tell, the job stays held, and a person decides`, async () => {
    const bench = theBench();
    const id = await killed(bench, profile, "after");
    await bench.settled(id, isSettled);
    await askedInVain(bench, id);
    await bench.post(`/${id}/resolve`, { outcome: "happened" });
    assert.equal((await bench.settled(id, isFinal)).status, "completed");
    assert.equal(mailCounts(bench).sent, 1);
  });
}

Deno.test("it is not asked about arguments that may not be stored as they were sent", async () => {
  const bench = theBench();
  const plan = `[[plan: ${findEmail("invoice")}; ${replyToEmail("The code is ***.")}]]`;
  const id = await killed(bench, "looks", "after", `Reply. ${plan}`);
  await bench.settled(id, isSettled);
  await askedInVain(bench, id);
});

Deno.test("that a call was not made means nothing while its response may still make it", async () => {
  const bench = theBench();
  await bench.clear();
  bench.openai.faults.set([{ kind: "background-works" }]);
  const caught = bench.gates.stopAt(hasYes("request"));
  const id = await bench.submit("looks-background");
  await caught;
  await bench.kill("openai-webhook");
  await bench.kill();
  bench.gates.open();
  await bench.settled(id, async (row) => {
    if (row.status === "background") await passForBackground(bench.sql, id, 601_000);
    return isSettled(row);
  });
  await askedInVain(bench, id);
  assert.equal(mailCounts(bench).sent, 0);
});
