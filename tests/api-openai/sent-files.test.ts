/** Photos and files that are sent as data, through the unchanged SDK. */
import assert from "node:assert/strict";
import { findInDatabase } from "../attack/support/database-search.ts";
import { startCountingProxy } from "../support/counting-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { countJobs } from "../support/jobs.ts";
import { createOperator } from "../support/operator.ts";
import { photoOf, sha256 } from "../support/photo.ts";
import { asking, dataUrl, image, photosForFile, stored } from "./support/photos.ts";
import { refusalOf } from "./support/refusal.ts";
import { polled } from "./support/sdk.ts";

const logs: string[] = [];
/** The address at which OpenAI reaches the project. The functions know another one. */
const publicAddress = startCountingProxy();
Deno.test.afterAll(() => publicAddress.stop());
const thePhotos = photosForFile({
  onLog: ({ line }) => logs.push(line),
  env: { DURABLE_RESPONSES_PUBLIC_URL: publicAddress.url },
});
Deno.test.beforeAll(() => {
  publicAddress.target = thePhotos().sdk.stack.stack.apiUrl;
});

for (const background of [false, true]) {
  Deno.test(`a photo of 3 MB is sent to OpenAI as a signed URL, background: ${background}`, async () => {
    const { id: owner, client } = await thePhotos().newUser();
    const photo = photoOf(3_000_000);
    const [download, ...more] = await thePhotos().downloadsOf(async () => {
      const { id } = await client.responses.create({
        model: "plain",
        input: asking(image(photo)),
        background,
      });
      assert.equal((await polled(client, id)).status, "completed");
      // Everybody who may see it sees a reference.
      const items = JSON.stringify(await Array.fromAsync(client.responses.inputItems.list(id)));
      assert.ok(items.includes(`"path":"${owner}/${sha256(photo)}.png"`), items);
      assert.ok(items.length < 2000 && !items.includes("token"), items);
    });
    assert.equal(more.length, 0);
    assert.ok(download?.url.startsWith(`${publicAddress.url}/storage/v1/object/sign/`));
    assert.deepEqual([download?.sha256, download?.type], [sha256(photo), "image/png"]);
    assert.deepEqual(await thePhotos().sentBy(owner), [`${sha256(photo)}.png`]);
    const { sql } = thePhotos().sdk.stack;
    const [row] = await sql`
      select length(coalesce(input, request)::text) as size, input #> '{0,content,1,detail}' as detail
      from durable_responses.jobs where owner_id = ${owner}`;
    assert.ok(row?.["size"] < 1000);
    assert.equal(row?.["detail"], "low");
  });
}

Deno.test("a small photo stays in the request, beside a file that does not", async () => {
  const { id: owner, client } = await thePhotos().newUser();
  const [small, pdf] = [photoOf(20_000), photoOf(2_000_000)];
  const downloads = await thePhotos().downloadsOf(() =>
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
  const { body } =
    thePhotos().sdk.stack.openai.requests.findLast(({ method }) => method === "POST") ??
      assert.fail();
  assert.ok(JSON.stringify(body).includes(dataUrl(small)));
  assert.ok(!JSON.stringify(body).includes("filename"));
  assert.equal((await thePhotos().sentBy(owner)).length, 1);
});

Deno.test("the same photo twice is one job and one file; for another user it is their own", async () => {
  const [a, b] = [await thePhotos().newUser(), await thePhotos().newUser()];
  const question = { model: "mail", input: asking(image(photoOf(1_500_000))) };
  const both = await Promise.all(
    [1, 2].map(() => a.client.responses.create(question).withResponse()),
  );
  assert.equal(new Set(both.map(({ data }) => data.id)).size, 1);
  const other = await b.client.responses.create(question);
  assert.notEqual(other.id, both[0]?.data.id);
  assert.deepEqual([
    (await thePhotos().sentBy(a.id)).length,
    (await thePhotos().sentBy(b.id)).length,
  ], [1, 1]);
});

Deno.test("a key is good for the same photo only, and a native request does the same", async () => {
  const { stack } = thePhotos().sdk;
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

// In background, OpenAI fails such a run after its start, and the job falls back.
for (const [background, requests] of [[false, 2], [true, 3]] as const) {
  Deno.test(`each request of a run gets the photo, background: ${background}`, async () => {
    const { client } = await thePhotos().newUser();
    const { mailbox } = thePhotos().sdk.stack.stack;
    const photo = photoOf(1_200_000);
    const before = mailbox.sent.length;
    const downloads = await thePhotos().downloadsOf(async () => {
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
          await thePhotos().sdk.stack.wake();
          return await client.responses.retrieve(id);
        },
        ({ status }) => status === "completed",
        { everyMs: 100 },
      );
    });
    assert.equal(mailbox.sent.length, before + 1);
    // A worker may also have run jobs of other tests.
    const ofThis = downloads.filter((each) => each.sha256 === sha256(photo));
    assert.equal(ofThis.length, requests);
  });
}

Deno.test("a second turn sends the photo of the first once more, by a new URL", async () => {
  const { client } = await thePhotos().newUser();
  const photo = photoOf(1_500_000);
  const first = await client.responses.create({ model: "plain", input: asking(image(photo)) });
  const downloads = await thePhotos().downloadsOf(() =>
    client.responses.create({
      model: "plain",
      input: "And in detail?",
      previous_response_id: first.id,
    })
  );
  assert.deepEqual(downloads.map((each) => each.sha256), [sha256(photo)]);
});

Deno.test("the file is removed from Storage with the last job that needs it", async () => {
  const { id: owner, client } = await thePhotos().newUser();
  const input = asking(image(photoOf(1_500_000)));
  const first = await client.responses.create({ model: "plain", input });
  const second = await client.responses.create({ model: "plain", input });
  const { stack } = thePhotos().sdk;
  await client.responses.delete(first.id);
  await stack.wake();
  assert.equal((await thePhotos().sentBy(owner)).length, 1);
  await client.responses.delete(second.id);
  await eventually(
    "the file's removal",
    async () => {
      await stack.wake();
      return await thePhotos().sentBy(owner);
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
    const { id: owner, client } = await thePhotos().newUser();
    const { stack } = thePhotos().sdk;
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
    assert.deepEqual(await thePhotos().sentBy(owner), []);
  });
}

Deno.test("an address that an error repeats is masked: it is a secret", async () => {
  const { client } = await thePhotos().newUser();
  const { stack } = thePhotos().sdk;
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
  const { client } = await thePhotos().newUser();
  const photo = photoOf(10_485_760);
  const [download] = await thePhotos().downloadsOf(() =>
    client.responses.create({ model: "plain", input: asking(image(photo)) })
  );
  assert.equal(download?.sha256, sha256(photo));
});

Deno.test("an operator continues a user's conversation with its photo; another user does not find it", async () => {
  const { client } = await thePhotos().newUser();
  const { sdk } = thePhotos();
  const photo = photoOf(1_500_000);
  const first = await client.responses.create({ model: "plain", input: asking(image(photo)) });
  const operator = await createOperator(sdk.stack);
  const next = { model: "plain", input: "And in detail?", previous_response_id: first.id };
  const downloads = await thePhotos().downloadsOf(async () => {
    const second = await sdk.clientWith({ apiKey: operator.token }).responses.create(next);
    assert.equal(second.status, "completed");
  });
  assert.deepEqual(downloads.map((each) => each.sha256), [sha256(photo)]);
  const stranger = await thePhotos().newUser();
  const error = await refusalOf(stranger.client.responses.create(next));
  assert.equal(error.code, "previous_response_not_found");
});

Deno.test("an operator who may not read a user's own file in Storage cannot continue with it: 400 that says so", async () => {
  const user = await thePhotos().newUser();
  const { sdk } = thePhotos();
  const { path } = await thePhotos().uploaded(user);
  const first = await user.client.responses.create({ model: "plain", input: asking(stored(path)) });
  const operator = sdk.clientWith({ apiKey: (await createOperator(sdk.stack)).token });
  const error = await refusalOf(
    operator.responses.create({ model: "plain", input: "And?", previous_response_id: first.id }),
  );
  assert.deepEqual([error.status, error.code, error.param], [400, "file_not_found", "input"]);
  assert.match(error.message, /continues somebody else's conversation/);
});
