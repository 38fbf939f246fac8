/** Jobs that take longer than a request may: no library creates a second one, and each can still get the answer. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { ChatOpenAI } from "@langchain/openai";
// @ts-types="./support/ai.d.ts"
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { eventually } from "../support/eventually.ts";
import { Agent, OpenAIResponsesModel, run } from "./support/agents.ts";
import { clientsForFile, type Person } from "./support/clients.ts";

const theClients = clientsForFile({ wallClockMs: 12_000 });

/** Four calls of 3 s and one more: longer than a request may last, with boundaries to hand over in between. */
const question = `Reply to the invoice mail [[plan: ${findEmail("invoice")}; ${
  findEmail("overdue")
}; ${findEmail("payment")}; ${findEmail("Halden")}; ${replyToEmail("It is paid.")}]]`;
const callMs = 3_000;

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

Deno.test("each library stops with an error that names the response; there is one job and one mail for each", async () => {
  const { mailbox } = theClients().test.stack;
  mailbox.setDelay("gmail_find_email", callMs);
  // All at once, so that the test takes only as long as one.
  await Promise.all(
    Object.entries(asks).map(async ([library, ask]) => {
      const person = await theClients.newPerson();
      const error = await ask(person).then(
        () => assert.fail(`${library} was answered`),
        (error) => error,
      );
      assert.match(String(error), /not finished|Cannot stream any longer/, library);
      const id = await person.lastId() ?? "";
      const client = new OpenAI(person);
      const { status, error: failure } = await eventually(
        `the end of what ${library} asked`,
        () => client.responses.retrieve(id),
        ({ status }) => status !== "in_progress" && status !== "queued",
        { timeoutMs: 120_000, everyMs: 500 },
      );
      assert.deepEqual([library, status, failure?.message], [library, "completed", undefined]);
      assert.equal(await person.jobs(), 1, library);
    }),
  );
  assert.equal(mailbox.sent.length, Object.keys(asks).length);
});
