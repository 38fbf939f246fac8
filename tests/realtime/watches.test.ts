/** Saying that one looks at a job: own jobs only, and never for long. */
import assert from "node:assert/strict";
import { z } from "zod";
import type { TestDatabase } from "../support/database.ts";
import { refused } from "../support/refused.ts";
import { sqlTest } from "../support/sql-test.ts";

const watched = z.array(z.object({ id: z.uuid(), watched_until: z.coerce.date() }));

const watch = ({ asUser }: TestDatabase, user: string, job: string) =>
  asUser(user, (sql) => sql`select public.watch_response_job(${job}) as until`);

sqlTest("an owner watches a job for 45 s from the last call", async (machine) => {
  const { db } = machine;
  const owner = await db.createUser();
  const { id } = await machine.submit({ p_owner_id: owner });
  const other = await machine.submit({ p_owner_id: owner });
  await watch(db, owner, id);
  const seen = async () =>
    watched.parse(await machine.call("watched_response_jobs", { p_job_ids: [id, other.id] }));
  const [first, ...more] = await seen();
  assert.deepEqual([first?.id, more], [id, []]);
  const left = (first?.watched_until.getTime() ?? 0) - Date.now();
  assert.ok(left > 30_000 && left <= 45_000, `${left} ms`);
  await watch(db, owner, id);
  const [again] = await seen();
  assert.ok(again && first && again.watched_until > first.watched_until);
});

sqlTest("a watch that has run out is not told of", async (machine) => {
  const { db } = machine;
  const { id } = await machine.submit();
  await machine.asService((sql) => sql`select public.watch_response_job(${id})`);
  await db.admin`alter table public.response_watches disable trigger response_watches_stamp`;
  await db.admin`update public.response_watches set watched_until = now() - interval '1 s'`;
  assert.deepEqual(await machine.call("watched_response_jobs", { p_job_ids: [id] }), []);
});

sqlTest("nobody watches another's job, by the function or the table", async (machine) => {
  const { db } = machine;
  const [anna, ben] = [await db.createUser(), await db.createUser()];
  const { id } = await machine.submit({ p_owner_id: anna });
  await refused(watch(db, ben, id), "DR404");
  await refused(
    db.asUser(
      ben,
      (sql) =>
        sql`insert into public.response_watches (job_id, watched_until) values (${id}, now())`,
    ),
    "42501",
  );
  await watch(db, anna, id);
  const touched = await db.asUser(ben, (sql) =>
    sql`
    update public.response_watches set watched_until = now() where job_id = ${id} returning 1`);
  assert.equal(touched.length, 0);
  const rows = await db.asUser(ben, (sql) => sql`select job_id from public.response_watches`);
  assert.equal(rows.length, 0);
});

sqlTest("an owner cannot make a watch last longer", async (machine) => {
  const { db } = machine;
  const owner = await db.createUser();
  const { id } = await machine.submit({ p_owner_id: owner });
  const [row] = await db.asUser(owner, (sql) =>
    sql`
    insert into public.response_watches (job_id, watched_until) values (${id}, now() + interval '1 year')
    returning watched_until < now() + interval '1 minute' as short`);
  assert.equal(row?.["short"], true);
});

sqlTest("anon watches nothing", async (machine) => {
  const { id } = await machine.submit();
  await refused(
    machine.db.asRole("anon", (sql) => sql`select public.watch_response_job(${id})`),
    "42501",
  );
});
