import assert from "node:assert/strict";
import { z } from "zod";
import { callFunction } from "../../support/function-call.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";

// The dashboard's SQL editor runs as `postgres` with the real clock, and so does `db.owner`.

sqlTest(
  "a query from the SQL editor becomes a queued job that a worker claims and completes",
  async (machine) => {
    const sql = machine.db.owner;
    const [row] =
      await sql`select public.enqueue_response_job('What is in my inbox?', 'mail') as id`;
    const id = z.uuid().parse(row?.["id"]);
    const job = await machine.row(id);
    assert.equal(job["status"], "queued");
    assert.equal(job["profile"], "mail");
    assert.equal(job["input"], "What is in my inbox?");
    assert.equal(job["owner_id"], null);
    machine.clock.set(job["created_at"]);
    machine.clock.advance(1);
    const [work] = await machine.claim();
    assert.equal(work?.id, id);
    assert.equal((await machine.complete({ id, attempt: 1 })).status, "completed");
  },
);

sqlTest("an owner and metadata can be given, and the owner sees the job", async (machine) => {
  const owner = await machine.db.createUser();
  const id = z.uuid().parse(
    await callFunction(machine.db.owner, "public.enqueue_response_job", {
      p_query: "hi",
      p_owner_id: owner,
      p_metadata: { from: "trigger" },
    }),
  );
  const rows = await machine.db.asUser(
    owner,
    (sql) => sql`select metadata from public.response_jobs where id = ${id}`,
  );
  assert.deepEqual([...rows], [{ metadata: { from: "trigger" } }]);
});

for (const [name, query] of [["empty", ""], ["blank", "  "], ["null", null]] as const) {
  sqlTest(`a query that is ${name} is refused with an example`, async ({ db }) => {
    const call = callFunction(db.owner, "public.enqueue_response_job", { p_query: query });
    const error = await refused(call, "DR400");
    assert.match(error.hint ?? "", /select public\.enqueue_response_job\(/);
  });
}
