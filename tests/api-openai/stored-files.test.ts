/** Files in Storage that a request refers to. */
import assert from "node:assert/strict";
import { countJobs } from "../support/jobs.ts";
import { photoOf, sha256 } from "../support/photo.ts";
import { asking, image, sharedPhotos, stored } from "./support/photos.ts";
import { refusalOf } from "./support/refusal.ts";
import { polled } from "./support/sdk.ts";

const thePhotos = sharedPhotos();

Deno.test("a user's own file in Storage is sent; another's is not found, by whomever they ask", async () => {
  const [user, stranger] = [await thePhotos().newUser(), await thePhotos().newUser()];
  const { path, photo } = await thePhotos().uploaded(user);
  const question = { model: "plain", input: asking(stored(path)) };
  for (const client of [user.client, thePhotos().server(user.id)]) {
    const [download] = await thePhotos().downloadsOf(() => client.responses.create(question));
    assert.equal(download?.sha256, sha256(photo));
  }
  const missing = { model: "plain", input: asking(stored(`${stranger.id}/none.png`)) };
  for (const client of [stranger.client, thePhotos().server(stranger.id)]) {
    for (const asked of [question, missing]) {
      const error = await refusalOf(client.responses.create(asked));
      assert.deepEqual([error.status, error.code], [400, "file_not_found"]);
    }
  }
  // Nor can a file that somebody else has sent be reached by its path.
  await user.client.responses.create({ model: "plain", input: asking(image(photoOf(1_200_000))) });
  const [name] = await thePhotos().sentBy(user.id);
  const theirs = asking(stored(`${user.id}/${name}`, "response_files"));
  const error = await refusalOf(
    stranger.client.responses.create({ model: "plain", input: theirs }),
  );
  assert.equal(error.code, "file_not_found");
  assert.equal((await stranger.storage.from("response_files").list(user.id)).data?.length, 0);
});

for (const how of ["changed", "gone"] as const) {
  Deno.test(`a file that is ${how} when the request is made fails the job`, async () => {
    const user = await thePhotos().newUser();
    const { path } = await thePhotos().uploaded(user);
    const { stack } = thePhotos().sdk;
    // Between the row and the first request.
    stack.proxy.intercept = async (called) => {
      if (!called.endsWith("/get_response_files")) return undefined;
      stack.proxy.intercept = undefined;
      if (how === "gone") await thePhotos().service().from("photos").remove([path]);
      else {await thePhotos().service().from("photos").update(path, photoOf(100), {
          contentType: "image/png",
        });}
      return undefined;
    };
    const downloads = await thePhotos().downloadsOf(async () => {
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

/** Storage answers its next call with a 500. */
function failOnce(): void {
  const { proxy } = thePhotos().sdk.stack;
  proxy.intercept = (called) => {
    if (!called.startsWith("/storage/")) return undefined;
    proxy.intercept = undefined;
    return new Response('{"statusCode": "500", "message": "away"}', { status: 500 });
  };
}

for (const background of [false, true]) {
  Deno.test(`a run waits for Storage that is away for a moment, background: ${background}`, async () => {
    const user = await thePhotos().newUser();
    const { path, photo } = await thePhotos().uploaded(user);
    const { stack } = thePhotos().sdk;
    failOnce();
    const [download] = await thePhotos().downloadsOf(async () => {
      const input = asking(stored(path));
      const { id } = await user.client.responses.create({ model: "plain", input, background });
      assert.equal((await polled(user.client, id)).status, "completed");
    });
    assert.equal(download?.sha256, sha256(photo));
    const failed = await stack.sql`
      select a.mode, a.error_code as code
      from public.response_attempts_internal a join durable_responses.jobs j on j.id = a.job_id
      where j.owner_id = ${user.id} and a.error_code is not null`;
    assert.deepEqual([...failed], [
      { mode: background ? "background" : "synchronous", code: "storage_unavailable" },
    ]);
    const [route] = await stack.sql`
      select background_failures from public.response_routes where profile = 'plain'`;
    assert.equal(route?.["background_failures"], 0);
  });
}

Deno.test("a photo that Storage does not take now is refused with 503, and leaves nothing", async () => {
  const { client } = await thePhotos().newUser();
  const { stack } = thePhotos().sdk;
  const before = await countJobs(stack.sql);
  const large = { model: "plain", input: asking(image(photoOf(1_200_000))) };
  failOnce();
  const error = await refusalOf(client.responses.create(large));
  assert.deepEqual([error.status, error.code], [503, "storage_unavailable"]);
  assert.equal(error.headers?.get("x-should-retry"), "true");
  assert.equal(await countJobs(stack.sql), before);
  assert.equal((await client.responses.create(large)).status, "completed");
});
