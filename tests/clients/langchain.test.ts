/**
 * LangChain, unchanged. It cannot cancel a response, so the openai SDK does that here. It sends the answer to a request for
 * approval as part of a message.
 */
import assert from "node:assert/strict";
import {
  AIMessage,
  type AIMessageChunk,
  type BaseMessage,
  HumanMessage,
  SystemMessage,
} from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { Buffer } from "node:buffer";
import OpenAI from "openai";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { downloadsOf, photoOf } from "../support/photo.ts";
import { type Person, sharedClients } from "./support/clients.ts";

const theClients = sharedClients();

const modelOf = ({ baseURL, apiKey }: Person, model: string) =>
  new ChatOpenAI({ model, apiKey, useResponsesApi: true, configuration: { baseURL } });

const question = "Reply to the invoice mail";

Deno.test("invoke: one question, one answer, one mail", async () => {
  const person = await theClients.newPerson();
  const { text } = await modelOf(person, "mail").invoke(question);
  assert.ok(text.length > 0);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("stream: the text, and its end", async () => {
  const person = await theClients.newPerson();
  const parts: string[] = [];
  for await (const { text } of await modelOf(person, "mail").stream(question)) parts.push(text);
  assert.ok(parts.join("").length > 0);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("the connection breaks before the answer: its own repeat gets the first job", async () => {
  const person = await theClients.newPerson();
  theClients().proxy.breakAnswers(1);
  const { text } = await modelOf(person, "mail").invoke(question);
  assert.ok(text.length > 0);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("a photo of 1.5 MB", async () => {
  const person = await theClients.newPerson();
  const photo = photoOf(1_500_000);
  const url = `data:image/jpeg;base64,${Buffer.from(photo).toString("base64")}`;
  await modelOf(person, "open").invoke([
    new HumanMessage({
      content: [{ type: "text", text: "What is this?" }, { type: "image_url", image_url: { url } }],
    }),
  ]);
  assert.equal(downloadsOf(theClients().test, photo), 1);
});

Deno.test("the second turn, with a system message", async () => {
  const person = await theClients.newPerson();
  const model = modelOf(person, "mail");
  const messages: BaseMessage[] = [
    new SystemMessage("You look after the mailbox."),
    new HumanMessage(question),
  ];
  const answer = await model.invoke(messages);
  assert.ok(answer instanceof AIMessage || answer.text.length > 0);
  const second = await model.invoke([...messages, answer, new HumanMessage("What did you do?")]);
  assert.ok(second.text.length > 0);
  await person.made({ jobs: 2, mails: 1 });
});

for (const profile of ["open", "shaped"]) {
  Deno.test(`withStructuredOutput, of the profile '${profile}'`, async () => {
    const person = await theClients.newPerson();
    const shape = z.object({ found: z.boolean(), subject: z.string() });
    const model = modelOf(person, profile).withStructuredOutput(shape, { method: "jsonSchema" });
    const { subject } = await model.invoke("Find the invoice");
    assert.equal(typeof subject, "string");
  });
}

const itemsSchema = z.array(z.looseObject({ type: z.string(), id: z.string() }));

/** The library keeps them beside the text. */
function requestsOf({ additional_kwargs }: AIMessage) {
  return itemsSchema.parse(additional_kwargs["tool_outputs"])
    .filter(({ type }) => type === "mcp_approval_request");
}

Deno.test("approval of a call: asked, answered, one mail", async () => {
  const person = await theClients.newPerson();
  const model = modelOf(person, "careful");
  const asked = await model.invoke(question);
  await person.made({ jobs: 1 });
  const requests = requestsOf(asked);
  assert.equal(requests.length, 1);
  const yes = requests.map(({ id }) => ({
    type: "mcp_approval_response",
    approval_request_id: id,
    approve: true,
  }));
  const answered = await model.invoke([new HumanMessage({ content: yes })], {
    previous_response_id: String(asked.response_metadata["id"]),
  });
  assert.ok(answered.text.length > 0);
  await person.made({ jobs: 1, mails: 1 });
});

for (const streamed of [false, true]) {
  for (const approve of [true, false]) {
    Deno.test(`a ${approve ? "yes" : "no"} in the whole conversation${streamed ? ", streamed" : ""}, and the turn after it`, async () => {
      const person = await theClients.newPerson();
      const model = modelOf(person, "careful");
      const say = async (messages: BaseMessage[]): Promise<AIMessage> => {
        if (!streamed) return await model.invoke(messages);
        let whole: AIMessageChunk | undefined;
        for await (const chunk of await model.stream(messages)) {
          whole = whole ? whole.concat(chunk) : chunk;
        }
        return whole ?? assert.fail("nothing was streamed");
      };
      const messages: BaseMessage[] = [new HumanMessage(question)];
      const asked = await say(messages);
      const answers = requestsOf(asked).map(({ id }) => ({
        type: "mcp_approval_response",
        approval_request_id: id,
        approve,
      }));
      assert.equal(answers.length, 1);
      messages.push(asked, new HumanMessage({ content: answers }));
      const answered = await say(messages);
      assert.ok(answered.text.length > 0);
      await person.made({ jobs: 1, mails: approve ? 1 : 0 });
      messages.push(answered, new HumanMessage("Thanks"));
      assert.ok((await say(messages)).text.length > 0);
      await person.made({ jobs: 2, mails: approve ? 1 : 0 });
    });
  }
}

Deno.test("cancelled while it is awaited: it stops, and makes no other job", async () => {
  const person = await theClients.newPerson();
  const waiting = "Wait [[plan: sleep 60000ms; text Done]]";
  const running = assert.rejects(() => modelOf(person, "mail").invoke(waiting), /was cancelled/);
  const id = await eventually("the job", () => person.lastId(), (id) => id !== undefined);
  await new OpenAI(person).responses.cancel(id ?? "");
  await running;
  await person.made({ jobs: 1 });
});

Deno.test("a failed job: its message, and no other job", async () => {
  const person = await theClients.newPerson();
  const { openai } = theClients().test;
  openai.faults.set([{ kind: "quota", times: 2 }]);
  try {
    await assert.rejects(() => modelOf(person, "open").invoke("Hi"), /quota/i);
    await person.made({ jobs: 1 });
  } finally {
    openai.faults.clear();
  }
});

Deno.test("a job that needs a review: its message, and no second job", async () => {
  const person = await theClients.newPerson();
  theClients().test.stack.mailbox.fail({ tool: "gmail_reply_to_email", when: "die", times: 1 });
  await assert.rejects(() => modelOf(person, "mail").invoke(question), /person must decide/);
  await person.made({ jobs: 1, mails: 1 });
});
