import assert from "node:assert/strict";
import OpenAI from "openai";
import { countJobs } from "../support/jobs.ts";
import { refusalOf } from "./support/refusal.ts";
import { sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

const create = (more: Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>) =>
  theSdk().client.responses.create({ model: "plain", input: "Hi", background: true, ...more });

const beyond: Record<string, Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>> = {
  instructions: { instructions: "Be rude." },
  tools: { tools: [{ type: "web_search" }] },
  temperature: { temperature: 2 },
  max_output_tokens: { max_output_tokens: 5 },
  text: { text: { format: { type: "json_object" } } },
  reasoning: { reasoning: { effort: "high" } },
  conversation: { conversation: "conv_1" },
};

for (const [param, more] of Object.entries(beyond)) {
  Deno.test(`'${param}' beyond the profile is refused: 400 with param, and no row`, async () => {
    const { sql } = theSdk().stack;
    const before = await countJobs(sql);
    const error = await refusalOf(create(more));
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.ok(error.param?.startsWith(param), error.param ?? "no param");
    assert.equal(error.type, "invalid_request_error");
    assert.match(error.requestID ?? "", /^req_/);
    assert.equal(await countJobs(sql), before);
  });
}

Deno.test("settings that change nothing pass, for the sake of libraries that always send them", async () => {
  const response = await create({
    temperature: 0.2,
    tools: [],
    top_p: 1,
    store: true,
    truncation: "disabled",
    text: { format: { type: "text" } },
    max_output_tokens: null,
    stream_options: null,
    prompt_cache_key: "a",
    safety_identifier: "b",
    user: "c",
    service_tier: "default",
    include: ["reasoning.encrypted_content"],
  });
  assert.ok(response.id);
  assert.ok((await create({ store: false, text: {} })).id);
});

Deno.test("a model that is no profile: 400, model_not_found, with the profiles' names", async () => {
  const error = await refusalOf(create({ model: "gpt-6.1-sol" }));
  assert.deepEqual([error.status, error.param, error.code], [400, "model", "model_not_found"]);
  assert.match(error.message, /default, plain, mail/);
});

for (
  const [what, body, param] of [
    ["no model", { input: "Hi" }, "model"],
    ["no input", { model: "plain" }, "input"],
    ["an empty input", { model: "plain", input: "" }, "input"],
    [
      "metadata that are no strings",
      { model: "plain", input: "Hi", metadata: { a: 1 } },
      "metadata.a",
    ],
    ["an unknown previous response", {
      model: "plain",
      input: "Hi",
      previous_response_id: "resp_123",
    }, "previous_response_id"],
    ["a name that every object has", { model: "plain", input: "Hi", toString: 1 }, "toString"],
    ["no JSON", "{", null],
  ] as const
) {
  Deno.test(`${what}: 400 in OpenAI's shape`, async () => {
    const answer = await fetch(`${theSdk().client.baseURL}/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${theSdk().stack.user.token}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const { error } = await answer.json();
    assert.equal(answer.status, 400);
    assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
    assert.deepEqual([error.param, error.type], [param, "invalid_request_error"]);
    assert.match(answer.headers.get("x-request-id") ?? "", /^req_/);
  });
}

Deno.test("no valid key: 401, invalid_api_key", async () => {
  for (const apiKey of ["sk-nonsense", theSdk().stack.stack.publishableKey]) {
    const client = theSdk().clientWith({ apiKey });
    const error = await refusalOf(client.responses.create({ model: "plain", input: "Hi" }));
    assert.deepEqual([error.status, error.code], [401, "invalid_api_key"]);
  }
});

Deno.test("somebody else's response is not found, for every call: 404", async () => {
  const { stack, clientWith } = theSdk();
  const { id } = await create({});
  const other = clientWith({ apiKey: (await stack.stack.createUser()).token }).responses;
  for (
    const act of [
      () => other.retrieve(id),
      () => other.retrieve(id, { stream: true }),
      () => other.cancel(id),
      () => other.delete(id),
      () => other.inputItems.list(id),
      () => other.retrieve("resp_none"),
    ]
  ) {
    const error = await refusalOf(act());
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.match(error.message, /^404 Response with id 'resp_\w+' not found$/);
  }
  const going = await refusalOf(
    other.create({ model: "plain", input: "And?", previous_response_id: id }),
  );
  assert.deepEqual([going.status, going.param], [400, "previous_response_id"]);
});

Deno.test("a response that is not final cannot be deleted: 409 that says why", async () => {
  const { client, stack } = theSdk();
  stack.openai.faults.set([{ kind: "stuck-in-progress", times: 1 }]);
  const { id } = await create({});
  const error = await refusalOf(client.responses.delete(id));
  assert.deepEqual([error.status, error.code], [409, "invalid_state"]);
  assert.match(error.message, /Cancel it first/);
  await client.responses.cancel(id);
  await client.responses.delete(id);
  const gone = await refusalOf(client.responses.retrieve(id));
  assert.equal(gone.status, 404);
});

for (const model of ["mail", "notes"]) {
  Deno.test(`a server's blind repeat of a create that may act twice is refused without a key: ${model}`, async () => {
    const { clientWith, stack } = theSdk();
    const before = await countJobs(stack.sql);
    let calls = 0;
    // The first request is accepted, but its answer is lost. The SDK sends it again.
    const client = clientWith({
      apiKey: stack.stack.secretKey,
      maxRetries: 2,
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        if (calls++ > 0) return answer;
        await answer.body?.cancel();
        throw new TypeError("connection lost");
      },
    });
    const send = (headers: Record<string, string>) =>
      client.responses.create({ model, input: "Hi", background: true }, { headers });
    const error = await refusalOf(send({}));
    assert.deepEqual([error.status, error.code], [409, "idempotency_key_required"]);
    assert.equal(calls, 2);
    assert.equal(await countJobs(stack.sql), before + 1);

    calls = 0;
    assert.ok((await send({ "Idempotency-Key": `lost-${model}` })).id);
    assert.equal(await countJobs(stack.sql), before + 2);
  });
}

Deno.test("an Idempotency-Key for another request: 409, which the SDK does not repeat", async () => {
  let calls = 0;
  const client = theSdk().clientWith({
    maxRetries: 2,
    fetch: (url, init) => {
      calls++;
      return fetch(url, init);
    },
  });
  const headers = { "Idempotency-Key": "reused" };
  await client.responses.create({ model: "plain", input: "one", background: true }, { headers });
  const error = await refusalOf(
    client.responses.create({ model: "plain", input: "two", background: true }, { headers }),
  );
  assert.deepEqual([error.status, error.code, calls], [409, "idempotency_key_reused", 2]);
});

for (
  const [what, act] of [
    [
      "chat completions",
      (client: OpenAI) => client.chat.completions.create({ model: "plain", messages: [] }),
    ],
    ["files", (client: OpenAI) => client.files.list()],
    ["conversations", (client: OpenAI) => client.conversations.create()],
    [
      "compact",
      (client: OpenAI) => client.responses.compact({ model: "gpt-6.1-sol", input: "Hi" }),
    ],
    ["input_tokens", (client: OpenAI) => client.responses.inputTokens.count({ input: "Hi" })],
  ] as const
) {
  Deno.test(`${what} is not offered: 404, unknown_url, and what is there instead`, async () => {
    const error = await refusalOf(act(theSdk().client));
    assert.deepEqual([error.status, error.code], [404, "unknown_url"]);
    assert.match(error.message, /Not offered here: .*There are POST \/v1\/responses/);
  });
}

Deno.test("a model is found by its name; one that is no profile is not: 404", async () => {
  const { client } = theSdk();
  assert.equal((await client.models.retrieve("mail")).id, "mail");
  const error = await refusalOf(client.models.retrieve("gpt-6.1-sol"));
  assert.deepEqual([error.status, error.code], [404, "model_not_found"]);
});

Deno.test("a browser may call: the preflight allows the SDK's own headers", async () => {
  const answer = await fetch(`${theSdk().client.baseURL}/responses`, {
    method: "OPTIONS",
    headers: {
      origin: "https://app.example",
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,X-Owner-Id,x-stainless-lang",
    },
  });
  assert.equal(answer.status, 204);
  assert.equal(
    answer.headers.get("access-control-allow-headers"),
    "authorization, x-stainless-lang",
  );
});
