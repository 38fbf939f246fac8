/** Functions of the caller's that give back pictures and files, as OpenAI takes them. */
import assert from "node:assert/strict";
import type OpenAI from "openai";
import { photoOf, sha256 } from "../support/photo.ts";
import { asking, dataUrl, image, sharedPhotos, stored } from "./support/photos.ts";
import { refusalOf } from "./support/refusal.ts";

const thePhotos = sharedPhotos();

type Parts = OpenAI.Responses.ResponseFunctionCallOutputItemList;

/** A response that waits for a function, and an answer to it. */
async function asked(client: OpenAI) {
  const response = await client.responses.create({
    model: "porter",
    input: `${crypto.randomUUID()} [[plan: call open_door {"door":"1"}; text seen]]`,
  });
  const call = response.output.find((item) => item.type === "function_call") ?? assert.fail();
  const answer = (output: Parts, by = client) =>
    by.responses.create({
      model: "porter",
      previous_response_id: response.id,
      input: [{ type: "function_call_output", call_id: call.call_id, output }],
    });
  return { response, answer };
}

const text = { type: "input_text" as const, text: "the door" };
const parts = (bytes: Uint8Array): Parts => [text, image(bytes)];

/** What OpenAI got as the function's output in its last request. */
function sent(): unknown {
  const { body } =
    thePhotos().sdk.stack.openai.requests.findLast(({ method, path }) =>
      method === "POST" && path === "/v1/responses"
    ) ?? assert.fail();
  const { input } = Object(body);
  assert.ok(Array.isArray(input));
  return input.find(({ type }) => type === "function_call_output")?.output;
}

Deno.test("a small picture goes to OpenAI as it came, also in the next turn", async () => {
  const { client, id: owner } = await thePhotos().newUser();
  const { response, answer } = await asked(client);
  const photo = photoOf(2_000);
  const output = parts(photo);
  assert.equal((await answer(output)).output_text, "seen");
  assert.deepEqual(sent(), output);
  // A library's own repeat, and an answer with another picture.
  assert.equal((await answer(output)).id, response.id);
  const other = await refusalOf(answer(parts(photoOf(2_001))));
  assert.deepEqual([other.status, other.code], [409, "invalid_state"]);
  const next = await client.responses.create({
    model: "porter",
    previous_response_id: response.id,
    input: "And? [[plan: text fine]]",
  });
  assert.equal(next.output_text, "fine");
  assert.deepEqual(sent(), output);
  assert.deepEqual(await thePhotos().sentBy(owner), []);
  const [step] = await thePhotos().sdk.stack.sql`
    select s.output from public.response_steps s join durable_responses.jobs j on j.id = s.job_id
    where j.owner_id = ${owner} and s.run_by = 'caller'`;
  assert.equal(step?.["output"], "the door\n(image)");
});

Deno.test("a large one is in Storage, and OpenAI downloads it", async () => {
  const { client, id: owner } = await thePhotos().newUser();
  const { response, answer } = await asked(client);
  const photo = photoOf(2_000_000);
  const downloads = await thePhotos().downloadsOf(async () => {
    assert.equal((await answer(parts(photo))).output_text, "seen");
  });
  assert.deepEqual(downloads.map((one) => one.sha256), [sha256(photo)]);
  assert.deepEqual(await thePhotos().sentBy(owner), [`${sha256(photo)}.png`]);
  assert.equal((await answer(parts(photo))).id, response.id);
  const again = await thePhotos().downloadsOf(async () => {
    await client.responses.create({
      model: "porter",
      previous_response_id: response.id,
      input: "And? [[plan: text fine]]",
    });
  });
  assert.deepEqual(again.map((one) => one.sha256), [sha256(photo)]);
});

Deno.test("the same large one from a server that acts for nobody is the same answer", async () => {
  const { client } = await thePhotos().newUser();
  const { sdk } = thePhotos();
  const server = sdk.clientWith({ apiKey: sdk.stack.stack.secretKey });
  const photo = photoOf(2_000_000);
  for (const [first, again] of [[client, server], [server, client]] as const) {
    const { response, answer } = await asked(client);
    assert.equal((await answer(parts(photo), first)).output_text, "seen");
    assert.equal((await answer(parts(photo), again)).id, response.id);
    const other = await refusalOf(answer(parts(photoOf(2_000_001)), again));
    assert.deepEqual([other.status, other.code], [409, "invalid_state"]);
  }
});

Deno.test("a picture in Storage that is not there: the refusal names its place, and the call still waits", async () => {
  const { client, id: owner } = await thePhotos().newUser();
  const { response, answer } = await asked(client);
  const missing = stored(`${owner}/none.png`);
  const error = await refusalOf(answer([text, Object.assign({ detail: "low" as const }, missing)]));
  assert.deepEqual([error.status, error.code], [400, "file_not_found"]);
  assert.equal(error.param, "input[0].output[1].storage");
  assert.doesNotMatch(error.message, /\bjob/);
  assert.equal((await client.responses.retrieve(response.id)).output.length, 1);
  const question = await refusalOf(
    client.responses.create({
      model: "porter",
      input: asking(missing, stored(`${owner}/none2.png`)),
    }),
  );
  assert.equal(question.param, "input[0].content[1].storage");
  assert.equal((await answer(parts(photoOf(1_000)))).output_text, "seen");
});

Deno.test("a file; and what is none is refused, and the call still waits", async () => {
  const { client } = await thePhotos().newUser();
  const { answer } = await asked(client);
  const file = (file_data: string): Parts => [{
    type: "input_file",
    filename: "list.pdf",
    file_data,
  }];
  const error = await refusalOf(answer(file("data:application/pdf;base64,???")));
  assert.deepEqual([error.status, error.param], [400, "input[0].output[0].file_data"]);
  const output = file(dataUrl(photoOf(500), "application/pdf"));
  assert.equal((await answer(output)).output_text, "seen");
  assert.deepEqual(sent(), output);
});
