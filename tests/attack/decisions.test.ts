/** A person's decision is about what the person saw, and nothing else. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { eventually } from "../support/eventually.ts";
import { type JobRow, readJob } from "../support/jobs.ts";
import { stackForFile } from "../support/stack.ts";

const theStack = stackForFile({
  profiles: fileURLToPath(new URL("./support/profiles.ts", import.meta.url)),
  openaiTimings: fastTimings,
});

const waitingSchema = z.array(
  z.object({ request_id: z.string(), tool: z.string(), arguments: z.string(), digest: z.string() }),
);

const reached = (id: string, status: JobRow["status"]) =>
  eventually(
    `job ${id}, ${status}`,
    () => readJob(theStack().sql, id),
    (row) => row.status === status,
  );

/** A job that asks whether it may reply to an email, and the call that it shows. */
async function asking(profile = "careful") {
  const { submit, ask } = theStack();
  const { id } = await submit(profile, "Reply to the invoice mail");
  await reached(id, "awaiting_approval");
  const { body } = await ask({ path: `/${id}` });
  const [call] = waitingSchema.parse(body["waiting"]);
  assert.ok(call);
  return { id, call };
}

const approve = (id: string, body: Record<string, unknown>) =>
  theStack().ask({ path: `/${id}/approve`, body: { approve: true, ...body } });
const sent = () => theStack().stack.mailbox.sent.length;

Deno.test("a yes with the id and the digest of what was shown is taken", async () => {
  const { id, call } = await asking();
  const before = sent();
  const shown = [call.arguments].map((text) => JSON.stringify(text)).join("");
  const bytes = new TextEncoder().encode(`"mailbox"${JSON.stringify(call.tool)}${shown}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  // A client that shows a call can compute the digest of what it has shown.
  const own = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.equal(own, call.digest);
  const answer = await approve(id, { request_id: call.request_id, digest: own });
  assert.equal(answer.status, 202);
  await reached(id, "completed");
  assert.equal(sent(), before + 1);
  // The same again, from somebody who does not know that it was accepted. Only if it says what it is about.
  const seen = { request_id: call.request_id, digest: own };
  assert.deepEqual((await approve(id, seen)).body.status, "completed");
  for (const other of [{ ...seen, approve: false }, { ...seen, digest: "0".repeat(64) }, {}]) {
    assert.equal((await approve(id, other)).status, 409);
  }
  assert.equal(sent(), before + 1);
});

Deno.test("a yes to another call than the one that waits is 409, and nothing is sent", async () => {
  const { id, call } = await asking();
  const before = sent();
  const other = "0".repeat(64);
  for (const seen of [{ digest: other }, { digest: other, request_id: call.request_id }]) {
    const answer = await approve(id, seen);
    assert.deepEqual([answer.status, answer.code], [409, "decision_mismatch"]);
    assert.ok(answer.body.error?.hint);
  }
  const unknown = await approve(id, { digest: call.digest, request_id: "mcpr_other" });
  assert.deepEqual([unknown.status, unknown.code], [409, "invalid_state"]);
  const malformed = await approve(id, { digest: "abc" });
  assert.deepEqual([malformed.status, malformed.code], [400, "invalid_request"]);
  assert.equal((await readJob(theStack().sql, id)).status, "awaiting_approval");
  assert.equal(sent(), before);
});

Deno.test("a yes that names nothing is 409 as soon as a second call waits", async () => {
  const { id, call } = await asking();
  const { sql } = theStack();
  // Meanwhile there is another call, which nobody has seen.
  await sql`
    insert into public.response_steps (job_id, number, attempt, item_id, kind, status, server_label, tool, arguments, started_at)
    select job_id, 1000, attempt, 'mcpr_unseen', kind, status, server_label, tool, '{"bcc":"mallory"}', now()
    from public.response_steps where job_id = ${id} and status = 'waiting'`;
  const answer = await approve(id, {});
  assert.deepEqual([answer.status, answer.code], [409, "decision_mismatch"]);
  const first = await approve(id, { digest: call.digest });
  assert.equal(first.body.status, "awaiting_approval");
  const rows = await sql`
    select item_id, status from public.response_steps where job_id = ${id} and kind = 'mcp_approval_request' order by number`;
  assert.deepEqual(rows.map((row) => row["status"]), ["finished", "waiting"]);
  await theStack().ask({ path: `/${id}/cancel`, method: "POST" });
});

Deno.test("a resolution that names nothing is 409 while two calls are in doubt, and a retry is none", async () => {
  const { id } = await asking();
  const { sql, ask } = theStack();
  await sql`
    with held as (
      update durable_responses.waits set status = 'queued', due = now() + interval '1 hour' where job_id = ${id} returning job_id)
    insert into public.response_steps (job_id, number, attempt, item_id, kind, status, effect, server_label, tool, arguments, started_at)
    select job_id, 1000 + n, 1, 'mcp_' || n, 'mcp_call', 'uncertain', 'once', 'mailbox', 'send', '{"to":' || n || '}', now()
    from held, generate_series(1, 2) n`;
  await sql`
    update durable_responses.waits set status = 'needs_review', review_reason = 'Nobody knows', due = now() + interval '1 hour'
    where job_id = ${id}`;
  for (const [path, body] of [["resolve", { outcome: "happened" }], ["retry", {}]] as const) {
    const answer = await ask({ path: `/${id}/${path}`, body });
    assert.deepEqual([answer.status, answer.code], [409, "decision_mismatch"]);
  }
  const named = await ask({
    path: `/${id}/resolve`,
    body: { outcome: "happened", request_id: "mcp_1" },
  });
  assert.equal(named.body.status, "needs_review");
  await ask({ path: `/${id}/cancel`, method: "POST" });
});

Deno.test("a yes, a cancel before the run, a retry: it is asked again, and nothing is sent", async () => {
  const { id, call } = await asking();
  const { sql, ask } = theStack();
  const before = sent();
  await sql`update public.response_settings set max_running = 0`;
  try {
    assert.equal(
      (await approve(id, call.digest ? { digest: call.digest } : {})).body.status,
      "queued",
    );
    assert.equal((await ask({ path: `/${id}/cancel`, method: "POST" })).body.status, "cancelled");
  } finally {
    await sql`update public.response_settings set max_running = null`;
  }
  const retried = await ask({ path: `/${id}/retry`, method: "POST" });
  await reached(retried.id, "awaiting_approval");
  assert.equal(sent(), before);
});

Deno.test("an answer after the deadline would have passed still counts: the clock stands still", async () => {
  const before = sent();
  const { id, call } = await asking("brief");
  await new Promise((resolve) => setTimeout(resolve, 12_500));
  const answer = await approve(id, { request_id: call.request_id, digest: call.digest });
  assert.equal(answer.status, 202);
  await reached(id, "completed");
  assert.equal(sent(), before + 1);
});
