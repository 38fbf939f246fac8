import assert from "node:assert/strict";
import { polled, sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

Deno.test("a background create answers at once, and the SDK's polling finds the answer", async () => {
  const { client, stack } = theSdk();
  const created = await client.responses.create({
    model: "mail",
    input: "Reply to the invoice mail",
    background: true,
    metadata: { ticket: "42" },
  });
  assert.match(created.id, /^resp_[0-9a-f]{32}$/);
  assert.deepEqual([created.object, created.model, created.background], ["response", "mail", true]);
  assert.match(created.status ?? "", /^(queued|in_progress)$/);

  const response = await polled(client, created.id);
  assert.equal(response.status, "completed");
  assert.equal(response.id, created.id);
  assert.ok(response.output_text.length > 0);
  assert.deepEqual(response.metadata, { ticket: "42" });
  assert.deepEqual(
    response.output.filter((item) => item.type === "mcp_call").map((item) => item.name),
    ["gmail_find_email", "gmail_reply_to_email"],
  );
  assert.ok((response.usage?.total_tokens ?? 0) > 0);
  assert.deepEqual([response.instructions, response.tools], [null, []]);
  assert.equal(stack.stack.mailbox.sent.length, 1);

  // An item's id names its job and its place, and is the same whenever it is asked for.
  const ids = response.output.map((item) => item.id ?? "");
  const job = created.id.replace("resp_", "");
  for (const id of ids) assert.match(id, new RegExp(`^[a-z_]+_${job}_[0-9]+$`));
  assert.equal(new Set(ids).size, ids.length);
  const streamed: (string | undefined)[] = [];
  for await (const event of await client.responses.retrieve(created.id, { stream: true })) {
    if (event.type === "response.output_item.done") streamed.push(event.item.id ?? undefined);
  }
  assert.deepEqual(streamed.toSorted(), ids.toSorted());
});

Deno.test("the id is the job's, in OpenAI's form; the plain UUID finds it too", async () => {
  const { client, stack } = theSdk();
  const { id } = await client.responses.create({ model: "plain", input: "Hi", background: true });
  const uuid = id.replace(/^resp_(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  assert.equal((await stack.ask({ path: `/${uuid}` })).id, uuid);
  assert.equal((await client.responses.retrieve(uuid)).id, id);
});

Deno.test("a create without background waits for the answer", async () => {
  const { client } = theSdk();
  const response = await client.responses.create({
    model: "plain",
    input: [{ role: "user", content: "Say something" }],
  });
  assert.equal(response.status, "completed");
  assert.ok(response.output_text.length > 0);
});

Deno.test("withResponse gives an x-request-id, and so does every answer", async () => {
  const { client } = theSdk();
  const { data, request_id } = await client.responses.create({
    model: "plain",
    input: "Hi",
    background: true,
  }).withResponse();
  assert.match(request_id ?? "", /^req_[0-9a-f]{32}$/);
  assert.notEqual((await client.responses.retrieve(data.id))._request_id, request_id);
});

Deno.test("an Idempotency-Key makes a repeat return the first response", async () => {
  const { client } = theSdk();
  const create = () =>
    client.responses.create({ model: "plain", input: "Once", background: true }, {
      headers: { "Idempotency-Key": "openai-api-1" },
    });
  assert.equal((await create()).id, (await create()).id);
});

Deno.test("a conversation continues from a completed response", async () => {
  const { client, stack } = theSdk();
  const first = await client.responses.create({ model: "plain", input: "My name is Ada" });
  const second = await client.responses.create({
    model: "plain",
    input: "What is my name?",
    previous_response_id: first.id,
  });
  assert.equal(second.status, "completed");
  const sent = JSON.stringify(
    stack.openai.requests.findLast(({ path, method }) =>
      path === "/v1/responses" && method === "POST"
    )?.body,
  );
  assert.match(sent, /My name is Ada.*What is my name/);
  const asked = await Array.fromAsync(client.responses.inputItems.list(second.id, { limit: 1 }));
  assert.deepEqual(asked.map((item) => item.type), ["message", "message", "message"]);
});

Deno.test("the input items come a page at a time, the last first unless asked otherwise", async () => {
  const { client } = theSdk();
  const { id } = await client.responses.create({
    model: "plain",
    input: ["one", "two", "three"].map((content) => ({ role: "user" as const, content })),
    background: true,
  });
  const texts = async (order: "asc" | "desc") => {
    const found = await Array.fromAsync(client.responses.inputItems.list(id, { limit: 2, order }));
    return found.map((item) => item.type === "message" ? JSON.stringify(item.content) : item.type);
  };
  assert.match((await texts("asc")).join(), /one.*two.*three/);
  assert.match((await texts("desc")).join(), /three.*two.*one/);
});

Deno.test("cancel ends a response; a second one, or one that is over, gives it back", async () => {
  const { client, stack } = theSdk();
  stack.openai.faults.add({ kind: "stuck-in-progress", times: 1 });
  const { id } = await client.responses.create({ model: "plain", input: "Hi", background: true });
  assert.equal((await client.responses.cancel(id)).status, "cancelled");
  assert.equal((await client.responses.cancel(id)).status, "cancelled");
  const done = await client.responses.create({ model: "plain", input: "Hi" });
  assert.equal((await client.responses.cancel(done.id)).status, "completed");
});

Deno.test("a failed job is a failed response with our code", async () => {
  const { client, stack } = theSdk();
  stack.openai.faults.add({ kind: "quota", times: 1 });
  const response = await client.responses.create({ model: "once", input: "Hi" });
  assert.equal(response.status, "failed");
  assert.equal(String(response.error?.code), "openai_quota_exceeded");
});

Deno.test("structured output: parse() takes the profile's own schema", async () => {
  const { client } = theSdk();
  const { zodTextFormat } = await import("openai/helpers/zod");
  const { shape } = await import("./support/profiles.ts");
  const response = await client.responses.parse({
    model: "shaped",
    input: "Find the invoice",
    text: { format: zodTextFormat(shape, "mine") },
  });
  assert.equal(typeof response.output_parsed?.subject, "string");
});

Deno.test("with a secret key a whole request may be sent, and any model named", async () => {
  const { clientWith, stack } = theSdk();
  const client = clientWith({ apiKey: stack.stack.secretKey });
  const response = await client.responses.create({
    model: "o3",
    instructions: "Be brief.",
    input: "Hi",
    temperature: 0.3,
    metadata: { from: "server" },
  });
  assert.deepEqual([response.status, response.model], ["completed", "o3"]);
  assert.deepEqual(response.metadata, { from: "server" });
  const sent = JSON.stringify(
    stack.openai.requests.findLast(({ path }) => path === "/v1/responses"),
  );
  assert.match(sent, /"temperature":0.3/);
});

Deno.test("the profiles are the models", async () => {
  const { client } = theSdk();
  const models = await Array.fromAsync(client.models.list());
  assert.deepEqual(
    models.map(({ id }) => id).join(" "),
    "default plain mail fresh careful porter once shaped free notes chooses unset wrong thinks",
  );
});
