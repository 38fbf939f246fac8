/** One thing asked is one job: the same question again, before its answer is known to be read, gets the same response. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { jobIdOf } from "../../supabase/functions/_durable_responses/model/ids.ts";
import { advance } from "../support/job-state.ts";
import { countJobs } from "../support/jobs.ts";
import { refusalOf } from "./support/refusal.ts";
import { polled, type Sdk, sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();

/** A client of a new user, so that tests do not share questions. */
async function newUser(): Promise<{ client: OpenAI; sdk: Sdk; id: string; token: string }> {
  const sdk = theSdk();
  const { id, token } = await sdk.stack.stack.createUser();
  return { client: sdk.clientWith({ apiKey: token }), sdk, id, token };
}

const question = { model: "mail", input: "Reply to the invoice mail" } as const;

type Answer = OpenAI.Responses.Response;

const joined = ({ response }: { response: Response }) => response.headers.get("x-response-joined");

// First, because jobs of other tests could meet the fault.
Deno.test("needs review: a create is a 400 with the id, a stream ends with an error event", async () => {
  const { client, sdk } = await newUser();
  sdk.stack.stack.mailbox.fail({ tool: "gmail_reply_to_email", when: "die", times: 1 });
  const error = await refusalOf(client.responses.create(question));
  assert.deepEqual([error.status, error.code], [400, "response_needs_review"]);
  const id = error.headers?.get("x-response-id") ?? "";
  assert.equal((await polled(client, id)).status, "incomplete");
  const streamed = await refusalOf(
    Array.fromAsync(await client.responses.create({ ...question, stream: true })),
  );
  assert.equal(streamed.code, "response_needs_review");
  assert.ok(streamed.message.includes(id));
});

Deno.test("two at once are one response and one mail; the answer says which one joined", async () => {
  const { client, sdk } = await newUser();
  const { sent } = sdk.stack.stack.mailbox;
  const before = sent.length;
  const both = await Promise.all(
    [1, 2].map(() => client.responses.create(question).withResponse()),
  );
  assert.equal(new Set(both.map(({ data }) => data.id)).size, 1);
  assert.deepEqual(both.map(joined).toSorted(), [null, "true"].toSorted());
  assert.equal(sent.length, before + 1);
});

Deno.test("the SDK's own repeat, after the connection broke, gets the first response", async () => {
  const { sdk, token } = await newUser();
  const before = sdk.stack.stack.mailbox.sent.length;
  let calls = 0;
  const client = sdk.clientWith({
    apiKey: token,
    maxRetries: 2,
    fetch: async (url, init) => {
      const answer = await fetch(url, init);
      if (calls++ > 0) return answer;
      await answer.body?.cancel();
      throw new TypeError("connection lost");
    },
  });
  const { data, response } = await client.responses.create(question).withResponse();
  assert.deepEqual([data.status, joined({ response }), calls], ["completed", "true", 2]);
  assert.equal(sdk.stack.stack.mailbox.sent.length, before + 1);
});

Deno.test("an answer that was sent to the end, and never arrived: its repeat is no second mail", async () => {
  const { sdk, token } = await newUser();
  const { sent } = sdk.stack.stack.mailbox;
  for (const stream of [true, false]) {
    const before = sent.length;
    let calls = 0;
    const client = sdk.clientWith({
      apiKey: token,
      maxRetries: 2,
      // As through a proxy that has read the whole answer, and then dies.
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        if (calls++ > 0) return answer;
        assert.match(await answer.text(), /response.completed|"completed"/);
        throw new TypeError("connection lost");
      },
    });
    const asked = { ...question, input: `Reply to the invoice mail, stream: ${stream}` };
    if (stream) {
      const { data, response } = await client.responses.create({ ...asked, stream }).withResponse();
      assert.equal((await Array.fromAsync(data)).at(-1)?.type, "response.completed");
      assert.equal(joined({ response }), "true");
    } else {
      const { data, response } = await client.responses.create(asked).withResponse();
      assert.deepEqual([data.status, joined({ response })], ["completed", "true"]);
    }
    assert.deepEqual([calls, sent.length], [2, before + 1]);
  }
});

Deno.test("a connection that dies unnoticed: the SDK's late repeat gets the first response, a late question a new one", async () => {
  const { client, sdk } = await newUser();
  const { sent } = sdk.stack.stack.mailbox;
  const before = sent.length;
  const first = await client.responses.create(question);
  await advance(sdk.stack.sql, jobIdOf(first.id) ?? "", 11 * 60_000);
  const repeat = await client.responses.create(question, {
    headers: { "x-stainless-retry-count": "1" },
  }).withResponse();
  assert.deepEqual([repeat.data.id, joined(repeat)], [first.id, "true"]);
  assert.equal(sent.length, before + 1);
  assert.notEqual((await client.responses.create(question)).id, first.id);
});

Deno.test("a repeat after the response was deleted is no second mail: it is told so, and no library repeats it", async () => {
  const { client, sdk, token } = await newUser();
  const { sent } = sdk.stack.stack.mailbox;
  for (const headers of [{}, { "Idempotency-Key": "the same" }]) {
    const before = sent.length;
    const asked = { ...question, input: `Reply to the invoice mail ${JSON.stringify(headers)}` };
    let calls = 0;
    const repeating = sdk.clientWith({
      apiKey: token,
      maxRetries: 3,
      // The answer never arrives. Meanwhile it is deleted in another tab.
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        if (calls++ > 0) return answer;
        const id = answer.headers.get("x-response-id") ?? "";
        await answer.text();
        await client.responses.delete(id);
        throw new TypeError("connection lost");
      },
    });
    const error = await refusalOf(repeating.responses.create(asked, { headers }));
    assert.deepEqual([error.status, error.code, calls], [400, "response_deleted", 2]);
    assert.match(
      error.message,
      /response resp_[0-9a-f]{32} has ended and was deleted.*Idempotency-Key/,
    );
    assert.doesNotMatch(error.message, /job/i);
    assert.equal(sent.length, before + 1);
    // Whoever asks anew means it.
    const { data, response } = await client.responses.create(asked).withResponse();
    assert.deepEqual([data.status, joined({ response })], ["completed", null]);
    assert.equal(sent.length, before + 2);
  }
});

Deno.test("a response that failed and did nothing is not joined: trying again works at once", async () => {
  const { client, sdk } = await newUser();
  const { openai, stack: { mailbox } } = sdk.stack;
  const ask = () => client.responses.create(question).withResponse();
  openai.faults.set([{ kind: "http-error", status: 400, code: "invalid_prompt", times: 1 }]);
  const failed = await ask();
  assert.deepEqual([failed.data.status, joined(failed)], ["failed", null]);
  const before = mailbox.sent.length;
  const again = await ask();
  assert.deepEqual([again.data.status, joined(again)], ["completed", null]);
  assert.equal(mailbox.sent.length, before + 1);
});

for (
  const [how, take] of [
    ["retrieved", async (client: OpenAI, { id }: Answer) => {
      await client.responses.retrieve(id);
    }],
    ["retrieved as a stream", async (client: OpenAI, { id }: Answer) => {
      await Array.fromAsync(await client.responses.retrieve(id, { stream: true }));
    }],
    ["continued from", async (client: OpenAI, { id }: Answer) => {
      await client.responses.create({ model: "mail", input: "Thanks", previous_response_id: id });
    }],
    ["continued from by its items", async (client: OpenAI, { output }: Answer) => {
      const item = output.findLast(({ type }) => type === "message");
      await client.responses.create({
        model: "mail",
        input: [{ type: "item_reference", id: item?.id ?? "" }, {
          role: "user",
          content: "Thanks",
        }],
      });
    }],
  ] as const
) {
  Deno.test(`once the answer was ${how}, the same question is a new one`, async () => {
    const { client } = await newUser();
    const first = await client.responses.create(question);
    assert.equal((await client.responses.create(question)).id, first.id);
    await take(client, first);
    assert.notEqual(
      (await client.responses.create({ ...question, background: true })).id,
      first.id,
    );
  });
}

Deno.test("what is not final yet is not taken by a look at it", async () => {
  const { client, sdk } = await newUser();
  sdk.stack.openai.faults.set([{ kind: "stuck-in-progress", times: 1 }]);
  const { id } = await client.responses.create({ ...question, background: true });
  assert.equal((await client.responses.retrieve(id)).id, id);
  assert.equal((await client.responses.create({ ...question, background: true })).id, id);
  await client.responses.cancel(id);
});

Deno.test("two users with the same question never meet", async () => {
  const [one, other] = [await newUser(), await newUser()];
  const ids = await Promise.all(
    [one, other].map(async ({ client }) =>
      (await client.responses.create({ ...question, background: true })).id
    ),
  );
  assert.equal(new Set(ids).size, 2);
});

Deno.test("without tools that may act, and with a key, each question is a new response", async () => {
  const { client, sdk } = await newUser();
  const before = await countJobs(sdk.stack.sql);
  const ask = (model: string, headers = {}) =>
    client.responses.create({ model, input: "Hi", background: true }, { headers });
  await ask("plain");
  await ask("plain");
  await ask("mail", { "Idempotency-Key": "one" });
  await ask("mail", { "Idempotency-Key": "two" });
  assert.equal(await countJobs(sdk.stack.sql), before + 4);
});

Deno.test("a server that acts for a user joins that user's response, and only that", async () => {
  const { client, sdk, id: owner } = await newUser();
  const server = (defaultHeaders: Record<string, string>) =>
    sdk.clientWith({ apiKey: sdk.stack.stack.secretKey, defaultHeaders });
  const { id } = await client.responses.create({ ...question, background: true });
  const ask = (client: OpenAI) => client.responses.create({ ...question, background: true });
  assert.equal((await ask(server({ "x-owner-id": owner }))).id, id);
  assert.notEqual((await ask(server({ "x-owner-id": crypto.randomUUID() }))).id, id);
  assert.notEqual((await ask(server({}))).id, id);
});

Deno.test("cancelled while it is awaited: 400 with the id, and the same again is no new job", async () => {
  const { client, sdk } = await newUser();
  sdk.stack.openai.faults.set([{ kind: "stuck-in-progress", times: 1 }]);
  const { id } = await client.responses.create({ ...question, background: true });
  const waiting = refusalOf(client.responses.create(question));
  await client.responses.cancel(id);
  const error = await waiting;
  assert.deepEqual([error.status, error.code, error.headers?.get("x-response-id")], [
    400,
    "response_cancelled",
    id,
  ]);
  assert.equal((await refusalOf(client.responses.create(question))).code, "response_cancelled");
});
