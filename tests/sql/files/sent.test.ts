/** Files that were sent: reserved before their content, kept while a job refers to them, then removed. */
import assert from "node:assert/strict";
import type { Machine } from "../../support/machine.ts";
import { openTransaction, waitsForLock } from "../../support/open-transaction.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";
import {
  claimUnused,
  endAndDelete,
  filesOf,
  inputWith,
  put,
  remove,
  reserve,
  sendFile,
} from "./support.ts";

const minute = 60_000;
const known = async (m: Machine) =>
  (await m.db.owner`select path from durable_responses.sent_files order by path`).map(({ path }) =>
    path
  );
const due = async (m: Machine) => await m.call("response_work_due");

sqlTest("the bucket is private", async (m) => {
  const [bucket] = await m.db.owner`select public from storage.buckets where id = 'response_files'`;
  assert.equal(bucket?.["public"], false);
});

sqlTest("only what is not there is to be uploaded", async (m) => {
  assert.deepEqual(await reserve(m, "o/b.png", "o/a.png", "o/b.png"), ["o/a.png", "o/b.png"]);
  await put(m, "response_files", "o/a.png");
  assert.deepEqual(await reserve(m, "o/a.png", "o/b.png"), ["o/b.png"]);
});

sqlTest("a file is removed with the last job that refers to it", async (m) => {
  const owner = await m.db.createUser();
  const path = `${owner}/a.png`;
  const first = await sendFile(m, owner, path);
  const second = await sendFile(m, owner, path);
  assert.partialDeepStrictEqual((await filesOf(m, second))[0], { path, current: true });
  await endAndDelete(m, first);
  m.clock.advance(20 * minute);
  assert.deepEqual(await claimUnused(m), []);
  await endAndDelete(m, second);
  assert.equal(await due(m), true);
  assert.deepEqual(await claimUnused(m), [path]);
  assert.deepEqual(await m.call("forget_response_files", { p_paths: [path] }), 1);
  assert.deepEqual(await known(m), []);
  assert.equal(await due(m), false);
});

sqlTest("a retry keeps its files when the first job is deleted", async (m) => {
  const path = "server/a.png";
  const first = await sendFile(m, null, path);
  await m.call("cancel_response_job", { p_job_id: first, p_as_service: true });
  await m.call("retry_response_job", { p_job_id: first, p_as_service: true });
  await m.call("delete_response_job", { p_job_id: first, p_as_service: true });
  m.clock.advance(20 * minute);
  assert.deepEqual(await claimUnused(m), []);
});

sqlTest("what no job came to refer to is removed after 15 minutes", async (m) => {
  await reserve(m, "o/a.png");
  await put(m, "response_files", "o/a.png");
  m.clock.advance(14 * minute);
  assert.deepEqual(await claimUnused(m), []);
  m.clock.advance(2 * minute);
  assert.equal(await due(m), true);
  assert.deepEqual(await claimUnused(m), ["o/a.png"]);
});

sqlTest("a reservation outlives the deletion of the job that had the same file", async (m) => {
  const job = await sendFile(m, null, "server/a.png");
  assert.deepEqual(await reserve(m, "server/a.png"), []);
  await endAndDelete(m, job);
  assert.deepEqual(await claimUnused(m), []);
  await m.submit({ input: inputWith(["response_files", "server/a.png"]) });
  m.clock.advance(20 * minute);
  assert.deepEqual(await claimUnused(m), []);
});

sqlTest("a file whose removal has begun is not used again until it is gone", async (m) => {
  const path = "server/a.png";
  await endAndDelete(m, await sendFile(m, null, path));
  assert.deepEqual(await claimUnused(m), [path]);
  await refused(reserve(m, path), "40001");
  await refused(m.submit({ input: inputWith(["response_files", path]) }), "DR424");
  await remove(m, "response_files", path);
  await m.call("forget_response_files", { p_paths: [path] });
  assert.deepEqual(await reserve(m, path), [path]);
});

sqlTest("a removal that did not succeed is tried again, ever later, at most an hour", async (m) => {
  const path = "server/a.png";
  await endAndDelete(m, await sendFile(m, null, path));
  const pauses: number[] = [];
  for (let at = m.clock.now.getTime(); pauses.length < 9;) {
    const found = await claimUnused(m);
    if (found.length > 0) {
      pauses.push((m.clock.now.getTime() - at) / minute);
      at = m.clock.now.getTime();
    }
    m.clock.advance(minute);
  }
  assert.deepEqual(pauses, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
});

sqlTest("another owner's file is none", async (m) => {
  const [a, b] = [await m.db.createUser(), await m.db.createUser()];
  await sendFile(m, a, `${a}/a.png`);
  const input = inputWith(["response_files", `${a}/a.png`]);
  await refused(m.submit({ owner_id: b, input }), "DR424");
  // Not even with a policy that opens every bucket.
  await m.db.owner.unsafe(
    `create policy all_files on storage.objects for select to authenticated using (true)`,
  );
  await refused(m.submit({ owner_id: b, input }), "DR424");
});

sqlTest("what a user has sent is removed with the user", async (m) => {
  const owner = await m.db.createUser();
  await sendFile(m, owner, `${owner}/a.png`);
  await m.call("delete_response_owner", { p_owner_id: owner });
  assert.deepEqual(await claimUnused(m), [`${owner}/a.png`]);
});

sqlTest("pruning old jobs lets their files go", async (m) => {
  const job = await sendFile(m, null, "server/a.png");
  await m.call("cancel_response_job", { p_job_id: job, p_as_service: true });
  m.clock.advance(31 * 24 * 60 * minute);
  await m.db.owner.begin(async (sql) => {
    await m.clock.pin(sql);
    await sql`select public.prune_response_jobs()`;
  });
  assert.deepEqual(await claimUnused(m), ["server/a.png"]);
});

sqlTest("a job that was deleted by hand lets its files go when old jobs are pruned", async (m) => {
  const job = await sendFile(m, null, "server/a.png");
  const kept = await sendFile(m, null, "server/b.png");
  await m.db.owner`delete from durable_responses.jobs where id = ${job}`;
  assert.deepEqual(await claimUnused(m), []);
  await m.db.owner.begin(async (sql) => {
    await m.clock.pin(sql);
    await sql`select public.prune_response_jobs()`;
  });
  assert.deepEqual(await claimUnused(m), ["server/a.png"]);
  assert.equal((await filesOf(m, kept)).length, 1);
});

sqlTest("a file may have as many bytes as the setting says", async (m) => {
  const reserveBytes = (bytes: number) =>
    m.call("reserve_response_files", { p_files: [{ path: "o/a.png", bytes }] });
  assert.deepEqual(await reserveBytes(10_485_760), ["o/a.png"]);
  assert.match((await refused(reserveBytes(10_485_761), "DR413")).message, /10485761.*10485760/);
  await m.db.owner`update public.response_settings set max_file_bytes = 1048576`;
  await refused(reserveBytes(1_048_577), "DR413");
});

sqlTest(
  "without Storage, references and large files are refused, and all else works",
  async (m) => {
    await m.db.admin`drop schema storage cascade`;
    const { message, hint } = await refused(reserve(m, "o/a.png"), "DR413");
    assert.match(`${message} ${hint}`, /there is no bucket response_files.*Supabase Storage/);
    await refused(m.submit({ input: inputWith(["photos", "a.png"]) }), "DR424");
    const { id } = await m.submit({ input: inputWith() });
    assert.deepEqual(await filesOf(m, id), []);
    await endAndDelete(m, id);
    assert.deepEqual(await claimUnused(m), []);
  },
);

sqlTest("who submits while the last job is deleted keeps the file", async (m) => {
  const path = "server/a.png";
  const first = await sendFile(m, null, path);
  await m.call("cancel_response_job", { p_job_id: first, p_as_service: true });
  const [deletes, submits] = [await openTransaction(m), await openTransaction(m)];
  await deletes.sql`select public.delete_response_job(${first}, p_as_service => true)`;
  const job = { profile: "default", input: inputWith(["response_files", path]) };
  const submitted = submits.sql`select public.submit_response_job(${submits.sql.json(job)})`
    .then(() => submits.commit());
  await waitsForLock(m, submits.pid);
  // Locked files are not taken.
  assert.deepEqual(await claimUnused(m), []);
  await deletes.commit();
  await submitted;
  assert.deepEqual(await claimUnused(m), []);
  assert.equal((await m.db.owner`select due from durable_responses.sent_files`)[0]?.["due"], null);
});

sqlTest(
  "who submits while a file is claimed for removal is refused, and may send it again",
  async (m) => {
    const path = "server/a.png";
    await endAndDelete(m, await sendFile(m, null, path));
    const [claims, submits] = [await openTransaction(m), await openTransaction(m)];
    await claims.sql`select public.claim_unused_response_files()`;
    const job = { profile: "default", input: inputWith(["response_files", path]) };
    const submitted = submits.sql`select public.submit_response_job(${submits.sql.json(job)})`;
    const refusal = refused(submitted, "DR424").finally(() => submits.rollback());
    await waitsForLock(m, submits.pid);
    await claims.commit();
    await refusal;
  },
);

sqlTest(
  "who continues a job takes over what was sent in it, and nothing else of its owner's",
  async (m) => {
    const [anna, ben] = [await m.db.createUser(), await m.db.createUser()];
    const [shown, other] = [`${anna}/a.png`, `${anna}/b.png`];
    const first = await sendFile(m, anna, shown);
    await sendFile(m, anna, other);
    const ask = (path: string, more = {}) =>
      m.submit({ owner_id: ben, input: inputWith(["response_files", path]), ...more });
    await refused(ask(shown), "DR424");
    await refused(ask(other, { continued_from: first }), "DR424");
    const next = await ask(shown, { continued_from: first });
    assert.partialDeepStrictEqual((await filesOf(m, next.id))[0], { path: shown, current: true });
    // It is kept for the job that continues, and for the turns after it.
    await endAndDelete(m, first);
    m.clock.advance(20 * minute);
    assert.deepEqual(await claimUnused(m), []);
    await ask(shown, { continued_from: next.id });
  },
);
