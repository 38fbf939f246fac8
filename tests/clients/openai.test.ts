/** The openai SDK, unchanged, with its own defaults: it retries automatically. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { type Person, sharedClients } from "./support/clients.ts";

const theClients = sharedClients();

const clientOf = ({ baseURL, apiKey }: Person) => new OpenAI({ baseURL, apiKey });
const question = { model: "mail", input: "Reply to the invoice mail" } as const;

Deno.test("text: one question, one answer, one mail", async () => {
  const person = await theClients.newPerson();
  const { output_text } = await clientOf(person).responses.create(question);
  assert.ok(output_text.length > 0);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("stream: the text as it comes, and its end", async () => {
  const person = await theClients.newPerson();
  const stream = clientOf(person).responses.stream(question);
  const parts: string[] = [];
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") parts.push(event.delta);
  }
  assert.ok(parts.length > 1);
  assert.equal(parts.join(""), (await stream.finalResponse()).output_text);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("the connection breaks before the answer, twice: its own repeats get the first job", async () => {
  const person = await theClients.newPerson();
  theClients().proxy.breakAnswers(2);
  const { output_text } = await clientOf(person).responses.create(question);
  assert.ok(output_text.length > 0);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("a stream whose connection breaks before it begins is the first job's", async () => {
  const person = await theClients.newPerson();
  theClients().proxy.breakAnswers(1);
  const response = await clientOf(person).responses.stream(question).finalResponse();
  assert.equal(response.status, "completed");
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("with idempotencyHeader the SDK's repeats carry one key, and each question one of its own", async () => {
  const person = await theClients.newPerson();
  class Keyed extends OpenAI {
    override idempotencyHeader = "Idempotency-Key";
  }
  const client = new Keyed(person);
  theClients().proxy.breakAnswers(1);
  const first = await client.responses.create(question);
  const second = await client.responses.create(question);
  assert.notEqual(first.id, second.id);
  await person.made({ jobs: 2, mails: 2 });
});

Deno.test("a conversation, by previous_response_id and by the items themselves", async () => {
  const person = await theClients.newPerson();
  const client = clientOf(person);
  const first = await client.responses.create(question);
  for (
    const more of [
      { previous_response_id: first.id, input: "What did you do?" },
      {
        input: [
          { role: "user" as const, content: question.input },
          ...first.output as OpenAI.Responses.ResponseInputItem[],
          { role: "user" as const, content: "What did you do, then?" },
        ],
      },
    ]
  ) {
    const next = await client.responses.create({ model: "mail", ...more });
    assert.equal(next.status, "completed");
  }
  await person.made({ jobs: 3, mails: 1 });
});

Deno.test("responses.parse() with a shape of the caller's", async () => {
  const person = await theClients.newPerson();
  const { output_parsed } = await clientOf(person).responses.parse({
    model: "open",
    input: "How is Rome?",
    text: { format: zodTextFormat(z.object({ city: z.string(), sunny: z.boolean() }), "weather") },
  });
  assert.equal(typeof output_parsed?.sunny, "boolean");
});

Deno.test("cancelled while it is awaited: it stops, and makes no other job", async () => {
  const person = await theClients.newPerson();
  const client = clientOf(person);
  const wait = { model: "mail", input: "Wait [[plan: sleep 60000ms; text Done]]" };
  const running = assert.rejects(client.responses.create(wait), {
    status: 400,
    code: "response_cancelled",
  });
  const id = await eventually("the job", () => person.lastId(), (id) => id !== undefined);
  assert.equal((await client.responses.cancel(id ?? "")).status, "cancelled");
  await running;
  await person.made({ jobs: 1 });
});

Deno.test("a failed job: its code and message, and no other job", async () => {
  const person = await theClients.newPerson();
  const { openai } = theClients().test;
  openai.faults.set([{ kind: "quota", times: 2 }]);
  try {
    const { status, error } = await clientOf(person).responses.create({
      model: "open",
      input: "Hi",
    });
    assert.deepEqual([status, error?.code], ["failed", "openai_quota_exceeded"]);
    await person.made({ jobs: 1 });
  } finally {
    openai.faults.clear();
  }
});

Deno.test("an approval whose answer's connection breaks is given once", async () => {
  const person = await theClients.newPerson();
  const client = clientOf(person);
  const asked = await client.responses.create({ ...question, model: "careful" });
  const requests = asked.output.filter((item) => item.type === "mcp_approval_request");
  theClients().proxy.breakAnswers(1);
  const answered = await client.responses.create({
    model: "careful",
    previous_response_id: asked.id,
    input: requests.map(({ id }) => ({
      type: "mcp_approval_response",
      approval_request_id: id,
      approve: true,
    })),
  });
  assert.deepEqual([answered.id, answered.status], [asked.id, "completed"]);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("a request for approval, asked for twice, answered twice, and asked for once more: one job, one mail", async () => {
  const person = await theClients.newPerson();
  const client = new OpenAI(person);
  const asked = { ...question, model: "careful" };
  const first = await client.responses.create(asked);
  const events = await Array.fromAsync(await client.responses.create({ ...asked, stream: true }));
  const last = events.at(-1);
  assert.ok(last?.type === "response.completed" && last.response.id === first.id);
  const yes = {
    model: "careful",
    previous_response_id: first.id,
    input: first.output.flatMap((item) =>
      item.type === "mcp_approval_request"
        ? [{ type: "mcp_approval_response" as const, approval_request_id: item.id, approve: true }]
        : []
    ),
  };
  const both = await Promise.all([1, 2].map(() => client.responses.create(yes)));
  assert.deepEqual(
    both.map(({ id, status }) => [id, status]),
    [1, 2].map(() => [first.id, "completed"]),
  );
  assert.equal((await client.responses.create(asked)).id, first.id);
  await person.made({ jobs: 1, mails: 1 });
});
