/** Buckets, and lists of what is in them. */
import assert from "node:assert/strict";
import { sharedProject } from "./support/project.ts";
import { codeOf, newBucket, newUser, newUserBucket, serviceOf } from "./support/storage.ts";

const theProject = sharedProject();

Deno.test("a list shows a folder's own objects and folders, page by page, sorted and searched", async () => {
  const bucket = serviceOf(theProject()).storage.from(await newBucket(theProject()));
  for (const path of ["b.txt", "a.txt", "docs/x.txt", "docs/deep/y.txt", "photos/1.png"]) {
    assert.equal((await bucket.upload(path, path)).error, null);
  }
  const names = async (path: string, options = {}) =>
    (await bucket.list(path, options)).data?.map(({ name }) => name);
  assert.deepEqual(await names(""), ["docs", "photos", "a.txt", "b.txt"]);
  assert.deepEqual(await names("docs"), ["deep", "x.txt"]);
  assert.deepEqual(await names("docs/"), ["deep", "x.txt"]);
  assert.deepEqual(await names("doc"), []);
  assert.deepEqual(await names("", { limit: 2, offset: 1 }), ["photos", "a.txt"]);
  assert.deepEqual(await names("", { search: "B" }), ["b.txt"]);
  const newest = { sortBy: { column: "created_at", order: "desc" } };
  assert.deepEqual(await names("", newest), ["photos", "docs", "a.txt", "b.txt"]);
  const [folder, , object] = (await bucket.list()).data ?? [];
  assert.equal(folder?.id, null);
  assert.equal(folder?.metadata, null);
  assert.equal(object?.metadata?.["size"], 5);
  assert.equal(codeOf(await bucket.list("", { sortBy: { column: "owner" } })), "InvalidRequest");
});

Deno.test("the newer list goes through all that is below a prefix, by a cursor", async () => {
  const bucket = serviceOf(theProject()).storage.from(await newBucket(theProject()));
  const paths = ["a/1", "a/2", "a/b/3", "a/b/4", "c"];
  for (const path of paths.toReversed()) await bucket.upload(path, path);
  async function all(options: NonNullable<Parameters<typeof bucket.listV2>[0]>) {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const { data, error } = await bucket.listV2({ ...options, ...(cursor && { cursor }) });
      assert.equal(error, null);
      found.push(...[...data?.folders ?? [], ...data?.objects ?? []].map(({ name }) => name));
      cursor = data?.nextCursor;
    } while (cursor !== undefined);
    return found;
  }
  for (const limit of [1, 2, 100]) {
    assert.deepEqual(await all({ limit }), paths);
    assert.deepEqual(await all({ limit, prefix: "a/" }), paths.slice(0, 4));
    const newest = { column: "created_at", order: "desc" } as const;
    assert.deepEqual(await all({ limit, sortBy: newest }), paths);
    const folders = await all({ limit, prefix: "a/", with_delimiter: true });
    assert.deepEqual(folders.sort(), ["a/1", "a/2", "a/b/"]);
  }
  assert.equal(codeOf(await bucket.listV2({ cursor: "what" })), "InvalidRequest");
});

Deno.test("a user's lists have what they may read", async () => {
  const bucket = await newUserBucket(theProject());
  const [ann, bob] = [await newUser(theProject()), await newUser(theProject())];
  for (const { id, client } of [ann, bob]) {
    await client.storage.from(bucket).upload(`${id}/a.txt`, "a");
  }
  const anns = ann.client.storage.from(bucket);
  assert.deepEqual((await anns.list()).data?.map(({ name }) => name), [ann.id]);
  assert.deepEqual((await anns.listV2()).data?.objects.map(({ name }) => name), [
    `${ann.id}/a.txt`,
  ]);
});

Deno.test("a bucket is made once, changed, emptied, and deleted when it is empty", async () => {
  const { storage } = serviceOf(theProject());
  const id = await newBucket(theProject(), { fileSizeLimit: 1000 });
  assert.equal(codeOf(await storage.createBucket(id)), "ResourceAlreadyExists");
  const { data: made } = await storage.getBucket(id);
  assert.equal(made?.public, false);
  assert.equal(made?.file_size_limit, 1000);
  assert.equal((await storage.updateBucket(id, { public: true, fileSizeLimit: null })).error, null);
  const { data: changed } = await storage.getBucket(id);
  assert.deepEqual([changed?.public, changed?.file_size_limit], [true, null]);
  assert.ok((await storage.listBuckets()).data?.some((each) => each.id === id));
  assert.deepEqual(
    (await storage.listBuckets({ search: id.toUpperCase(), limit: 1 })).data?.map(({ id }) => id),
    [id],
  );

  await storage.from(id).upload("a/b.txt", "b");
  assert.equal(codeOf(await storage.deleteBucket(id)), "ResourceNotEmpty");
  assert.equal((await storage.emptyBucket(id)).error, null);
  assert.deepEqual((await storage.from(id).list()).data, []);
  assert.equal((await storage.deleteBucket(id)).error, null);
  assert.equal(codeOf(await storage.getBucket(id)), "NoSuchBucket");
  assert.equal(codeOf(await storage.emptyBucket(id)), "NoSuchBucket");
});
