/** Storage as supabase-js uses it: the policies decide who may do what with objects. */
import assert from "node:assert/strict";
import { sharedProject } from "./support/project.ts";
import {
  clientOf,
  codeOf,
  newBucket,
  newUser,
  newUserBucket,
  serviceOf,
} from "./support/storage.ts";

const theProject = sharedProject();
const text = async (blob: Blob | null) => await blob?.text();

async function filesOf({ files }: { files: string }): Promise<number> {
  return (await Array.fromAsync(Deno.readDir(files))).length;
}

Deno.test("a user has what is in their own folder, another user nothing of it", async () => {
  const project = theProject();
  const bucket = await newUserBucket(project);
  const [ann, bob] = [await newUser(project), await newUser(project)];
  const anns = ann.client.storage.from(bucket);
  const bobs = bob.client.storage.from(bucket);
  const path = `${ann.id}/a photo.png`;
  const sent = new Uint8Array([137, 80, 78, 71]);

  const stored = await anns.upload(path, sent, { contentType: "image/png", cacheControl: "60" });
  assert.equal(stored.error, null);
  assert.equal(stored.data?.fullPath, `${bucket}/${path}`);
  const { data } = await anns.download(path);
  assert.equal(data?.type, "image/png");
  assert.deepEqual(await data?.bytes(), sent);
  const { data: info } = await anns.info(path);
  assert.equal(info?.id, stored.data?.id);
  assert.equal(info?.size, 4);
  assert.equal(info?.contentType, "image/png");
  assert.equal(info?.cacheControl, "max-age=60");
  assert.equal((await anns.exists(path)).data, true);

  assert.equal(codeOf(await bobs.download(path)), "NoSuchKey");
  assert.equal(codeOf(await bobs.info(path)), "NoSuchKey");
  assert.equal((await bobs.exists(path)).data, false);
  assert.deepEqual((await bobs.list(ann.id)).data, []);
  assert.equal(codeOf(await bobs.createSignedUrl(path, 60)), "NoSuchKey");
  assert.equal(codeOf(await bobs.upload(`${ann.id}/mine.txt`, "x")), "AccessDenied");
  assert.equal(codeOf(await bobs.update(path, "x")), "AccessDenied");
  assert.equal(codeOf(await bobs.move(path, `${bob.id}/stolen.png`)), "NoSuchKey");
  assert.equal(codeOf(await bobs.copy(path, `${bob.id}/stolen.png`)), "NoSuchKey");
  assert.deepEqual((await bobs.remove([path])).data, []);
  const nobodys = clientOf(project).storage.from(bucket);
  assert.equal(codeOf(await nobodys.info(path)), "NoSuchKey");
  assert.equal(codeOf(await nobodys.upload(`${ann.id}/x.txt`, "x")), "AccessDenied");
  assert.deepEqual(await (await anns.download(path)).data?.bytes(), sent);

  const [row] = await project.database.admin`
    select owner_id, path_tokens, metadata ->> 'mimetype' as type from storage.objects
    where bucket_id = ${bucket}`;
  assert.deepEqual(row, {
    owner_id: ann.id,
    path_tokens: [ann.id, "a photo.png"],
    type: "image/png",
  });
});

Deno.test("without a policy nobody does anything, and the secret key everything", async () => {
  const project = theProject();
  const bucket = await newBucket(project);
  const { client, id } = await newUser(project);
  const users = client.storage.from(bucket);
  assert.equal(codeOf(await users.upload(`${id}/a.txt`, "a")), "AccessDenied");
  assert.equal(codeOf(await client.storage.getBucket(bucket)), "NoSuchBucket");
  assert.deepEqual((await client.storage.listBuckets()).data, []);
  assert.equal(codeOf(await client.storage.createBucket("theirs")), "AccessDenied");

  const service = serviceOf(project).storage.from(bucket);
  assert.equal((await service.upload("a.txt", "a")).error, null);
  assert.equal(await text((await service.download("a.txt")).data), "a");
  assert.equal(codeOf(await users.info("a.txt")), "NoSuchKey");
  assert.equal(codeOf(await service.info("b.txt")), "NoSuchKey");
  const nowhere = serviceOf(project).storage.from("nowhere");
  assert.equal(codeOf(await nowhere.upload("a.txt", "a")), "NoSuchBucket");
});

Deno.test("a refusal says in its body what it is, over HTTP it is a 400, as on the platform", async () => {
  const project = theProject();
  const bucket = await newBucket(project);
  const authorization = `Bearer ${(await project.auth.createUser()).token}`;
  const url = `${project.url}/storage/v1/object/${bucket}/a.txt`;
  const refused = await fetch(url, { method: "POST", body: "a", headers: { authorization } });
  assert.equal(refused.status, 400);
  assert.deepEqual(await refused.json(), {
    statusCode: "403",
    code: "AccessDenied",
    error: "Unauthorized",
    message: "new row violates row-level security policy",
  });
  const forged = await fetch(url, { headers: { authorization: `${authorization}x` } });
  assert.equal(forged.status, 400);
  const { statusCode, error, message } = await forged.json();
  assert.deepEqual([statusCode, error], ["403", "Unauthorized"]);
  assert.match(message, /signature verification failed/);
  assert.equal(refused.headers.get("access-control-allow-origin"), "*");
});

Deno.test("an object is there once; upsert and update replace it, for those who may read and update too", async () => {
  const project = theProject();
  const bucket = await newUserBucket(project);
  const { client, id } = await newUser(project);
  const mine = client.storage.from(bucket);
  const path = `${id}/note.txt`;
  const first = await mine.upload(path, "first");
  const before = await filesOf(project);
  assert.equal(codeOf(await mine.upload(path, "again")), "ResourceAlreadyExists");
  assert.equal(await text((await mine.download(path)).data), "first");
  const { data: old } = await mine.info(path);
  assert.equal((await mine.upload(path, "second", { upsert: true })).data?.id, first.data?.id);
  assert.equal(await text((await mine.download(path)).data), "second");
  assert.equal((await mine.update(path, "third")).error, null);
  const { data: now } = await mine.info(path);
  assert.notEqual(now?.version, old?.version);
  assert.equal(await text((await mine.download(path)).data), "third");
  assert.equal((await serviceOf(project).storage.from(bucket).update(path, "fourth")).error, null);
  const [row] = await project.database.admin`
    select owner_id from storage.objects where bucket_id = ${bucket} and name = ${path}`;
  assert.equal(row?.["owner_id"], id);
  assert.equal(await filesOf(project), before);

  const insertOnly = await newUserBucket(project, ["insert"]);
  const theirs = client.storage.from(insertOnly);
  assert.equal((await theirs.upload(path, "x")).error, null);
  assert.equal(codeOf(await theirs.upload(`${id}/b.txt`, "x", { upsert: true })), "AccessDenied");
  assert.equal(codeOf(await theirs.update(path, "y")), "AccessDenied");
  const service = serviceOf(project).storage.from(insertOnly);
  assert.equal(await text((await service.download(path)).data), "x");
});

Deno.test("of two who write at once one wins, and only its bytes stay", async () => {
  const project = theProject();
  const bucket = serviceOf(project).storage.from(await newBucket(project));
  const before = await filesOf(project);
  const texts = Array.from({ length: 8 }, (_, index) => `text ${index}`);
  const created = await Promise.all(texts.map((each) => bucket.upload("new.txt", each)));
  assert.equal(created.filter(({ error }) => error === null).length, 1);
  await Promise.all(texts.map((each) => bucket.upload("new.txt", each, { upsert: true })));
  assert.ok(texts.includes(await text((await bucket.download("new.txt")).data) ?? ""));
  assert.equal(await filesOf(project), before + 1);
  const [moved, again] = await Promise.all([
    bucket.move("new.txt", "moved.txt"),
    bucket.upload("new.txt", "again", { upsert: true }),
  ]);
  assert.deepEqual([moved.error, again.error], [null, null]);
  for (const { name } of (await bucket.list()).data ?? []) {
    assert.equal((await bucket.download(name)).error, null, name);
  }
});

Deno.test("bodies of every kind arrive as they were sent: forms, streams, text, with metadata", async () => {
  const bucket = serviceOf(theProject()).storage.from(await newBucket(theProject()));
  const bytes = crypto.getRandomValues(new Uint8Array(50_000));
  const blob = new Blob([bytes], { type: "image/webp" });
  const form = new FormData();
  form.append("file", new File([bytes], "x.webp", { type: "image/webp" }));
  const metadata = { title: "Ein schöner Tag" };
  const bodies = {
    blob,
    form,
    buffer: bytes.buffer,
    stream: new Blob([bytes]).stream(),
  };
  for (const [name, body] of Object.entries(bodies)) {
    const stored = await bucket.upload(name, body, { contentType: "image/webp", metadata });
    assert.equal(stored.error, null, name);
    const { data } = await bucket.download(name);
    assert.equal(data?.type, "image/webp", name);
    assert.deepEqual(await data?.bytes(), bytes, name);
    assert.deepEqual((await bucket.info(name)).data?.metadata, metadata, name);
  }
});

Deno.test("a bucket's limits hold, and those of names", async () => {
  const project = theProject();
  const small = await newBucket(project, {
    fileSizeLimit: "1KB",
    allowedMimeTypes: ["image/*", "text/plain"],
  });
  const bucket = serviceOf(project).storage.from(small);
  const kilobyte = new Uint8Array(1000);
  const png = { contentType: "image/png" };
  assert.equal((await bucket.upload("fits.png", kilobyte, png)).error, null);
  const over = new Uint8Array(1001);
  assert.equal(codeOf(await bucket.upload("over.png", over, png)), "EntityTooLarge");
  const blob = new Blob([over], { type: "image/png" });
  assert.equal(codeOf(await bucket.upload("over.png", blob)), "EntityTooLarge");
  assert.equal(codeOf(await bucket.upload("over.png", blob.stream(), png)), "EntityTooLarge");
  assert.equal((await bucket.upload("a.txt", "text")).error, null);
  const pdf = await bucket.upload("a.pdf", "x", { contentType: "application/pdf" });
  assert.equal(codeOf(pdf), "InvalidMimeType");
  assert.equal(pdf.error?.message, "mime type application/pdf is not supported");
  assert.equal(codeOf(await bucket.upload("smile 😀.png", kilobyte, png)), "InvalidKey");

  const { storage } = serviceOf(project);
  const tooMuch = await storage.createBucket("large", { public: false, fileSizeLimit: "1GB" });
  assert.equal(codeOf(tooMuch), "EntityTooLarge");
  assert.equal(codeOf(await storage.createBucket("a/b")), "InvalidBucketName");
  const usual = storage.from(await newBucket(project));
  const most = new Uint8Array(50 * 1024 * 1024 + 1);
  assert.equal(codeOf(await usual.upload("large.bin", most)), "EntityTooLarge");
  assert.equal((await usual.upload("large.bin", most.subarray(1))).error, null);
});

Deno.test("objects are moved, copied and removed with their bytes", async () => {
  const project = theProject();
  const bucket = await newUserBucket(project);
  const { client, id } = await newUser(project);
  const mine = client.storage.from(bucket);
  const before = await filesOf(project);
  await mine.upload(`${id}/a.txt`, "a", { metadata: { kind: "note" } });
  assert.equal((await mine.copy(`${id}/a.txt`, `${id}/b.txt`)).data?.path, `${bucket}/${id}/b.txt`);
  assert.equal((await mine.move(`${id}/a.txt`, `${id}/sub/c.txt`)).error, null);
  assert.equal(codeOf(await mine.info(`${id}/a.txt`)), "NoSuchKey");
  for (const path of [`${id}/b.txt`, `${id}/sub/c.txt`]) {
    const { data } = await mine.download(path);
    assert.equal(await text(data), "a");
    assert.equal(data?.type, "text/plain;charset=utf-8");
    assert.deepEqual((await mine.info(path)).data?.metadata, { kind: "note" });
  }
  assert.equal(codeOf(await mine.move(`${id}/b.txt`, `${id}/sub/c.txt`)), "ResourceAlreadyExists");
  assert.equal(codeOf(await mine.move(`${id}/b.txt`, "elsewhere/b.txt")), "AccessDenied");
  assert.equal(codeOf(await mine.copy(`${id}/b.txt`, "elsewhere/b.txt")), "AccessDenied");
  const removed = await mine.remove([`${id}/b.txt`, `${id}/sub/c.txt`, `${id}/none.txt`]);
  assert.deepEqual(removed.data?.map(({ name }) => name).sort(), [
    `${id}/b.txt`,
    `${id}/sub/c.txt`,
  ]);
  assert.equal(await filesOf(project), before);
});

Deno.test("rows are deleted by Storage only, and postgres may write policies there and no more", async () => {
  const { database: { owner } } = theProject();
  await assert.rejects(owner`delete from storage.objects`, {
    code: "42501",
    message: "Direct deletion from storage tables is not allowed. Use the Storage API instead.",
  });
  const forbidden = [
    "alter table storage.objects enable row level security",
    "drop table storage.objects",
    "create index on storage.objects (owner_id)",
    "set role supabase_storage_admin",
  ];
  for (const statement of forbidden) {
    await assert.rejects(owner.unsafe(statement), { code: "42501" }, statement);
  }
  await owner`create policy "one" on storage.buckets for select to authenticated using (true)`;
  await owner`drop policy "one" on storage.buckets`;
  await owner.unsafe(`
    create function public.note_upload() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger note_upload after insert on storage.objects
      for each row execute function public.note_upload();
    drop trigger note_upload on storage.objects;`);
  const [parts] = await owner`
    select storage.foldername('a/b/c.tar.gz') as folder, storage.filename('a/b/c.tar.gz') as file,
      storage.extension('a/b/c.tar.gz') as extension, storage.foldername('c') as top`;
  assert.deepEqual(parts, { folder: ["a", "b"], file: "c.tar.gz", extension: "gz", top: [] });
});
