/** A file in Storage that a job refers to is checked with the rights of the job's owner, and its version is recorded. */
import assert from "node:assert/strict";
import type { Machine } from "../../support/machine.ts";
import { refused } from "../../support/refused.ts";
import { sqlTest } from "../../support/sql-test.ts";
import { filesOf, inputWith, ownFolders, put, remove } from "./support.ts";

async function withPhoto(m: Machine) {
  await ownFolders(m);
  const owner = await m.db.createUser();
  const path = `${owner}/a.png`;
  await put(m, "photos", path);
  return { owner, path };
}

const jobsIn = async (m: Machine) =>
  (await m.db.owner`select count(*)::int as n from durable_responses.jobs`)[0]?.["n"];

sqlTest("the owner's own file is taken, also in a server's whole request", async (m) => {
  const { owner, path } = await withPhoto(m);
  const { id } = await m.submit({ owner_id: owner, input: inputWith(["photos", path]) });
  const [file, ...more] = await filesOf(m, id);
  assert.partialDeepStrictEqual(file, { bucket: "photos", path, current: true });
  assert.equal(more.length, 0);
  const request = { model: "gpt-6.1-sol", input: inputWith(["photos", path], ["photos", path]) };
  const whole = await m.submit({ owner_id: owner, request });
  assert.deepEqual(await filesOf(m, whole.id), [file]);
});

sqlTest("another's file and none at all get the same refusal, and leave nothing", async (m) => {
  const { path } = await withPhoto(m);
  const stranger = await m.db.createUser();
  const messages: string[] = [];
  for (const wanted of [path, path.replace("a.png", "b.png")]) {
    const { message, hint } = await refused(
      m.submit({ owner_id: stranger, input: inputWith(["photos", wanted]) }),
      "DR424",
    );
    messages.push(`${message.replace(wanted, "…")} ${hint}`);
  }
  assert.equal(messages[0], messages[1]);
  await refused(
    m.submit({ owner_id: stranger, input: inputWith(["none", "a.png"]) }),
    "DR424",
  );
  assert.equal(await jobsIn(m), 0);
});

sqlTest("one that may not be seen among several refuses all", async (m) => {
  const { owner, path } = await withPhoto(m);
  await put(m, "photos", "other/a.png");
  const input = inputWith(["photos", path], ["photos", "other/a.png"]);
  assert.match(
    (await refused(m.submit({ owner_id: owner, input }), "DR424")).message,
    /other\/a\.png/,
  );
});

sqlTest("a server that acts for nobody may refer to any file", async (m) => {
  const { path } = await withPhoto(m);
  const { id } = await m.submit({ input: inputWith(["photos", path]) });
  assert.equal((await filesOf(m, id)).length, 1);
  await refused(m.submit({ input: inputWith(["photos", "none.png"]) }), "DR424");
});

sqlTest("a user's own claims count where there is a token, and only theirs", async (m) => {
  await m.db.owner.unsafe(
    `create policy team_photos on storage.objects for select to authenticated
      using (bucket_id = 'photos' and (storage.foldername(name))[1] = (select auth.jwt() ->> 'team'))`,
  );
  await put(m, "photos", "red/a.png");
  const owner = await m.db.createUser();
  const input = inputWith(["photos", "red/a.png"]);
  const claims = { sub: owner, role: "authenticated", team: "red" };
  const { id } = await m.submit({ owner_id: owner, input, claims });
  assert.equal((await filesOf(m, id)).length, 1);
  await refused(m.submit({ owner_id: owner, input, claims: { ...claims, team: "blue" } }), "DR424");
  await refused(m.submit({ owner_id: owner, input }), "DR424");
  const other = await m.db.createUser();
  await refused(m.submit({ owner_id: other, input, claims }), "DR400");
  await refused(m.submit({ input, claims }), "DR400");
});

sqlTest("afterwards role, claims and headers are what they were", async (m) => {
  const { owner, path } = await withPhoto(m);
  await m.asService(async (sql) => {
    await sql`select set_config('request.headers', '{"a": "b"}', true)`;
    const settings = () =>
      sql`
        select current_user::text as role, current_setting('request.jwt.claims', true) as claims,
          current_setting('request.headers', true) as headers, current_setting('search_path') as path`;
    const [before] = await settings();
    await sql`select public.submit_response_job(${
      sql.json({ profile: "default", owner_id: owner, input: inputWith(["photos", path]) })
    })`;
    assert.deepEqual((await settings())[0], before);
  });
});

sqlTest("another version is not current, and neither is a file that is gone", async (m) => {
  const { owner, path } = await withPhoto(m);
  const { id } = await m.submit({ owner_id: owner, input: inputWith(["photos", path]) });
  const current = async () => (await filesOf(m, id)).map((file) => file.current);
  await put(m, "photos", path);
  assert.deepEqual(await current(), [false]);
  await remove(m, "photos", path);
  assert.deepEqual(await current(), [false]);
  const later = m.submit({ owner_id: owner, input: inputWith(["photos", path]) });
  await refused(later, "DR424");
});

for (
  const [name, storage] of [
    ["no path", { bucket: "photos" }],
    ["no bucket", { path: "a.png" }],
    ["a text", "photos/a.png"],
    ["null", null],
  ] as const
) {
  sqlTest(`a reference that is ${name} is refused`, async (m) => {
    const input = [{ role: "user", content: [{ type: "input_file", storage }] }];
    await refused(m.submit({ input }), "DR400");
  });
}

sqlTest("there may be 500 references", async (m) => {
  const many = Array.from({ length: 501 }, (_, at) => ["photos", `${at}.png`] as [string, string]);
  const { message } = await refused(m.submit({ input: inputWith(...many) }), "DR400");
  assert.match(message, /at most 500; there are 501/);
});

sqlTest("a batch is checked too: all or none", async (m) => {
  const { owner, path } = await withPhoto(m);
  const job = { profile: "default", owner_id: owner };
  const good = { ...job, input: inputWith(["photos", path]) };
  const made = await m.call("submit_response_jobs", { p_jobs: [good, { ...job, input: "hi" }] });
  assert.ok(Array.isArray(made));
  const [first]: { id: string }[] = made;
  assert.ok(first);
  assert.equal((await filesOf(m, first.id)).length, 1);
  const before = await jobsIn(m);
  const request = { input: inputWith(["photos", "b.png"]) };
  await refused(m.call("submit_response_jobs", { p_jobs: [good, { ...job, request }] }), "DR424");
  assert.equal(await jobsIn(m), before);
});

sqlTest("a retry keeps the version that was checked first", async (m) => {
  const { owner, path } = await withPhoto(m);
  const id = await m.jobIn("failed", { owner_id: owner, input: inputWith(["photos", path]) });
  const before = await filesOf(m, id);
  await put(m, "photos", path);
  await m.call("retry_response_job", { p_job_id: id, p_as_service: true });
  const [retry] = await m.db.owner`select id from durable_responses.jobs where retry_of = ${id}`;
  assert.deepEqual(
    await filesOf(m, retry?.["id"]),
    before.map((file) => ({ ...file, current: false })),
  );
});

sqlTest("a repeat by its key needs no file any more", async (m) => {
  const { owner, path } = await withPhoto(m);
  const args = {
    owner_id: owner,
    input: inputWith(["photos", path]),
    idempotency_key: "k",
    request_hash: "h",
  };
  const { id } = await m.submit(args);
  await remove(m, "photos", path);
  assert.equal((await m.submit(args)).id, id);
});

sqlTest("text that speaks of storage refers to nothing", async (m) => {
  const part = { type: "input_text", text: "x", storage: { bucket: "photos", path: "a" } };
  const { id } = await m.submit({ input: [{ role: "user", content: [part] }] });
  assert.deepEqual(await filesOf(m, id), []);
});
