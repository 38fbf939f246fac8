/** Streams: who may write them, what is read, and where the next attempt continues. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { Arguments } from "../../support/function-call.ts";
import type { Machine } from "../../support/machine.ts";
import { sqlTest } from "../../support/sql-test.ts";

const opened = z.object({ next: z.number(), items: z.number(), open: z.string().nullable() })
  .nullable();
const read = z.object({
  status: z.string(),
  batches: z.array(z.object({ first: z.number(), events: z.string() })),
}).nullable();

const owner = "00000000-0000-4000-8000-00000000000a";

async function running(m: Machine) {
  const { id } = await m.submit({ stream: true, owner_id: owner });
  await m.claim();
  await open(m, id, 1);
  return id;
}
const open = async (m: Machine, id: string, attempt: number) =>
  opened.parse(await m.call("open_response_stream", { p_job_id: id, p_attempt: attempt }));
const append = (m: Machine, ...batches: Arguments[]) =>
  m.call("append_response_events", {
    p_batches: batches.map((batch) => ({ attempt: 1, items: 1, open_from: null, ...batch })),
  });
const readAfter = async (m: Machine, id: string, after: number, who: Arguments = {}) =>
  read.parse(
    await m.call("read_response_events", {
      p_job_id: id,
      p_as_service: true,
      p_after: after,
      ...who,
    }),
  );

sqlTest("what is written is read from the event that is named", async (m) => {
  const id = await running(m);
  assert.deepEqual(await append(m, { id, first: 2, next: 4, events: "a\nb" }), [{
    id,
    attempt: 1,
    runs: true,
  }]);
  assert.deepEqual(await append(m, { id, first: 4, next: 5, events: "c" }), [{
    id,
    attempt: 1,
    runs: true,
  }]);
  assert.deepEqual((await readAfter(m, id, 1))?.batches, [
    { first: 2, events: "a\nb" },
    { first: 4, events: "c" },
  ]);
  // A batch is always read as a whole.
  assert.equal((await readAfter(m, id, 2))?.batches.length, 2);
  assert.deepEqual((await readAfter(m, id, 3))?.batches, [{ first: 4, events: "c" }]);
});

sqlTest("a batch that is sent again, and has grown, is written once", async (m) => {
  const id = await running(m);
  await append(m, { id, first: 2, next: 3, events: "a" });
  await append(m, { id, first: 2, next: 4, events: "a\nb" });
  assert.deepEqual((await readAfter(m, id, 1))?.batches, [{ first: 2, events: "a\nb" }]);
});

sqlTest(
  "the next attempt begins a thousand above, and the one before writes no more",
  async (m) => {
    const id = await running(m);
    await append(m, { id, first: 2, next: 7, items: 2, open_from: 5, events: "a\nb\nc\nd\ne" });
    assert.deepEqual(await open(m, id, 2), { next: 1007, items: 2, open: "a\nb\nc\nd\ne" });
    assert.deepEqual(await append(m, { id, first: 7, next: 8, events: "late" }), []);
    assert.equal(await open(m, id, 1), null);
    await append(m, { id, attempt: 2, first: 1007, next: 1008, events: "f" });
    assert.equal((await readAfter(m, id, 6))?.batches.at(-1)?.first, 1007);
    // Asked again, as if the answer were lost.
    assert.equal((await open(m, id, 2))?.next, 1008);
  },
);

sqlTest("batches of several jobs are written together, each by its own attempt", async (m) => {
  const [one, two] = [await running(m), await running(m)];
  await open(m, two, 2);
  const taken = await append(
    m,
    { id: one, first: 2, next: 3, events: "a" },
    { id: two, first: 2, next: 3, events: "late" },
    { id: two, attempt: 2, first: 1002, next: 1003, events: "b" },
  );
  assert.deepEqual(taken, [{ id: one, attempt: 1, runs: true }, {
    id: two,
    attempt: 2,
    runs: false,
  }]);
  assert.deepEqual((await readAfter(m, two, 1))?.batches, [{ first: 1002, events: "b" }]);
});

sqlTest("an attempt learns from its next batch that its job was cancelled", async (m) => {
  const id = await running(m);
  await m.call("cancel_response_job", { p_job_id: id, p_as_service: true });
  const taken = await append(m, { id, first: 2, next: 3, events: "a" });
  assert.deepEqual(taken, [{ id, attempt: 1, runs: false }]);
});

sqlTest("a user reads the streams of their own jobs alone", async (m) => {
  const id = await running(m);
  await append(m, { id, first: 2, next: 3, events: "a" });
  const as = (p_owner_id: string) => readAfter(m, id, 1, { p_owner_id, p_as_service: false });
  assert.equal((await as(owner))?.batches.length, 1);
  await assert.rejects(as("00000000-0000-4000-8000-00000000000b"), { code: "DR404" });
  for (const role of ["authenticated", "anon"] as const) {
    for (const table of ["streams", "stream_events"]) {
      await assert.rejects(
        m.db.asRole(role, (sql) => sql`select * from durable_responses.${sql(table)}`),
        { code: "42501" },
      );
    }
  }
});

sqlTest("a job that was not submitted streaming has none", async (m) => {
  const { id } = await m.submitRunning();
  assert.equal(await open(m, id, 1), null);
  assert.equal(await readAfter(m, id, 1), null);
});

sqlTest("a stream goes with its job", async (m) => {
  const id = await running(m);
  await append(m, { id, first: 2, next: 3, events: "a" });
  await m.complete({ id, attempt: 1 });
  await m.call("delete_response_job", { p_job_id: id, p_as_service: true });
  assert.equal((await m.db.owner`select from durable_responses.stream_events`).length, 0);
  assert.deepEqual(await append(m, { id, first: 3, next: 4, events: "late" }), []);
});
