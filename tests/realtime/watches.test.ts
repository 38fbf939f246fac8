/** Registering a watch: only on a user's own jobs and list, for a limited time, and never too late to see the next change. */
import assert from "node:assert/strict";
import { z } from "zod";
import { openTransaction, waitsForLock } from "../support/open-transaction.ts";
import { refused } from "../support/refused.ts";
import { sqlTest } from "../support/sql-test.ts";
import { watchJob, watchList } from "./support/watching.ts";

const watched = z.array(z.object({ id: z.uuid(), watched_until: z.coerce.date() }));

sqlTest("an owner watches a job for 45 s from the last call", async (machine) => {
  const { db } = machine;
  const owner = await db.createUser();
  const { id } = await machine.submit({ owner_id: owner });
  const other = await machine.submit({ owner_id: owner });
  await watchJob(db, owner, id);
  const seen = async () =>
    watched.parse(await machine.call("watched_response_jobs", { p_job_ids: [id, other.id] }));
  const [first, ...more] = await seen();
  assert.deepEqual([first?.id, more], [id, []]);
  const left = (first?.watched_until.getTime() ?? 0) - Date.now();
  assert.ok(left > 30_000 && left <= 45_000, `${left} ms`);
  await watchJob(db, owner, id);
  const [again] = await seen();
  assert.ok(again && first && again.watched_until > first.watched_until);
});

sqlTest("a watch that has run out announces nothing, and is not told of", async (machine) => {
  const { db } = machine;
  const { id } = await machine.submit();
  await machine.asService((sql) => sql`select public.watch_response_job(${id})`);
  await db.admin`
    update public.response_watches
    set watched_until = now() - interval '1 s', text_until = now() - interval '1 s'`;
  assert.deepEqual(await machine.call("watched_response_jobs", { p_job_ids: [id] }), []);
  await machine.claim();
  assert.equal((await db.admin`select from realtime.messages`).length, 0);
});

sqlTest(
  "a worker sends no text to who does not want it, and goes on for who does",
  async (machine) => {
    const { db } = machine;
    const owner = await db.createUser();
    const { id } = await machine.submit({ owner_id: owner });
    const seen = () => machine.call("watched_response_jobs", { p_job_ids: [id] });
    const watchWithoutText = () =>
      db.asUser(owner, (sql) => sql`select public.watch_response_job(${id}, p_text => false)`);
    await watchWithoutText();
    assert.deepEqual(await seen(), []);
    await watchJob(db, owner, id);
    const before = await seen();
    await watchWithoutText();
    assert.deepEqual(await seen(), before);
    assert.equal(watched.parse(before).length, 1);
  },
);

sqlTest("nobody watches another's job or list, by a function or the table", async (machine) => {
  const { db } = machine;
  const [anna, ben] = [await db.createUser(), await db.createUser()];
  const { id } = await machine.submit({ owner_id: anna });
  await refused(watchJob(db, ben, id), "DR404");
  await watchList(db, ben);
  const topics = await db.admin`select topic from public.response_watches`;
  assert.deepEqual([...topics], [{ topic: `response-jobs:${ben}` }]);
  for (
    const statement of [
      `insert into public.response_watches (topic, watched_until) values ('response-job:${id}', now())`,
      "update public.response_watches set watched_until = now() + interval '1 year'",
      "delete from public.response_watches",
      "select topic from public.response_watches",
    ]
  ) {
    await refused(db.asUser(ben, (sql) => sql.unsafe(statement)), "42501");
  }
});

sqlTest("anon watches nothing, and a server has no list", async (machine) => {
  const { id } = await machine.submit();
  const { db } = machine;
  await refused(
    db.asRole("anon", (sql) => sql`select public.watch_response_job(${id})`),
    "42501",
  );
  await refused(db.asRole("anon", (sql) => sql`select public.watch_response_jobs()`), "42501");
  await refused(machine.asService((sql) => sql`select public.watch_response_jobs()`), "DR400");
});

for (const what of ["job", "list"] as const) {
  sqlTest(
    `a job that completes while its ${what} begins to be watched is seen by the first look`,
    async (machine) => {
      const { db } = machine;
      const owner = await db.createUser();
      const { id, attempt } = await machine.submitRunning({ owner_id: owner });
      // It has looked for watches, found none, and has not committed.
      const completion = await openTransaction(machine);
      await completion.sql`
      select public.complete_response_job(${id}, ${attempt}, p_response_id => 'resp_1', p_output => '[]'::jsonb)`;
      const [pid, watching] = await new Promise<[number, Promise<unknown>]>((resolve) => {
        const done = db.asUser(owner, async (sql) => {
          const [row] = await sql`select pg_backend_pid() as pid`;
          queueMicrotask(() => resolve([Number(row?.["pid"]), done]));
          await (what === "job"
            ? sql`select public.watch_response_job(${id})`
            : sql`select public.watch_response_jobs()`);
        });
      });
      await waitsForLock(machine, pid);
      await completion.commit();
      await watching;
      const [seen] = await db.asUser(
        owner,
        (sql) => sql`select status from public.response_jobs where id = ${id}`,
      );
      assert.equal(seen?.["status"], "completed");
    },
  );

  sqlTest(
    `a job that completes after its ${what} is watched, and before the first look, is announced`,
    async (machine) => {
      const { db } = machine;
      const owner = await db.createUser();
      const { id, attempt } = await machine.submitRunning({ owner_id: owner });
      await (what === "job" ? watchJob(db, owner, id) : watchList(db, owner));
      await machine.complete({ id, attempt });
      const rows = await db.admin`
      select payload ->> 'status' as status from realtime.messages
      where topic = ${what === "job" ? `response-job:${id}` : `response-jobs:${owner}`}`;
      assert.deepEqual([...rows], [{ status: "completed" }]);
    },
  );
}
