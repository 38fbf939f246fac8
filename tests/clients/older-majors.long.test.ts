/** Older major versions of the libraries, each installed by npm into an empty folder and used there. Needs a registry. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../packages/dev/processes.ts";
import { sharedClients } from "./support/clients.ts";

const theClients = sharedClients();

/** Prints `{texts}`: of an answer, of a stream, of the turn after the answer, and of one after a function's call. */
const openaiProgram = `
import OpenAI from "openai";

const [baseURL, apiKey] = Deno.args;
const client = new OpenAI({ baseURL, apiKey });
const input = "Reply to the invoice mail";
const first = await client.responses.create({ model: "mail", input });
const streamed = [];
for await (const event of await client.responses.create({ model: "open", input: "Hi", stream: true })) {
  if (event.type === "response.output_text.delta") streamed.push(event.delta);
}
const second = await client.responses.create({
  model: "mail", input: "What did you do?", previous_response_id: first.id,
});
// The helper, with the caller's function: the stream of the answer leaves out the call that was answered.
const door = '[[plan: call open_door {"door":"at the end of the corridor"}]] Open it';
const asked = await client.responses.stream({ model: "door", input: door }).finalResponse();
const outputs = asked.output.filter(({ type }) => type === "function_call").map(({ call_id }) => (
  { type: "function_call_output", call_id, output: "open" }
));
const opened = await client.responses.stream({
  model: "door", previous_response_id: asked.id, input: outputs,
}).finalResponse();
// These helpers give no output_text.
const [message] = opened.output;
console.log(JSON.stringify({
  texts: [first.output_text, streamed.join(""), second.output_text, message.content[0].text],
}));
`;

/** Prints `{texts}`: of an answer, of a stream, and of the turn after the answer. */
const aiProgram = `
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";

const [baseURL, apiKey] = Deno.args;
const openai = createOpenAI({ baseURL, apiKey });
const model = openai.responses("mail");
const messages = [{ role: "user", content: "Reply to the invoice mail" }];
const first = await generateText({ model, messages });
const { textStream } = streamText({ model: openai.responses("open"), prompt: "Hi" });
const streamed = (await Array.fromAsync(textStream)).join("");
messages.push(...first.response.messages, { role: "user", content: "What did you do?" });
const second = await generateText({ model, messages });
console.log(JSON.stringify({ texts: [first.text, streamed, second.text] }));
`;

/** Streams, because in an answer without streaming, this version cannot read an MCP server's call, not even OpenAI's. */
const streamingProgram = aiProgram
  .replace(
    "await generateText({ model, messages });",
    "streamText({ model, messages }); await first.text;",
  )
  .replace("first.response.messages", "(await first.response).messages")
  .replace("first.text, streamed", "await first.text, streamed");

const majors: [packages: string[], program: string][] = [
  [["openai@6.49.0"], openaiProgram],
  [["openai@5.23.2"], openaiProgram],
  [["openai@4.104.0"], openaiProgram],
  [["ai@6.0.325", "@ai-sdk/openai@3.0.141", "zod@4.6.7"], aiProgram],
  [["ai@5.0.277", "@ai-sdk/openai@2.0.130", "zod@4.6.7"], streamingProgram],
];

for (const [packages, program] of majors) {
  Deno.test(`${packages.join(" with ")}: answer, stream and second turn; its repeat after a broken connection is no second job`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "older-" });
    try {
      await Deno.writeTextFile(join(folder, "package.json"), `{"type": "module"}`);
      await Deno.writeTextFile(join(folder, "program.js"), program);
      const env = { ...Deno.env.toObject(), NPM_CONFIG_LOGLEVEL: "error" };
      await runProcess({
        name: "npm install",
        command: "npm",
        args: ["install", "--ignore-scripts", ...packages],
        cwd: folder,
        env,
      });
      const person = await theClients.newPerson();
      theClients().proxy.breakAnswers(1);
      const { stdout } = await runProcess({
        name: "program",
        command: findDeno(),
        args: [
          "run",
          "--quiet",
          "--no-check",
          "--node-modules-dir=manual",
          "-A",
          "program.js",
          person.baseURL,
          person.apiKey,
        ],
        cwd: folder,
      });
      const { texts } = JSON.parse(stdout);
      assert.ok(texts.every((text: string) => text.length > 0), stdout);
      await person.made({ jobs: texts.length, mails: 1 });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
