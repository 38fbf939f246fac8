/** A function that the caller runs, in each library's own loop. Streamed, it is called once, and the answer follows. */
import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { shellTool, tool as agentTool } from "@openai/agents";
// @ts-types="./support/ai.d.ts"
import { generateText, stepCountIs, streamText, tool as aiTool } from "ai";
import OpenAI from "openai";
import { z } from "zod";
import { Agent, OpenAIResponsesModel, run } from "./support/agents.ts";
import { sharedClients } from "./support/clients.ts";

const theClients = sharedClients();

const door = "the one at the end of the corridor, behind the second staircase";
const question = `Open it [[plan: call open_door {"door":"${door}"}]]`;
const answered = "open_door returned: it is open.";
const input = z.object({ door: z.string() });
const description = "Opens a door.";

/** The caller's function, and what it was called with. */
function opening() {
  const opened: string[] = [];
  return { opened, open: ({ door }: { door: string }) => (opened.push(door), "it is open") };
}

Deno.test("the openai SDK: response by response", async () => {
  const person = await theClients.newPerson();
  const client = new OpenAI({ baseURL: person.baseURL, apiKey: person.apiKey });
  const asked = await client.responses.stream({ model: "door", input: question }).finalResponse();
  const calls = asked.output.filter((item) => item.type === "function_call");
  assert.deepEqual(calls.map(({ arguments: args }) => JSON.parse(args)), [{ door }]);
  const final = await client.responses.stream({
    model: "door",
    previous_response_id: asked.id,
    input: calls.map(({ call_id }) => ({
      type: "function_call_output",
      call_id,
      output: "it is open",
    })),
  }).finalResponse();
  assert.equal(final.output_text, answered);
  await person.made({ jobs: 1 });
});

Deno.test("the AI SDK: streamText with a tool of the caller's", async () => {
  const person = await theClients.newPerson();
  const { opened, open } = opening();
  const { stream } = streamText({
    model: createOpenAI({ baseURL: person.baseURL, apiKey: person.apiKey }).responses("door"),
    prompt: question,
    tools: { open_door: aiTool({ description, inputSchema: input, execute: open }) },
    stopWhen: stepCountIs(3),
  });
  const parts = await Array.fromAsync(stream);
  assert.deepEqual(parts.filter(({ type }) => type === "error"), []);
  const pieces = parts.filter(({ type }) => type === "tool-input-delta");
  assert.ok(pieces.length > 2, "its arguments come in pieces");
  assert.deepEqual(opened, [door]);
  const text = parts.flatMap(({ type, text }) => type === "text-delta" ? [text] : []).join("");
  assert.equal(text, answered);
  await person.made({ jobs: 1 });
});

for (const store of [undefined, false]) {
  Deno.test(`the AI SDK: OpenAI's shell and computer at the caller's, with store ${store}`, async () => {
    const person = await theClients.newPerson();
    const openai = createOpenAI({ baseURL: person.baseURL, apiKey: person.apiKey });
    const done: unknown[] = [];
    const { stream } = streamText({
      model: openai.responses("desk"),
      prompt:
        `Look [[plan: call shell {"commands":["ls"]}; call computer {"actions":[{"type":"screenshot"}]}]]`,
      tools: {
        shell: openai.tools.shell({
          execute: ({ action }) => {
            done.push(action.commands);
            const outcome = { type: "exit" as const, exitCode: 0 };
            return Promise.resolve({ output: [{ stdout: "a.txt", stderr: "", outcome }] });
          },
        }),
        computer: openai.tools.computer({
          execute: ({ actions }) => {
            done.push(actions.map(({ type }) => type));
            const imageUrl = `data:image/png;base64,${btoa("a screen")}`;
            return Promise.resolve({ output: { type: "computer_screenshot" as const, imageUrl } });
          },
        }),
      },
      providerOptions: { openai: store === undefined ? {} : { store } },
      stopWhen: stepCountIs(4),
    });
    const parts = await Array.fromAsync(stream);
    assert.deepEqual(parts.filter(({ type }) => type === "error"), []);
    assert.deepEqual(done, [["ls"], ["screenshot"]]);
    const text = parts.flatMap(({ type, text }) => type === "text-delta" ? [text] : []).join("");
    assert.match(text, /^shell returned: .*a\.txt.*computer returned: .*data:image/);
    await person.made({ jobs: 1 });
  });
}

Deno.test("the Agents SDK: an agent with a tool of the caller's, streamed", async () => {
  const person = await theClients.newPerson();
  const { opened, open } = opening();
  const client = new OpenAI({ baseURL: person.baseURL, apiKey: person.apiKey });
  const agent = new Agent({
    name: "Porter",
    model: new OpenAIResponsesModel(client, "door"),
    tools: [agentTool({ name: "open_door", description, parameters: input, execute: open })],
  });
  const result = await run(agent, question, { stream: true });
  await result.completed;
  assert.deepEqual([opened, result.finalOutput], [[door], answered]);
  await person.made({ jobs: 1 });
});

Deno.test("the Agents SDK: its shell, at the caller's", async () => {
  const person = await theClients.newPerson();
  const done: string[][] = [];
  const client = new OpenAI({ baseURL: person.baseURL, apiKey: person.apiKey });
  const shell = shellTool({
    shell: {
      run: ({ commands }) => {
        done.push(commands);
        const outcome = { type: "exit" as const, exitCode: 0 };
        return Promise.resolve({ output: [{ stdout: "a.txt", stderr: "", outcome }] });
      },
    },
  });
  const model = new OpenAIResponsesModel(client, "desk");
  const agent = new Agent({ name: "Porter", model, tools: [shell] });
  const result = await run(agent, '[[plan: call shell {"commands":["ls"]}]]', { stream: true });
  await result.completed;
  assert.deepEqual(done, [["ls"]]);
  assert.match(String(result.finalOutput), /^shell returned: .*a\.txt/);
  await person.made({ jobs: 1 });
});

Deno.test("LangChain: a model with a bound tool, streamed", async () => {
  const person = await theClients.newPerson();
  const model = new ChatOpenAI({
    model: "door",
    apiKey: person.apiKey,
    useResponsesApi: true,
    configuration: { baseURL: person.baseURL },
  }).bindTools([{ name: "open_door", description, schema: input }]);
  const asking = new HumanMessage(question);
  const chunks = await Array.fromAsync(await model.stream([asking]));
  assert.ok(chunks.filter(({ tool_call_chunks: pieces }) => pieces?.length).length > 2);
  const whole = chunks.reduce((sum, chunk) => sum.concat(chunk));
  assert.deepEqual(whole.tool_calls?.map(({ name, args }) => [name, args]), [["open_door", {
    door,
  }]]);
  const outputs =
    whole.tool_calls?.map(({ id = "" }) =>
      new ToolMessage({ tool_call_id: id, content: "it is open" })
    ) ?? [];
  assert.equal((await model.invoke([asking, whole, ...outputs])).text, answered);
  await person.made({ jobs: 1 });
});

const picture = btoa("\x89PNG a door");

/** The output that OpenAI was sent for the function of the last run. */
function sentPicture(): unknown {
  const { openai } = theClients().test;
  const { body } =
    openai.requests.findLast(({ method, path }) => method === "POST" && path === "/v1/responses") ??
      assert.fail();
  const { input } = Object(body);
  assert.ok(Array.isArray(input));
  return input.find(({ type }) => type === "function_call_output")?.output;
}

Deno.test("the AI SDK: a function that gives back a picture", async () => {
  const person = await theClients.newPerson();
  const { text } = await generateText({
    model: createOpenAI(person).responses("door"),
    prompt: question,
    tools: {
      open_door: aiTool({
        description,
        inputSchema: input,
        execute: () => picture,
        toModelOutput: () => ({
          type: "content",
          value: [
            { type: "text", text: "the door" },
            { type: "file", data: { type: "data", data: picture }, mediaType: "image/png" },
          ],
        }),
      }),
    },
    stopWhen: stepCountIs(3),
  });
  assert.ok(text.length > 0);
  assert.deepEqual(sentPicture(), [
    { type: "input_text", text: "the door" },
    { type: "input_image", image_url: `data:image/png;base64,${picture}` },
  ]);
  await person.made({ jobs: 1 });
});

Deno.test("the Agents SDK: a function that gives back a picture", async () => {
  const person = await theClients.newPerson();
  const agent = new Agent({
    name: "Porter",
    model: new OpenAIResponsesModel(new OpenAI(person), "door"),
    tools: [agentTool({
      name: "open_door",
      description,
      parameters: input,
      execute: () => ({ type: "image", image: { data: picture, mediaType: "image/png" } }),
    })],
  });
  assert.ok((await run(agent, question)).finalOutput);
  assert.deepEqual(sentPicture(), [{
    type: "input_image",
    image_url: `data:image/png;base64,${picture}`,
  }]);
  await person.made({ jobs: 1 });
});
