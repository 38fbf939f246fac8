/** A response that asks for a person's yes and for a function of the caller's at once, in each library's own loop. */
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { tool as agentTool } from "@openai/agents";
// @ts-types="./support/ai.d.ts"
import { generateText, type ModelMessage, stepCountIs, streamText, tool as aiTool } from "ai";
import OpenAI from "openai";
import { z } from "zod";
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import {
  Agent,
  hostedMcpTool,
  MemorySession,
  OpenAIResponsesModel,
  run,
} from "./support/agents.ts";
import { type Person, sharedClients } from "./support/clients.ts";

const theClients = sharedClients();

const door = "2";
const both = [
  findEmail("invoice"),
  `call open_door {"door":"${door}"}`,
  replyToEmail("It is paid."),
].join("; ");
const prompt = `Open it and reply [[plan: ${both}]]`;
const answered = /open_door returned: it is open/;
const inputSchema = z.object({ door: z.string() });
const description = "Opens a door.";

/** The caller's function, and what it was called with. */
function opening() {
  const opened: string[] = [];
  return { opened, open: ({ door }: { door: string }) => (opened.push(door), "it is open") };
}

Deno.test("the openai SDK: both answers at once, and the connection breaks before the answer", async () => {
  const person = await theClients.newPerson();
  const client = new OpenAI(person);
  const asked = await client.responses.create({ model: "porter", input: prompt });
  const answers = asked.output.flatMap((item): OpenAI.Responses.ResponseInputItem[] => {
    if (item.type === "function_call") {
      return [{ type: "function_call_output", call_id: item.call_id, output: "it is open" }];
    }
    if (item.type !== "mcp_approval_request") return [];
    return [{ type: "mcp_approval_response", approval_request_id: item.id, approve: true }];
  });
  assert.equal(answers.length, 2);
  theClients().proxy.breakAnswers(1);
  const final = await client.responses.create({
    model: "porter",
    previous_response_id: asked.id,
    input: answers,
  });
  assert.equal(final.id, asked.id);
  assert.match(final.output_text, answered);
  await person.made({ jobs: 1, mails: 1 });
});

/** The AI SDK's tools: the mailbox, and the door, which the SDK opens itself or leaves to the app. */
function aiTools(person: Person, execute?: (input: { door: string }) => string) {
  const openai = createOpenAI(person);
  return {
    model: openai.responses("porter"),
    tools: {
      mailbox: openai.tools.mcp({
        serverLabel: "mailbox",
        serverUrl: "https://mail.example/mcp",
        requireApproval: { never: { toolNames: ["gmail_find_email"] } },
      }),
      open_door: aiTool({ description, inputSchema, ...(execute && { execute }) }),
    },
    stopWhen: stepCountIs(5),
  };
}

for (const store of [undefined, false]) {
  Deno.test(`the AI SDK: it runs its function by itself, and a person says yes later, with store ${store}`, async () => {
    const person = await theClients.newPerson();
    const { opened, open } = opening();
    const options = {
      ...aiTools(person, open),
      providerOptions: { openai: store === undefined ? {} : { store } },
    };
    const messages: ModelMessage[] = [{ role: "user", content: prompt }];
    const asked = await generateText({ ...options, messages });
    messages.push(...asked.responseMessages, yesesTo(asked.content));
    await person.made({ jobs: 1 });
    const final = await generateText({ ...options, messages });
    assert.match(final.text, answered);
    assert.deepEqual(opened, [door]);
    await person.made({ jobs: 1, mails: 1 });
    // The next turn has all of it in its history.
    messages.push(...final.responseMessages, { role: "user", content: "Thanks" });
    assert.ok((await generateText({ ...options, messages })).text.length > 0);
    assert.deepEqual(opened, [door]);
    await person.made({ jobs: 2, mails: 1 });
  });

  for (const yesFirst of [true, false]) {
    Deno.test(`the AI SDK: the app gives both, the ${yesFirst ? "yes" : "output"} first, with store ${store}`, async () => {
      const person = await theClients.newPerson();
      const options = {
        ...aiTools(person),
        providerOptions: { openai: store === undefined ? {} : { store } },
      };
      const messages: ModelMessage[] = [{ role: "user", content: prompt }];
      const asked = await generateText({ ...options, messages });
      const calls = asked.content.flatMap((part) =>
        part.type === "tool-call" && "toolName" in part && part.toolName === "open_door"
          ? [part]
          : []
      );
      assert.equal(calls.length, 1);
      const outputs = {
        role: "tool" as const,
        content: calls.map(({ toolCallId, toolName }) => ({
          type: "tool-result",
          toolCallId,
          toolName,
          output: { type: "text", value: "it is open" },
        })),
      };
      const answers = [yesesTo(asked.content), outputs];
      messages.push(...asked.response.messages, ...(yesFirst ? answers : answers.toReversed()));
      const { stream } = streamText({ ...options, messages });
      const parts = await Array.fromAsync(stream);
      assert.deepEqual(parts.filter(({ type }) => type === "error"), []);
      const text = parts.flatMap(({ type, text }) => type === "text-delta" ? [text] : []).join("");
      assert.match(text, answered);
      await person.made({ jobs: 1, mails: 1 });
    });
  }
}

for (const store of [undefined, false]) {
  Deno.test(`the AI SDK streams text before a call once, over all steps, with store ${store}`, async () => {
    const person = await theClients.newPerson();
    const { opened, open } = opening();
    const options = {
      ...aiTools(person, open),
      providerOptions: { openai: store === undefined ? {} : { store } },
    };
    const messages: ModelMessage[] = [];
    for (const turn of [1, 2]) {
      const look = `I look, turn ${turn}.`;
      const text = `Turn ${turn} [[plan: reason hm; text ${look}; ${both}]]`;
      messages.push({ role: "user", content: text });
      const asked = await streamed();
      assert.equal(asked.text, look);
      // A chat shows each part, so a second request for the same call would stay open.
      assert.equal(asked.requests, 1);
      messages.push(yesesTo(asked.content));
      const final = await streamed();
      assert.match(final.text, answered);
      assert.ok(!final.text.includes(look));
      assert.equal(opened.length, turn);
      await person.made({ jobs: turn, mails: turn });
    }

    /** All text that is shown, and what follows into the history. */
    async function streamed() {
      const result = streamText({ ...options, messages });
      const parts = await Array.fromAsync(result.stream);
      assert.deepEqual(parts.filter(({ type }) => type === "error"), []);
      messages.push(...await result.responseMessages);
      return {
        text: parts.flatMap(({ type, text }) => type === "text-delta" ? [text] : []).join(""),
        content: await result.content,
        requests: parts.filter(({ type }) => type === "tool-approval-request").length,
      };
    }
  });
}

function porter(person: Person, execute: (input: { door: string }) => string) {
  return new Agent({
    name: "Porter",
    model: new OpenAIResponsesModel(new OpenAI(person), "porter"),
    tools: [
      agentTool({ name: "open_door", description, parameters: inputSchema, execute }),
      hostedMcpTool({
        serverLabel: "mailbox",
        serverUrl: "https://mail.example/mcp",
        requireApproval: { never: { toolNames: ["gmail_find_email"] } },
      }),
    ],
  });
}

for (const kept of [false, true]) {
  Deno.test(`the Agents SDK: a function tool, and an approval${kept ? ", with a session" : ""}`, async () => {
    const person = await theClients.newPerson();
    const { opened, open } = opening();
    const agent = porter(person, open);
    const options = kept ? { session: new MemorySession() } : {};
    const asked = await run(agent, prompt, options);
    assert.equal(asked.interruptions.length, 1);
    await person.made({ jobs: 1 });
    for (const interruption of asked.interruptions) asked.state.approve(interruption);
    const final = await run(agent, asked.state, options);
    assert.match(String(final.finalOutput), answered);
    assert.deepEqual(opened, [door]);
    await person.made({ jobs: 1, mails: 1 });
  });
}

for (const streamed of [false, true]) {
  Deno.test(`the Agents SDK: three turns of a session, each with a function and an approval${streamed ? ", streamed" : ""}`, async () => {
    const person = await theClients.newPerson();
    const { opened, open } = opening();
    const agent = porter(person, open);
    const session = new MemorySession();
    for (const turn of [1, 2, 3]) {
      let result = await turnOf(`Turn ${turn}: ${prompt}`);
      for (const interruption of result.interruptions) result.state.approve(interruption);
      result = await turnOf(result.state);
      assert.match(String(result.finalOutput), answered);
      assert.equal(opened.length, turn);
      await person.made({ jobs: turn, mails: turn });
    }

    async function turnOf(input: string | Awaited<ReturnType<typeof run>>["state"]) {
      if (!streamed) return await run(agent, input, { session });
      const result = await run(agent, input, { session, stream: true });
      await result.completed;
      return result;
    }
  });
}

/** A person's yes to each request, each once, as an app's page sends them. */
function yesesTo(content: { type: string; approvalId?: string }[]): ModelMessage {
  const ids = new Set(
    content.flatMap(({ type, approvalId }) =>
      type === "tool-approval-request" && approvalId !== undefined ? [approvalId] : []
    ),
  );
  assert.equal(ids.size, 1);
  return {
    role: "tool",
    content: [...ids].map((approvalId) => ({
      type: "tool-approval-response",
      approvalId,
      approved: true,
      providerExecuted: true,
    })),
  };
}
