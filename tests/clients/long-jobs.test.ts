/** Jobs that take longer than a request may: no library makes a second one, and all of them can take the answer up. */
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { ChatOpenAI } from "@langchain/openai";
// @ts-types="./support/ai.d.ts"
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { eventually } from "../support/eventually.ts";
import { Agent, OpenAIResponsesModel, run } from "./support/agents.ts";
import { clientsForFile, type Person } from "./support/clients.ts";

const theClients = clientsForFile({ wallClockMs: 4_000 });

const question = "Reply to the invoice mail";

const asks: Record<string, (person: Person) => Promise<unknown>> = {
  "the openai SDK": (person) =>
    new OpenAI(person).responses.create({ model: "mail", input: question }),
  "the openai SDK, streaming": (person) =>
    new OpenAI(person).responses.stream({ model: "mail", input: question }).finalResponse(),
  "the AI SDK": (person) =>
    generateText({ model: createOpenAI(person).responses("mail"), prompt: question }),
  "the AI SDK, streaming": async (person) => {
    const { stream } = streamText({
      model: createOpenAI(person).responses("mail"),
      prompt: question,
      onError: () => {},
    });
    for await (const part of stream) if (part.type === "error") throw part.error;
  },
  "the Agents SDK": (person) => {
    const model = new OpenAIResponsesModel(new OpenAI(person), "mail");
    return run(new Agent({ name: "Clerk", model }), question);
  },
  LangChain: ({ baseURL, apiKey }) =>
    new ChatOpenAI({
      model: "mail",
      apiKey,
      useResponsesApi: true,
      configuration: { baseURL },
    }).invoke(question),
};

for (const [library, ask] of Object.entries(asks)) {
  Deno.test(`${library} stops with an error that names the response; there is one job and one mail`, async () => {
    const person = await theClients.newPerson();
    const { openai, stack: { mailbox } } = theClients().test;
    // Only requests end early: the run itself is at OpenAI, and the worker in front of the call for a moment.
    openai.faults.set([{ kind: "background-works" }]);
    mailbox.setDelay("gmail_reply_to_email", 5_000);
    try {
      const error = await ask(person).then(() => assert.fail("it was answered"), (error) => error);
      assert.match(String(error), /not finished|Cannot stream any longer|stream/, String(error));
      const id = await person.lastId() ?? "";
      const client = new OpenAI(person);
      await eventually(
        "the answer",
        () => client.responses.retrieve(id),
        ({ status }) => status === "completed",
      );
      await person.made({ jobs: 1, mails: 1 });
    } finally {
      mailbox.setDelay("gmail_reply_to_email", 0);
    }
  });
}
