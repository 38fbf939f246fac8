/** A model that never stops asking for calls is stopped, whatever becomes of the attempts. */
import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { isFinal, readJob, summarizeAttempts } from "../support/jobs.ts";
import { sharedTools } from "./support/tools-stack.ts";

const theStack = sharedTools();

const steps = Array.from({ length: 70 }, (_, at) => `call put {"body":"${at}"}`);
const plan = `[[plan: ${steps.join("; reason; ")}]]`;

// In the direct profile an attempt may take 30 s, which is less than 64 rounds take: several attempts share the limit.
for (const profile of ["direct", "background"]) {
  Deno.test(`${profile}: it is stopped after 64 responses, and each call was made once`, async () => {
    const { submit, begin, notes, sql } = theStack();
    await begin();
    const { id } = await submit(profile, plan);
    const job = await eventually("the end", () => readJob(sql, id), isFinal, {
      timeoutMs: 240_000,
    });
    assert.deepEqual(
      [job.status, job.error_code],
      ["failed", "too_many_rounds"],
      (await summarizeAttempts(sql, id)).join(),
    );
    assert.equal((await notes("put")).length, 64);
  });
}
