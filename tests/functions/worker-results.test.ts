/** Results that runs have at the same moment are written together, each with its own outcome. */
import type { AttemptKey } from "../../supabase/functions/_durable_responses/model/job.ts";
import assert from "node:assert/strict";
import type { Result } from "../../supabase/functions/_durable_responses/db/jobs.ts";
import { RequestError } from "../../supabase/functions/_durable_responses/platform/errors.ts";
import { ResultWriter } from "../../supabase/functions/_durable_responses/run/result-writer.ts";

const fence = (n: number): AttemptKey => ({
  id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
  attempt: 1,
});

function result(outputText = "Hello"): Result {
  return {
    response: {
      id: "resp_1",
      status: "completed",
      output: [],
      outputIsList: true,
      refusal: null,
      outputText,
      usage: null,
      error: null,
      incompleteReason: null,
      metadata: {},
    },
    output: [],
    parsed: null,
    requestId: null,
    steps: [],
  };
}

/** A database whose writes end when the test says so. */
function slowDatabase() {
  const calls: { ids: string[]; answer: (ids?: string[]) => void; refuse: (why: Error) => void }[] =
    [];
  const results = new ResultWriter((given) => {
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    const ids = given.map(([{ id }]) => id);
    calls.push({ ids, answer: (written = ids) => resolve(written), refuse: reject });
    return promise;
  });
  const settled = async () => {
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  };
  return { results, calls, settled };
}

const ids = (...numbers: number[]) => numbers.map((n) => fence(n).id);

Deno.test("the first result is written at once, those that come meanwhile together after it", async () => {
  const { results, calls, settled } = slowDatabase();
  const writes = [1, 2, 3].map((n) => results.write(fence(n), result()));
  assert.deepEqual(calls.map((call) => call.ids), [ids(1)]);
  calls[0]?.answer();
  await writes[0];
  await settled();
  assert.deepEqual(calls.map((call) => call.ids), [ids(1), ids(2, 3)]);
  calls[1]?.answer();
  await Promise.all(writes);
  const later = results.write(fence(4), result());
  assert.deepEqual(calls[2]?.ids, ids(4));
  calls[2]?.answer();
  await later;
});

Deno.test("a job that has moved on is told so, and the others are written", async () => {
  const { results, calls, settled } = slowDatabase();
  const [first, late, good] = [1, 2, 3].map((n) => results.write(fence(n), result()));
  calls[0]?.answer();
  await settled();
  calls[1]?.answer(ids(3));
  await assert.rejects(late ?? Promise.resolve(), { code: "stale_attempt" });
  await Promise.all([first, good]);
});

Deno.test("what the database refuses is found by writing one by one", async () => {
  const { results, calls, settled } = slowDatabase();
  const [first, bad, good] = [1, 2, 3].map((n) => results.write(fence(n), result()));
  calls[0]?.answer();
  await settled();
  calls[1]?.refuse(
    new RequestError("invalid_request", "Cannot store the request: too long", {
      hint: "Try again",
    }),
  );
  await settled();
  assert.deepEqual(calls[2]?.ids, ids(2));
  calls[2]?.refuse(
    new RequestError("invalid_request", "Cannot store the request: too long", {
      hint: "Try again",
    }),
  );
  await assert.rejects(bad ?? Promise.resolve(), { code: "invalid_request" });
  assert.deepEqual(calls[3]?.ids, ids(3));
  calls[3]?.answer();
  await Promise.all([first, good]);
});

Deno.test("a database that is away is each run's own to wait for", async () => {
  const { results, calls, settled } = slowDatabase();
  const writes = [1, 2, 3].map((n) => results.write(fence(n), result()));
  calls[0]?.refuse(
    new RequestError("database_unavailable", "Cannot reach the database", { hint: "Try again" }),
  );
  await settled();
  calls[1]?.refuse(
    new RequestError("database_unavailable", "Cannot reach the database", { hint: "Try again" }),
  );
  for (const write of writes) await assert.rejects(write, { code: "database_unavailable" });
  assert.equal(calls.length, 2);
});

Deno.test("a call is not given more than it can write in its time", async () => {
  const { results, calls, settled } = slowDatabase();
  const writes = [
    results.write(fence(0), result()),
    ...[1, 2, 3].map((n) => results.write(fence(n), result("x".repeat(600_000)))),
    ...Array.from({ length: 60 }, (_, n) => results.write(fence(10 + n), result())),
  ];
  const sizes: number[] = [];
  while (sizes.length < calls.length) {
    sizes.push(calls.at(-1)?.ids.length ?? 0);
    calls.at(-1)?.answer();
    await settled();
  }
  await Promise.all(writes);
  assert.deepEqual(sizes, [1, 1, 1, 50, 11]);
});
