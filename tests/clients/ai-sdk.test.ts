/** The AI SDK, unchanged. It cannot cancel a response, so the openai SDK does that here. */
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
// @ts-types="./support/ai.d.ts"
import { APICallError, generateText, type ModelMessage, Output, RetryError, streamText } from "ai";
import OpenAI from "openai";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { downloadsOf, photoOf } from "../support/photo.ts";
import { type Person, sharedClients } from "./support/clients.ts";

const theClients = sharedClients();

const modelOf = ({ baseURL, apiKey }: Person, name: string) =>
  createOpenAI({ baseURL, apiKey }).responses(name);

const prompt = "Reply to the invoice mail";

Deno.test("generateText: one question, one answer, one mail", async () => {
  const person = await theClients.newPerson();
  const { text, finishReason } = await generateText({ model: modelOf(person, "mail"), prompt });
  assert.ok(text.length > 0);
  assert.equal(finishReason, "stop");
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("streamText: the text, and its end", async () => {
  const person = await theClients.newPerson();
  const { textStream, finishReason, text } = streamText({ model: modelOf(person, "mail"), prompt });
  const parts = await Array.fromAsync(textStream);
  assert.equal(parts.join(""), await text);
  assert.ok(parts.join("").length > 0);
  assert.equal(await finishReason, "stop");
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("the connection breaks before the answer: its own repeat gets the first job", async () => {
  const person = await theClients.newPerson();
  const { proxy } = theClients();
  const before = proxy.requests;
  proxy.breakAnswers(1);
  const { text } = await generateText({ model: modelOf(person, "mail"), prompt });
  assert.ok(text.length > 0);
  assert.equal(proxy.requests - before, 2);
  await person.made({ jobs: 1, mails: 1 });
});

for (const store of [undefined, false]) {
  Deno.test(`the second turn of a chat works, with store ${store}`, async () => {
    const person = await theClients.newPerson();
    const model = modelOf(person, "mail");
    const providerOptions = { openai: store === undefined ? {} : { store } };
    const messages: ModelMessage[] = [{ role: "user", content: prompt }];
    const first = await generateText({ model, messages, providerOptions });
    messages.push(...first.response.messages, { role: "user", content: "What did you do?" });
    const second = await generateText({ model, messages, providerOptions });
    assert.ok(second.text.length > 0);
    assert.match(JSON.stringify(theClients().test.openai.requests.at(-1)?.body), /invoice mail/);
  });
}

Deno.test("a photo and a document of 1.5 MB each, in both turns of a chat", async () => {
  const person = await theClients.newPerson();
  const model = modelOf(person, "open");
  const [photo, pdf] = [photoOf(1_500_000), photoOf(1_500_000)];
  const messages: ModelMessage[] = [{
    role: "user",
    content: [
      { type: "text", text: "What are these?" },
      { type: "file", mediaType: "image/png", data: photo },
      { type: "file", mediaType: "application/pdf", data: pdf, filename: "terms.pdf" },
    ],
  }];
  const first = await generateText({ model, messages });
  const { test } = theClients();
  assert.deepEqual([downloadsOf(test, photo), downloadsOf(test, pdf)], [1, 1]);
  messages.push(...first.response.messages, { role: "user", content: "And in French?" });
  await generateText({ model, messages });
  assert.deepEqual([downloadsOf(test, photo), downloadsOf(test, pdf)], [2, 2]);
  const [row] = await test.sql`
    select count(*)::int as files from durable_responses.sent_files where path like ${`${person.id}/%`}`;
  assert.equal(row?.["files"], 2);
});

Deno.test("a system prompt, as the profile lets callers give one", async () => {
  const person = await theClients.newPerson();
  const { text } = await generateText({
    model: modelOf(person, "open"),
    instructions: "Answer in French.",
    prompt: "Hi",
  });
  assert.ok(text.length > 0);
});

Deno.test("structured output", async () => {
  const person = await theClients.newPerson();
  const { output } = await generateText({
    model: modelOf(person, "open"),
    output: Output.object({ schema: z.object({ city: z.string(), sunny: z.boolean() }) }),
    prompt: "How is Rome?",
  });
  assert.equal(typeof output.sunny, "boolean");
});

Deno.test("structured output with the profile's own schema", async () => {
  const person = await theClients.newPerson();
  const { shape } = await import("./support/profiles.ts");
  const { output } = await generateText({
    model: modelOf(person, "shaped"),
    output: Output.object({ schema: shape }),
    prompt: "Find the invoice",
  });
  assert.equal(typeof output.subject, "string");
});

Deno.test("approval of a call: asked, answered, one mail; and the turn after it", async () => {
  const person = await theClients.newPerson();
  const openai = createOpenAI(person);
  const model = openai.responses("careful");
  const tools = {
    mailbox: openai.tools.mcp({
      serverLabel: "mailbox",
      serverUrl: "https://mail.example/mcp",
      requireApproval: { never: { toolNames: ["gmail_find_email"] } },
    }),
  };
  const messages: ModelMessage[] = [{ role: "user", content: prompt }];
  const asked = await generateText({ model, messages, tools });
  const requests = asked.content.filter((part) => part.type === "tool-approval-request");
  assert.equal(requests.length, 1);
  await person.made({ jobs: 1 });
  messages.push(...asked.response.messages, {
    role: "tool",
    content: requests.map(({ approvalId }) => ({
      type: "tool-approval-response",
      approvalId,
      approved: true,
      providerExecuted: true,
    })),
  });
  const answered = await generateText({ model, messages, tools });
  assert.ok(answered.text.length > 0);
  await person.made({ jobs: 1, mails: 1 });
  messages.push(...answered.response.messages, { role: "user", content: "Thanks" });
  assert.ok((await generateText({ model, messages, tools })).text.length > 0);
  await person.made({ jobs: 2, mails: 1 });
});

Deno.test("a no of a chat, which the AI SDK sends as a call's output too: accepted with its reason; and the turn after it", async () => {
  const person = await theClients.newPerson();
  const bodies: string[] = [];
  const openai = createOpenAI({
    ...person,
    fetch: (url, init) => {
      bodies.push(String(init?.body));
      return fetch(url, init);
    },
  });
  const model = openai.responses("careful");
  const tools = {
    mailbox: openai.tools.mcp({
      serverLabel: "mailbox",
      serverUrl: "https://mail.example/mcp",
      requireApproval: { never: { toolNames: ["gmail_find_email"] } },
    }),
  };
  const messages: ModelMessage[] = [{ role: "user", content: prompt }];
  const asked = await generateText({ model, messages, tools });
  const requests = asked.content.filter((part) => part.type === "tool-approval-request");
  assert.equal(requests.length, 1);
  // What convertToModelMessages() makes of addToolApprovalResponse({approved: false}).
  messages.push(...asked.response.messages, {
    role: "tool",
    content: requests.flatMap(({ approvalId, toolCall: { toolCallId, toolName } }) => [
      { type: "tool-approval-response", approvalId, approved: false, providerExecuted: true },
      {
        type: "tool-result",
        toolCallId,
        toolName,
        output: { type: "execution-denied", reason: "it is not ours" },
      },
    ]),
  });
  const answered = await generateText({ model, messages, tools });
  assert.ok(answered.text.length > 0);
  assert.match(
    JSON.stringify(theClients().test.openai.requests.at(-1)?.body),
    /"approve":false,"reason":"it is not ours"/,
  );
  assert.match(bodies.at(-1) ?? "", /"approve":false\},\{"type":"function_call_output"/);
  messages.push(...answered.response.messages, { role: "user", content: "Thanks" });
  assert.ok((await generateText({ model, messages, tools })).text.length > 0);
  await person.made({ jobs: 2, mails: 0 });
});

Deno.test("cancelled while it is awaited: it stops, and makes no other job", async () => {
  const person = await theClients.newPerson();
  const waiting = "Wait [[plan: sleep 60000ms; text Done]]";
  const error = thrownBy(generateText({ model: modelOf(person, "mail"), prompt: waiting }));
  const id = await eventually("the job", () => person.lastId(), (id) => id !== undefined);
  await new OpenAI(person).responses.cancel(id ?? "");
  assert.match((await error).message, /was cancelled/);
  await person.made({ jobs: 1 });
});

Deno.test("a failed job: its message, once", async () => {
  const person = await theClients.newPerson();
  const { openai } = theClients().test;
  openai.faults.set([{ kind: "quota", times: 2 }]);
  try {
    const error = await thrownBy(generateText({ model: modelOf(person, "open"), prompt: "Hi" }));
    assert.match(error.message, /quota/i);
    await person.made({ jobs: 1 });
  } finally {
    openai.faults.clear();
  }
});

Deno.test("a job that needs a review: its message, and no second job", async () => {
  const person = await theClients.newPerson();
  theClients().test.stack.mailbox.fail({ tool: "gmail_reply_to_email", when: "die", times: 1 });
  const error = await thrownBy(generateText({ model: modelOf(person, "mail"), prompt }));
  assert.match(error.message, /person must decide/);
  const parts = await Array.fromAsync(
    streamText({ model: modelOf(person, "mail"), prompt, onError: () => {} }).stream,
  );
  assert.ok(parts.some((part) => part.type === "error"), "the stream says why it has no text");
  await person.made({ jobs: 1, mails: 1 });
});

/** The error of the last request. */
async function thrownBy(act: PromiseLike<unknown>): Promise<Error> {
  try {
    await act;
  } catch (error) {
    if (RetryError.isInstance(error)) assert.fail(`it was repeated: ${error.message}`);
    if (APICallError.isInstance(error)) return error;
    if (error instanceof Error) return error;
    throw error;
  }
  assert.fail("it was answered");
}

Deno.test("an image that OpenAI cannot reach: refused once, with its place, and no job", async () => {
  const person = await theClients.newPerson();
  const { proxy } = theClients();
  const before = proxy.requests;
  const image = {
    type: "file" as const,
    mediaType: "image/png",
    data: new URL("http://127.0.0.1:1/a.png"),
  };
  const messages: ModelMessage[] = [{
    role: "user",
    content: [{ type: "text", text: "What is this?" }, image],
  }];
  await assert.rejects(
    generateText({ model: modelOf(person, "open"), messages }),
    /'input\[0\]\.content\[1\]\.image_url'.*must be public, but is 127\.0\.0\.1/,
  );
  assert.equal(proxy.requests, before + 1);
  await person.made({ jobs: 0 });
});
