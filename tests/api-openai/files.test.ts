/** Photos and files in a request: as data through the unchanged SDK, and as references to Storage. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type OpenAI from "openai";
import { findInDatabase } from "../attack/support/database-search.ts";
import { startCountingProxy } from "../support/counting-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { countJobs } from "../support/jobs.ts";
import { refusalOf } from "./support/refusal.ts";
import { polled, sdkForFile } from "./support/sdk.ts";

const logs: string[] = [];
/** Where OpenAI reaches the project, which the functions know by another address. */
const publicAddress = startCountingProxy();
Deno.test.afterAll(() => publicAddress.stop());
const theSdk = sdkForFile({
  onLog: ({ line }) => logs.push(line),
  env: { DURABLE_RESPONSES_PUBLIC_URL: publicAddress.url },
});
Deno.test.beforeAll(() => {
  publicAddress.target = theSdk().stack.stack.apiUrl;
});

/** Compresses no better than a photo. */
function photoOf(bytes: number): Uint8Array<ArrayBuffer> {
  const photo = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) {
    crypto.getRandomValues(photo.subarray(at, at + 65_536));
  }
  return photo;
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const dataUrl = (bytes: Uint8Array, mime = "image/png") =>
  `data:${mime};base64,${Buffer.from(bytes).toString("base64")}`;

type Input = OpenAI.Responses.ResponseInput;
type Part = OpenAI.Responses.ResponseInputContent;
const asking = (...parts: Part[]): Input => [
  { role: "user", content: [{ type: "input_text", text: "What is this?" }, ...parts] },
];
const image = (bytes: Uint8Array): Part => ({
  type: "input_image",
  detail: "low",
  image_url: dataUrl(bytes),
});
/** OpenAI's types do not know it. */
const stored = (path: string, bucket = "photos"): Part =>
  Object.assign({ type: "input_image" as const, detail: "low" as const }, {
    storage: { bucket, path },
  });

function storageWith(key: string, token?: string): SupabaseClient["storage"] {
  return createClient(theSdk().stack.stack.apiUrl, key, {
    auth: { persistSession: false },
    ...(token !== undefined && { accessToken: () => Promise.resolve(token) }),
  }).storage;
}

async function newUser() {
  const { stack: { stack }, clientWith } = theSdk();
  const { id, token } = await stack.createUser();
  return {
    id,
    client: clientWith({ apiKey: token }),
    storage: storageWith(stack.publishableKey, token),
  };
}

const service = () => storageWith(theSdk().stack.stack.secretKey);
const server = (owner: string) =>
  theSdk().clientWith({
    apiKey: theSdk().stack.stack.secretKey,
    defaultHeaders: { "x-owner-id": owner },
  });

/** Paths in the bucket of what was sent. */
async function sentBy(owner: string): Promise<string[]> {
  const { data } = await service().from("response_files").list(owner);
  return (data ?? []).map(({ name }) => name);
}

/** What OpenAI downloaded while something was done. */
async function downloadsOf(act: () => Promise<unknown>) {
  const { downloads } = theSdk().stack.openai;
  const before = downloads.length;
  await act();
  return downloads.slice(before);
}

const bucket = { made: false };
/** A private bucket in which each user has a folder. */
async function photos(): Promise<void> {
  if (bucket.made) return;
  bucket.made = true;
  const { error } = await service().createBucket("photos", { public: false });
  assert.equal(error, null);
  await theSdk().stack.sql.unsafe(
    `create policy own_photos on storage.objects for all to authenticated
      using (bucket_id = 'photos' and (storage.foldername(name))[1] = (select auth.uid())::text)`,
  );
}

async function uploaded(user: Awaited<ReturnType<typeof newUser>>, name = "a.png") {
  await photos();
  const photo = photoOf(5000);
  const path = `${user.id}/${name}`;
  const { error } = await user.storage.from("photos").upload(path, photo, {
    contentType: "image/png",
  });
  assert.equal(error, null);
  return { path, photo };
}

for (const background of [false, true]) {
  Deno.test(`a photo of 3 MB is sent to OpenAI as a signed URL, background: ${background}`, async () => {
    const { id: owner, client } = await newUser();
    const photo = photoOf(3_000_000);
    const [download, ...more] = await downloadsOf(async () => {
      const { id } = await client.responses.create({
        model: "plain",
        input: asking(image(photo)),
        background,
      });
      assert.equal((await polled(client, id)).status, "completed");
      // Seen as a reference, by whoever may see it at all.
      const items = JSON.stringify(await Array.fromAsync(client.responses.inputItems.list(id)));
      assert.ok(items.includes(`"path":"${owner}/${sha256(photo)}.png"`), items);
      assert.ok(items.length < 2000 && !items.includes("token"), items);
    });
    assert.equal(more.length, 0);
    assert.ok(download?.url.startsWith(`${publicAddress.url}/storage/v1/object/sign/`));
    assert.deepEqual([download?.sha256, download?.type], [sha256(photo), "image/png"]);
    assert.deepEqual(await sentBy(owner), [`${sha256(photo)}.png`]);
    const { sql } = theSdk().stack;
    const [row] = await sql`
      select length(coalesce(input, request)::text) as size, input #> '{0,content,1,detail}' as detail
      from durable_responses.jobs where owner_id = ${owner}`;
    assert.ok(row?.["size"] < 1000);
    assert.equal(row?.["detail"], "low");
  });
}

Deno.test("a small photo stays in the request, beside a file that does not", async () => {
  const { id: owner, client } = await newUser();
  const [small, pdf] = [photoOf(20_000), photoOf(2_000_000)];
  const downloads = await downloadsOf(() =>
    client.responses.create({
      model: "plain",
      input: asking(image(small), {
        type: "input_file",
        filename: "terms & conditions.pdf",
        file_data: dataUrl(pdf, "application/pdf"),
      }),
    })
  );
  assert.deepEqual(downloads.map((each) => each.sha256), [sha256(pdf)]);
  assert.ok(downloads[0]?.url.endsWith("&download=terms%20%26%20conditions.pdf"));
  const { body } = theSdk().stack.openai.requests.findLast(({ method }) => method === "POST") ??
    assert.fail();
  assert.ok(JSON.stringify(body).includes(dataUrl(small)));
  assert.ok(!JSON.stringify(body).includes("filename"));
  assert.equal((await sentBy(owner)).length, 1);
});

Deno.test("the same photo twice is one job and one file; for another user it is their own", async () => {
  const [a, b] = [await newUser(), await newUser()];
  const question = { model: "mail", input: asking(image(photoOf(1_500_000))) };
  const both = await Promise.all(
    [1, 2].map(() => a.client.responses.create(question).withResponse()),
  );
  assert.equal(new Set(both.map(({ data }) => data.id)).size, 1);
  const other = await b.client.responses.create(question);
  assert.notEqual(other.id, both[0]?.data.id);
  assert.deepEqual([(await sentBy(a.id)).length, (await sentBy(b.id)).length], [1, 1]);
});

Deno.test("a key is good for the same photo only, and a native request does the same", async () => {
  const { stack } = theSdk();
  const { id: owner, token } = await stack.stack.createUser();
  const photo = photoOf(1_200_000);
  const ask = (bytes: Uint8Array) =>
    stack.ask({
      token,
      body: { profile: "plain", input: asking(image(bytes)), background: false },
      headers: { "idempotency-key": "photo-1" },
    });
  const [first, second] = [await ask(photo), await ask(photo)];
  assert.deepEqual([first.status, second.body["id"]], [202, first.body["id"]]);
  assert.equal((await ask(photoOf(1_200_000))).status, 409);
  const whole = await stack.ask({
    token: stack.stack.secretKey,
    headers: { "x-owner-id": owner },
    body: { request: { model: "gpt-6.1-terra", input: asking(image(photo)) } },
  });
  assert.equal(whole.status, 202);
  const [row] = await stack.sql`
    select request #> '{input,0,content,1,storage}' as file from durable_responses.jobs where id = ${
    String(whole.body["id"])
  }`;
  assert.deepEqual(row?.["file"], {
    bucket: "response_files",
    path: `${owner}/${sha256(photo)}.png`,
  });
});

// In background, OpenAI fails such a run after it has begun, and the job falls back.
for (const [background, requests] of [[false, 2], [true, 3]] as const) {
  Deno.test(`each request of a run gets the photo, background: ${background}`, async () => {
    const { client } = await newUser();
    const { mailbox } = theSdk().stack.stack;
    const photo = photoOf(1_200_000);
    const before = mailbox.sent.length;
    const downloads = await downloadsOf(async () => {
      const { id } = await client.responses.create({
        model: "mail",
        input: [
          { role: "user", content: [image(photo)] },
          { role: "user", content: "Reply to the invoice mail" },
        ],
        background,
      });
      await eventually(
        "the end",
        async () => {
          await theSdk().stack.wake();
          return await client.responses.retrieve(id);
        },
        ({ status }) => status === "completed",
        { everyMs: 100 },
      );
    });
    assert.equal(mailbox.sent.length, before + 1);
    // A worker may have run other tests' jobs too.
    const ofThis = downloads.filter((each) => each.sha256 === sha256(photo));
    assert.equal(ofThis.length, requests);
  });
}

Deno.test("a second turn sends the photo of the first once more, by a new URL", async () => {
  const { client } = await newUser();
  const photo = photoOf(1_500_000);
  const first = await client.responses.create({ model: "plain", input: asking(image(photo)) });
  const downloads = await downloadsOf(() =>
    client.responses.create({
      model: "plain",
      input: "And in detail?",
      previous_response_id: first.id,
    })
  );
  assert.deepEqual(downloads.map((each) => each.sha256), [sha256(photo)]);
});

Deno.test("the file is removed from Storage with the last job that needs it", async () => {
  const { id: owner, client } = await newUser();
  const input = asking(image(photoOf(1_500_000)));
  const first = await client.responses.create({ model: "plain", input });
  const second = await client.responses.create({ model: "plain", input });
  const { stack } = theSdk();
  await client.responses.delete(first.id);
  await stack.wake();
  assert.equal((await sentBy(owner)).length, 1);
  await client.responses.delete(second.id);
  await eventually(
    "the file's removal",
    async () => {
      await stack.wake();
      return await sentBy(owner);
    },
    (paths) => paths.length === 0,
    // A worker asks once in 10 s.
    { everyMs: 500, timeoutMs: 30_000 },
  );
});

for (
  const [name, part, status, code] of [
    ["no base64", { image_url: "data:image/png;base64,***" }, 400, "invalid_request"],
    ["an unknown type", { image_url: "data:image/tiff;base64,AAAA" }, 400, "invalid_request"],
    ["nothing", { image_url: "data:image/png;base64," }, 400, "invalid_request"],
    [
      "more than the limit",
      { image_url: () => dataUrl(photoOf(10_485_761)) },
      413,
      "payload_too_large",
    ],
    ["a reference without a path", { storage: { bucket: "photos" } }, 400, "invalid_request"],
  ] as const
) {
  Deno.test(`an image with ${name} is refused, and leaves nothing`, async () => {
    const { id: owner, client } = await newUser();
    const { stack } = theSdk();
    const before = await countJobs(stack.sql);
    const url = "image_url" in part && typeof part.image_url === "function"
      ? { image_url: part.image_url() }
      : part;
    const input = asking(
      Object.assign({ type: "input_image" as const, detail: "low" as const }, url),
    );
    const error = await refusalOf(client.responses.create({ model: "plain", input }));
    assert.deepEqual([error.status, error.code], [status, code], error.message);
    assert.equal(await countJobs(stack.sql), before);
    assert.deepEqual(await sentBy(owner), []);
  });
}

Deno.test("an address that an error repeats is masked: it is a secret", async () => {
  const { client } = await newUser();
  const { stack } = theSdk();
  publicAddress.intercept = () => new Response("no", { status: 404 });
  const { id } = await client.responses.create({
    model: "once",
    input: asking(image(photoOf(1_200_000))),
    background: true,
  });
  const { status, error } = await polled(client, id);
  publicAddress.intercept = undefined;
  assert.equal(status, "failed");
  assert.match(error?.message ?? "", /downloading http.*object\/sign.*token=\*\*\*/);
  const { body } = stack.openai.requests.findLast(({ method }) => method === "POST") ??
    assert.fail();
  const [, token = ""] = JSON.stringify(body).match(/[?&]token=([\w.-]{50,})/) ?? [];
  assert.ok(token.startsWith("eyJ"));
  assert.deepEqual(await findInDatabase(stack.sql, token), []);
  assert.deepEqual(logs.filter((line) => line.includes(token)), []);
});

Deno.test("a photo of 10 MB is taken", async () => {
  const { client } = await newUser();
  const photo = photoOf(10_485_760);
  const [download] = await downloadsOf(() =>
    client.responses.create({ model: "plain", input: asking(image(photo)) })
  );
  assert.equal(download?.sha256, sha256(photo));
});

Deno.test("a user's own file in Storage is sent; another's is not found, by whomever they ask", async () => {
  const [user, stranger] = [await newUser(), await newUser()];
  const { path, photo } = await uploaded(user);
  const question = { model: "plain", input: asking(stored(path)) };
  for (const client of [user.client, server(user.id)]) {
    const [download] = await downloadsOf(() => client.responses.create(question));
    assert.equal(download?.sha256, sha256(photo));
  }
  const missing = { model: "plain", input: asking(stored(`${stranger.id}/none.png`)) };
  for (const client of [stranger.client, server(stranger.id)]) {
    for (const asked of [question, missing]) {
      const error = await refusalOf(client.responses.create(asked));
      assert.deepEqual([error.status, error.code], [400, "file_not_found"]);
    }
  }
  // What somebody else has sent is not reached by its path either.
  await user.client.responses.create({ model: "plain", input: asking(image(photoOf(1_200_000))) });
  const [name] = await sentBy(user.id);
  const theirs = asking(stored(`${user.id}/${name}`, "response_files"));
  const error = await refusalOf(
    stranger.client.responses.create({ model: "plain", input: theirs }),
  );
  assert.equal(error.code, "file_not_found");
  assert.equal((await stranger.storage.from("response_files").list(user.id)).data?.length, 0);
});

for (const how of ["changed", "gone"] as const) {
  Deno.test(`a file that is ${how} when the request is made fails the job`, async () => {
    const user = await newUser();
    const { path } = await uploaded(user);
    const { stack } = theSdk();
    // Between the row and the first request.
    stack.proxy.intercept = async (called) => {
      if (!called.endsWith("/get_response_files")) return undefined;
      stack.proxy.intercept = undefined;
      if (how === "gone") await service().from("photos").remove([path]);
      else await service().from("photos").update(path, photoOf(100), { contentType: "image/png" });
      return undefined;
    };
    const downloads = await downloadsOf(async () => {
      const { id } = await user.client.responses.create({
        model: "plain",
        input: asking(stored(path)),
        background: true,
      });
      const { status, error } = await polled(user.client, id);
      assert.deepEqual([status, String(error?.code)], ["failed", "file_changed"]);
    });
    assert.deepEqual(downloads, []);
  });
}

Deno.test("Storage that is away for a moment is waited for by the run, and refuses an upload with 503", async () => {
  const user = await newUser();
  const { path, photo } = await uploaded(user);
  const { stack } = theSdk();
  let away = 1;
  stack.proxy.intercept = (called) =>
    called.startsWith("/storage/") && away-- > 0
      ? new Response('{"statusCode": "500", "message": "away"}', { status: 500 })
      : undefined;
  const [download] = await downloadsOf(() =>
    user.client.responses.create({ model: "plain", input: asking(stored(path)) })
  );
  assert.equal(download?.sha256, sha256(photo));
  const attempts = await stack.sql`
    select a.error_code from public.response_attempts a join public.response_jobs_internal j on j.id = a.job_id
    where j.owner_id = ${user.id} and a.error_code is not null`;
  assert.deepEqual(attempts.map(({ error_code: code }) => code), ["storage_unavailable"]);
  const before = await countJobs(stack.sql);
  away = 1;
  const large = { model: "plain", input: asking(image(photoOf(1_200_000))) };
  const error = await refusalOf(user.client.responses.create(large));
  assert.deepEqual([error.status, error.code], [503, "storage_unavailable"]);
  assert.equal(await countJobs(stack.sql), before);
  stack.proxy.intercept = undefined;
  assert.equal((await user.client.responses.create(large)).status, "completed");
});
