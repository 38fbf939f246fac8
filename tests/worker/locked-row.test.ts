/** A claim leaves out rows that somebody else has locked. They are locked for moments, and nobody sends a second nudge. */
import assert from "node:assert/strict";
import { summarizeAttempts } from "../support/jobs.ts";
import { onTestProfiles, stackForFile } from "../support/stack.ts";

const theStack = stackForFile(onTestProfiles);

Deno.test("a job whose row was locked as its worker looked is found before the worker ends", async () => {
  const { stack, sql, proxy, submit, fresh, finished } = theStack();
  const other = stack.database.connect("supabase_admin", "postgres", { max: 1 });
  const [locked, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let transaction: Promise<unknown> | undefined;
  proxy.intercept = async (path) => {
    if (path.endsWith("/claim_response_work") && transaction === undefined) {
      transaction = other.begin(async (sql) => {
        await sql`select from durable_responses.waits for update`;
        locked.resolve();
        await released.promise;
      });
      await Promise.race([locked.promise, transaction]);
    }
    if (path.endsWith("/sign_off_response_worker")) {
      released.resolve();
      await transaction;
    }
    return undefined;
  };
  try {
    const { id } = await submit(fresh("direct"), "[[plan: reason; text hello]]", {
      background: true,
    });
    assert.equal((await finished(id)).status, "completed");
    // It has all its time: the worker has looked, and not ended.
    assert.deepEqual(await summarizeAttempts(sql, id), ["synchronous completed"]);
    assert.ok(transaction);
  } finally {
    released.resolve();
    proxy.intercept = undefined;
    await other.end({ timeout: 1 });
  }
});
