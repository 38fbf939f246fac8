/** The Agents SDK, unchanged. It cannot cancel a response, so the openai SDK does that here. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import {
  Agent,
  hostedMcpTool,
  MemorySession,
  OpenAIResponsesModel,
  run,
} from "./support/agents.ts";
import { type Person, sharedClients } from "./support/clients.ts";

const theClients = sharedClients();

const modelOf = ({ baseURL, apiKey }: Person, name: string) =>
  new OpenAIResponsesModel(new OpenAI({ baseURL, apiKey }), name);

const question = "Reply to the invoice mail";

const clerk = (person: Person) =>
  new Agent({
    name: "Clerk",
    instructions: "You look after the mailbox.",
    model: modelOf(person, "mail"),
    tools: [hostedMcpTool({ serverLabel: "mailbox", serverUrl: "https://mail.example/mcp" })],
  });

Deno.test("one question to an agent with instructions and the profile's own server: one mail", async () => {
  const person = await theClients.newPerson();
  const { finalOutput } = await run(clerk(person), question);
  assert.ok((finalOutput ?? "").length > 0);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("streamed: the text, and its end", async () => {
  const person = await theClients.newPerson();
  const result = await run(clerk(person), question, { stream: true });
  const parts = await Array.fromAsync(result.toTextStream());
  await result.completed;
  assert.equal(parts.join(""), result.finalOutput);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("the connection breaks before the answer: its own repeat gets the first job", async () => {
  const person = await theClients.newPerson();
  theClients().proxy.breakAnswers(1);
  const { finalOutput } = await run(clerk(person), question);
  assert.ok((finalOutput ?? "").length > 0);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("the second turn of a session works", async () => {
  const person = await theClients.newPerson();
  const session = new MemorySession();
  await run(clerk(person), question, { session });
  const { finalOutput } = await run(clerk(person), "What did you do?", { session });
  assert.ok((finalOutput ?? "").length > 0);
  await person.made({ jobs: 2, mails: 1 });
});

Deno.test("structured output", async () => {
  const person = await theClients.newPerson();
  const agent = new Agent({
    name: "Weather",
    instructions: "Say how the weather is.",
    model: modelOf(person, "open"),
    outputType: z.object({ city: z.string(), sunny: z.boolean() }),
  });
  const { finalOutput } = await run(agent, "How is Rome?");
  assert.equal(typeof finalOutput?.sunny, "boolean");
});

Deno.test("approval of a call: asked, answered, one mail", async () => {
  const person = await theClients.newPerson();
  const agent = new Agent({
    name: "Clerk",
    instructions: "You look after the mailbox.",
    model: modelOf(person, "careful"),
    tools: [
      hostedMcpTool({
        serverLabel: "mailbox",
        serverUrl: "https://mail.example/mcp",
        requireApproval: { never: { toolNames: ["gmail_find_email"] } },
      }),
    ],
  });
  const asked = await run(agent, question);
  assert.equal(asked.interruptions.length, 1);
  await person.made({ jobs: 1 });
  for (const interruption of asked.interruptions) asked.state.approve(interruption);
  const answered = await run(agent, asked.state);
  assert.ok((answered.finalOutput ?? "").length > 0);
  await person.made({ jobs: 1, mails: 1 });
});

Deno.test("a function of the profile that asks a person: named as the server 'functions', and called once", async () => {
  const person = await theClients.newPerson();
  const agent = new Agent({
    name: "Clerk",
    model: modelOf(person, "pays"),
    tools: [hostedMcpTool({ serverLabel: "functions", serverUrl: "https://functions.invalid" })],
  });
  const session = new MemorySession();
  const asked = await run(agent, '[[plan: call refund {"order":"7"}]] Pay it back', { session });
  assert.equal(asked.interruptions.length, 1);
  for (const interruption of asked.interruptions) asked.state.approve(interruption);
  const answered = await run(agent, asked.state, { session });
  assert.match(answered.finalOutput ?? "", /order 7 is paid back/);
  await person.made({ jobs: 1 });
  const next = await run(agent, "Thanks", { session });
  assert.ok((next.finalOutput ?? "").length > 0);
  await person.made({ jobs: 2 });
});

Deno.test("cancelled while it is awaited: it stops, and makes no other job", async () => {
  const person = await theClients.newPerson();
  const agent = new Agent({ name: "Clerk", model: modelOf(person, "mail") });
  const running = thrownBy(run(agent, "Wait [[plan: sleep 60000ms; text Done]]"));
  const id = await eventually("the job", () => person.lastId(), (id) => id !== undefined);
  await new OpenAI(person).responses.cancel(id ?? "");
  assert.match(String(await running), /was cancelled/);
  await person.made({ jobs: 1 });
});

Deno.test("a failed job: an error, and no other job", async () => {
  const person = await theClients.newPerson();
  const { openai } = theClients().test;
  openai.faults.set([{ kind: "quota", times: 2 }]);
  try {
    const agent = new Agent({ name: "Plain", model: modelOf(person, "open") });
    await thrownBy(run(agent, "Hi"));
    await person.made({ jobs: 1 });
  } finally {
    openai.faults.clear();
  }
});

async function thrownBy(act: Promise<unknown>): Promise<unknown> {
  try {
    await act;
  } catch (error) {
    return error;
  }
  assert.fail("it was answered");
}

Deno.test("the profile's server twice, with different rules: refused once, and no job that drops the stricter rule", async () => {
  const person = await theClients.newPerson();
  const { proxy } = theClients();
  const before = proxy.requests;
  const server = { serverLabel: "mailbox", serverUrl: "https://mail.example/mcp" };
  const agent = new Agent({
    name: "Clerk",
    model: modelOf(person, "mail"),
    tools: [hostedMcpTool({ ...server, requireApproval: "always" }), hostedMcpTool(server)],
  });
  await assert.rejects(run(agent, question), /'tools\[1\]\.server_label'.*named twice/);
  assert.equal(proxy.requests, before + 1);
  await person.made({ jobs: 0 });
});

Deno.test("a handoff that the profile does not know: refused once, by its name", async () => {
  const person = await theClients.newPerson();
  const { proxy } = theClients();
  const before = proxy.requests;
  const model = modelOf(person, "mail");
  const agent = new Agent({ name: "Desk", model, handoffs: [new Agent({ name: "Clerk", model })] });
  await assert.rejects(run(agent, question), /no function "transfer_to_Clerk"/);
  assert.equal(proxy.requests, before + 1);
  await person.made({ jobs: 0 });
});
