/** A job, or everything that a user has, is deleted: over HTTP, by Auth's own deletion, and while OpenAI is working. */
import assert from "node:assert/strict";
import { fastTimings } from "../../packages/dev/openai/mod.ts";
import { eventually } from "../support/eventually.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { findInDatabase } from "./support/database-search.ts";

const theStack = stackForFile({ ...onTestProfiles, openaiTimings: fastTimings });

Deno.test("a final job is deleted by its owner, in both doors; a second time it is not there", async () => {
  const { ask, submit, finished, sql } = theStack();
  const marker = crypto.randomUUID();
  const native = await submit("plain", `Say ${marker}`, { wait: 10 });
  const compatible = await submit("plain", `Say ${marker}`, { wait: 10 });
  await finished(native.id);
  await finished(compatible.id);
  const gone = await ask({ path: `/${native.id}`, method: "DELETE" });
  assert.deepEqual([gone.status, gone.body["deleted"]], [200, true]);
  const again = await ask({ path: `/${native.id}`, method: "DELETE" });
  assert.deepEqual([again.status, again.code], [404, "job_not_found"]);
  const responseId = `resp_${compatible.id.replaceAll("-", "")}`;
  const asOpenAI = await ask({ path: `/v1/responses/${responseId}`, method: "DELETE" });
  assert.deepEqual(asOpenAI.body, { id: responseId, object: "response", deleted: true });
  assert.equal((await ask({ path: `/v1/responses/${responseId}` })).status, 404);
  assert.deepEqual(await findInDatabase(sql, marker), []);
});

Deno.test("a job that runs is not deleted: 409", async () => {
  const { ask, submit, openai } = theStack();
  openai.faults.set([{ kind: "stuck-queued" }]);
  const { id } = await submit("plain", "hi");
  for (const path of [`/${id}`, `/v1/responses/${id}`]) {
    const answer = await ask({ path, method: "DELETE" });
    assert.deepEqual([answer.status, answer.code], [409, "invalid_state"]);
  }
  openai.faults.clear();
});

Deno.test("a user whom Auth deletes: OpenAI is told to stop, nothing is kept, the token is good for nothing", async () => {
  const { stack, sql, openai, ask, wake } = theStack();
  const user = await stack.createUser();
  const marker = crypto.randomUUID();
  openai.faults.set([{ kind: "stuck-queued" }]);
  const running = await ask({
    token: user.token,
    body: { query: `Say ${marker}`, profile: "plain" },
    headers: { "idempotency-key": "mine" },
  });
  assert.equal(running.status, 202);
  openai.faults.clear();
  const before = openai.requests.filter(({ path }) => path.endsWith("/cancel")).length;
  await sql`delete from auth.users where id = ${user.id}`;
  await stack.cron.runJob("durable-responses-delete");
  assert.deepEqual(await findInDatabase(sql, marker), []);
  await wake();
  await eventually(
    "the cancel at OpenAI",
    () => Promise.resolve(openai.requests.filter(({ path }) => path.endsWith("/cancel")).length),
    (count) => count > before,
  );
  for (
    const request of [
      { body: { query: "hi", profile: "plain" } },
      { path: "/v1/responses", body: { model: "plain", input: "hi" } },
      { path: `/${running.id}` },
      { path: `/${running.id}/cancel`, method: "POST" },
    ]
  ) {
    const answer = await ask({ token: user.token, ...request });
    // If Auth is asked about the token, it already knows.
    assert.deepEqual([answer.status, answer.code], [410, "owner_deleted"]);
  }
});
