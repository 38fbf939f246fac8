/** Live text on a whole stack: what the worker requests and sends, and that a run does not depend on it. */
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { onTestProfiles, stackForFile } from "../support/stack.ts";
import { eventually } from "../support/eventually.ts";

const theStack = stackForFile({
  ...onTestProfiles,
  durable: false,
  openaiTimings: { queuedMs: 5, stepMs: 5, deltaMs: 10 },
});

const asks = "/rest/v1/rpc/watched_response_jobs";
const sends = "/realtime/v1/api/broadcast";
const count = (path: string) => theStack().proxy.paths.filter((one) => one === path).length;

/** Submits a query and watches it from the start, as the client does. */
async function submitWatched(query: string): Promise<string> {
  const { stack, submit, user } = theStack();
  const { id } = await submit("direct", query);
  const supabase = createClient(stack.apiUrl, stack.publishableKey, {
    accessToken: () => Promise.resolve(user.token),
  });
  const { error } = await supabase.rpc("watch_response_job", { p_job_id: id });
  assert.equal(error, null);
  return id;
}

Deno.test("a run that nobody watches sends no text, and asks once", async () => {
  const { submit, finished } = theStack();
  const before = { asks: count(asks), sends: count(sends) };
  const { id } = await submit("direct", "[[plan: text 60 deltas]] Talk");
  assert.equal((await finished(id)).status, "completed");
  assert.equal(count(asks) - before.asks, 1);
  assert.equal(count(sends), before.sends);
});

Deno.test("a run without text asks nothing", async () => {
  const { submit, finished } = theStack();
  const before = count(asks);
  const { id } = await submit("direct", "[[plan: reason; sleep 400ms; text 1 deltas]] Think");
  await finished(id);
  assert.ok(count(asks) - before <= 1);
});

Deno.test("the text of a watched run is sent in batches, not delta by delta", async () => {
  const { finished } = theStack();
  const before = count(sends);
  const id = await submitWatched("[[plan: text 120 deltas]] Talk");
  assert.equal((await finished(id)).status, "completed");
  const batches = count(sends) - before;
  assert.ok(batches >= 2 && batches <= 30, `${batches} batches`);
});

Deno.test("no text passes through the database", async () => {
  const { finished, sql } = theStack();
  const id = await submitWatched("[[plan: text 60 deltas]] Talk");
  await finished(id);
  const rows = await sql`
    select distinct event from realtime.messages where topic = ${`response-job:${id}`} order by event`;
  assert.deepEqual(rows.map(({ event }) => event), ["job", "step"]);
});

Deno.test("a Realtime that refuses text, and a database that does not say who watches, stop no run", async () => {
  const { proxy, finished } = theStack();
  for (const path of [sends, asks]) {
    const before = count(path);
    proxy.intercept = (asked) =>
      asked === path ? Response.json({ message: "away" }, { status: 503 }) : undefined;
    try {
      const id = await submitWatched("[[plan: text 60 deltas]] Talk");
      assert.equal((await finished(id)).status, "completed");
      await eventually("a refused request", () => count(path) > before);
    } finally {
      proxy.intercept = undefined;
    }
  }
});
