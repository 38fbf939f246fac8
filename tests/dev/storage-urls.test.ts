/** URLs that work by themselves: signed ones until they expire, and those of public buckets. */
import assert from "node:assert/strict";
import { sign } from "../../packages/dev/storage/signed.ts";
import { sharedProject } from "./support/project.ts";
import { codeOf, newBucket, newUser, newUserBucket, serviceOf } from "./support/storage.ts";

const theProject = sharedProject();

async function refusal(url: string | URL, init?: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  assert.equal(response.status, 400);
  return (await response.json()).code;
}

Deno.test("a signed URL gives its object to whoever has it, with no key and no token", async () => {
  const bucket = await newUserBucket(theProject());
  const { id, client } = await newUser(theProject());
  const mine = client.storage.from(bucket);
  const path = `${id}/my photo (1).png`;
  await mine.upload(path, "png", { contentType: "image/png" });
  const { data } = await mine.createSignedUrl(path, 60);
  const response = await fetch(data?.signedUrl ?? "");
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "png");
  assert.equal(response.headers.get("content-type"), "image/png");
  assert.equal(response.headers.get("content-length"), "3");
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  const expires = Date.parse(response.headers.get("expires") ?? "");
  assert.ok(expires > Date.now() && expires <= Date.now() + 60_000);

  const head = await fetch(data?.signedUrl ?? "", { method: "HEAD" });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-length"), "3");

  const named = await mine.createSignedUrl(path, 60, { download: "a b.png" });
  const download = await fetch(named.data?.signedUrl ?? "");
  assert.match(
    download.headers.get("content-disposition") ?? "",
    /attachment; filename=a%20b\.png/,
  );
  await download.body?.cancel();

  await mine.remove([path]);
  assert.equal(await refusal(data?.signedUrl ?? ""), "NoSuchKey");
});

Deno.test("a signed URL that expired, was changed, or is for something else is refused", async () => {
  const project = theProject();
  const id = await newBucket(project);
  const bucket = serviceOf(project).storage.from(id);
  await bucket.upload("a.txt", "a");
  await bucket.upload("b.txt", "b");
  const { data } = await bucket.createSignedUrl("a.txt", 60);
  const url = new URL(data?.signedUrl ?? "");
  const token = url.searchParams.get("token") ?? "";
  const withToken = (changed: string, name = "a.txt") => {
    const other = new URL(url);
    other.pathname = other.pathname.replace("a.txt", name);
    other.searchParams.set("token", changed);
    return other;
  };
  assert.equal(await fetch(withToken(token)).then((each) => each.text()), "a");
  const [header, payload, signature] = token.split(".");
  const longer = JSON.parse(atob(payload ?? ""));
  longer.exp += 1000;
  const forged = btoa(JSON.stringify(longer)).replaceAll("=", "");
  const expired = await sign(project.keys, { scope: "download", url: `${id}/a.txt` }, -1);
  assert.equal(await refusal(withToken(expired)), "InvalidJWT");
  assert.equal(await refusal(withToken(`${header}.${forged}.${signature}`)), "InvalidJWT");
  assert.equal(await refusal(withToken(token, "b.txt")), "InvalidSignature");
  // Other tokens signed by the project open nothing, not even that of the secret key.
  assert.equal(await refusal(withToken(project.keys.serviceRoleKey)), "InvalidSignature");
  const { data: upload } = await bucket.createSignedUploadUrl("a.txt", { upsert: true });
  assert.equal(await refusal(withToken(upload?.token ?? "")), "InvalidSignature");
  url.searchParams.delete("token");
  assert.equal(await refusal(url), "InvalidRequest");
  assert.equal(codeOf(await bucket.createSignedUrl("a.txt", 0)), "InvalidRequest");
  const small = { transform: { width: 10 } };
  assert.equal(codeOf(await bucket.createSignedUrl("a.txt", 60, small)), "InvalidRequest");
  // A signed URL's token does not count as a user or a role either.
  const asToken = { headers: { authorization: `Bearer ${token}` } };
  const object = `${project.url}/storage/v1/object/${id}/a.txt`;
  assert.equal(await refusal(object, asToken), "AccessDenied");
  assert.equal(await refusal(object), "NoSuchKey");
});

Deno.test("of many paths those are signed that the user may read", async () => {
  const bucket = await newUserBucket(theProject());
  const [ann, bob] = [await newUser(theProject()), await newUser(theProject())];
  for (const { id, client } of [ann, bob]) {
    await client.storage.from(bucket).upload(`${id}/a.txt`, id);
  }
  const paths = [`${ann.id}/a.txt`, `${bob.id}/a.txt`, "none.txt"];
  const { data } = await ann.client.storage.from(bucket).createSignedUrls(paths, 60);
  assert.deepEqual(data?.map(({ path, error }) => [path, error === null]), [
    [paths[0], true],
    [paths[1], false],
    [paths[2], false],
  ]);
  const response = await fetch(data?.[0]?.signedUrl ?? "");
  assert.equal(await response.text(), ann.id);
});

Deno.test("an upload that was signed is taken from whoever has the token, once unless it may replace", async () => {
  const project = theProject();
  const bucket = await newUserBucket(project);
  const { id, client } = await newUser(project);
  const path = `${id}/sent.txt`;
  const { data } = await client.storage.from(bucket).createSignedUploadUrl(path);
  const stranger = (await newUser(project)).client.storage.from(bucket);
  const sent = await stranger.uploadToSignedUrl(path, data?.token ?? "", "sent");
  assert.equal(sent.error, null);
  const [row] = await project.database.admin`
    select owner_id from storage.objects where bucket_id = ${bucket} and name = ${path}`;
  assert.equal(row?.["owner_id"], id);
  const again = await stranger.uploadToSignedUrl(path, data?.token ?? "", "again");
  assert.equal(codeOf(again), "ResourceAlreadyExists");
  const elsewhere = await stranger.uploadToSignedUrl(`${id}/x.txt`, data?.token ?? "", "x");
  assert.equal(codeOf(elsewhere), "InvalidSignature");
  const theirs = await stranger.createSignedUploadUrl(`${id}/y.txt`);
  assert.equal(codeOf(theirs), "AccessDenied");
});

Deno.test("what is in a public bucket has a URL, and runs no script of this origin", async () => {
  const id = await newBucket(theProject(), { public: true });
  const bucket = serviceOf(theProject()).storage.from(id);
  await bucket.upload("page.html", "<script>", { contentType: "Text/HTML", cacheControl: "60" });
  const { data: { publicUrl } } = bucket.getPublicUrl("page.html");
  const response = await fetch(publicUrl);
  assert.equal(await response.text(), "<script>");
  assert.equal(response.headers.get("content-type"), "text/plain");
  assert.equal(response.headers.get("cache-control"), "max-age=60");
  assert.ok(response.headers.get("etag"));
  const { client } = await newUser(theProject());
  assert.equal(
    await (await client.storage.from(id).download("page.html")).data?.text(),
    "<script>",
  );
  await serviceOf(theProject()).storage.updateBucket(id, { public: false });
  assert.equal(await refusal(publicUrl), "NoSuchBucket");
});

Deno.test("a browser may ask from anywhere", async () => {
  const response = await fetch(`${theProject().url}/storage/v1/object/a/b.png`, {
    method: "OPTIONS",
    headers: {
      origin: "https://app.example.com",
      "access-control-request-method": "PUT",
      "access-control-request-headers": "authorization, x-upsert",
    },
  });
  assert.ok(response.ok);
  assert.equal(response.headers.get("access-control-allow-origin"), "*");
  assert.match(response.headers.get("access-control-allow-headers") ?? "", /x-upsert/);
  assert.match(response.headers.get("access-control-allow-methods") ?? "", /PUT/);
  await response.body?.cancel();
});
