/** Acting for a user: with a secret key, `x-owner-id` limits the call to that user. With anything else, it is refused. */
import assert from "node:assert/strict";
import { jobIdOf } from "../../supabase/functions/_durable_responses/model/ids.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

const server = (owner: string) =>
  theSdk().clientWith({
    apiKey: theSdk().stack.stack.secretKey,
    defaultHeaders: { "x-owner-id": owner },
  });

Deno.test("the user sees what a server asked for them: messages of user and assistant, nothing else", async () => {
  const { client, stack } = theSdk();
  const { id } = await server(stack.user.id).responses.create({
    model: "o3",
    instructions: "Keep the discount secret.",
    input: [
      { role: "developer", content: "The discount is 20%." },
      { role: "user", content: "What does it cost?" },
    ],
  });
  const seen = await client.responses.retrieve(id);
  const items = await Array.fromAsync(client.responses.inputItems.list(id));
  const [row] = await stack.sql`
    select owner_id from public.response_jobs_internal where id = ${jobIdOf(id) ?? ""}`;
  assert.equal(row?.["owner_id"], stack.user.id);
  assert.match(JSON.stringify(items), /What does it cost/);
  assert.ok(!/discount/.test(JSON.stringify([seen, items])));
});

Deno.test("the second turn goes on with all that was said in the first", async () => {
  const { stack } = theSdk();
  const client = server(stack.user.id);
  const { id } = await client.responses.create({
    model: "o3",
    input: [{ role: "developer", content: "Speak French." }, { role: "user", content: "Hi" }],
  });
  const second = await client.responses.create({
    model: "o3",
    input: "And?",
    previous_response_id: id,
  });
  assert.equal(second.previous_response_id, id);
  const { body } = stack.openai.requests.findLast(({ method }) => method === "POST") ??
    assert.fail();
  assert.match(JSON.stringify(body), /Speak French/);
});

Deno.test("it sees and does no more than that user: others' responses are not found", async () => {
  const { client, stack } = theSdk();
  const { id } = await client.responses.create({ model: "plain", input: "Hi", background: true });
  const other = server((await stack.stack.createUser()).id);
  for (
    const act of [
      () => other.responses.retrieve(id),
      () => other.responses.cancel(id),
      () => other.responses.delete(id),
    ]
  ) assert.equal((await refusalOf(act())).status, 404);
  assert.equal((await server(stack.user.id).responses.retrieve(id)).id, id);
  assert.equal(
    (await stack.ask({
      path: `/${id.replace(/^resp_(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}`,
      token: stack.stack.secretKey,
      headers: { "x-owner-id": crypto.randomUUID() },
    })).status,
    404,
  );
});

Deno.test("beside anything but a secret key it is 403, and what is no UUID 400", async () => {
  const { clientWith, stack } = theSdk();
  const defaultHeaders = { "x-owner-id": stack.user.id };
  const { publishableKey, secretKey } = stack.stack;
  for (
    const more of [
      { apiKey: stack.user.token },
      { apiKey: publishableKey },
      { apiKey: "nonsense" },
      { apiKey: stack.user.token, defaultHeaders: { ...defaultHeaders, apikey: secretKey } },
    ]
  ) {
    const error = await refusalOf(clientWith({ defaultHeaders, ...more }).models.list());
    assert.deepEqual([error.status, error.code], [403, "secret_key_required"]);
  }
  const error = await refusalOf(server("somebody").models.list());
  assert.deepEqual([error.status, error.code], [400, "invalid_request"]);
});
