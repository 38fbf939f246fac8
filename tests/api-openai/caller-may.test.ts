/** What a profile leaves to its callers, and what no caller may have. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { refusalOf } from "./support/refusal.ts";
import { sentFor, sharedSdk } from "./support/sdk.ts";

const theSdk = sharedSdk();
type Params = Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>;

const create = (more: Params, client = theSdk().client) =>
  client.responses.create({ model: "free", input: "Hi", ...more });

const sent = (response: { id: string }) => sentFor(theSdk().stack, response);

Deno.test("a user's instructions and system messages become messages of the user", async () => {
  const response = await create({
    instructions: "Answer in French.",
    input: [
      { role: "system", content: "Be rude." },
      { role: "developer", content: "Obey." },
      { role: "user", content: "Hi" },
    ],
  });
  const { instructions, input } = sent(response);
  assert.equal(instructions, "Be brief.");
  assert.deepEqual(
    input,
    ["Answer in French.", "Be rude.", "Obey.", "Hi"].map((content) => ({ role: "user", content })),
  );
});

Deno.test("instructions that come with each turn stand in the conversation once", async () => {
  const instructions = "Answer in French.";
  const { id } = await create({ instructions });
  const second = await create({ instructions, previous_response_id: id, input: "And?" });
  const text = JSON.stringify(sent(second)["input"]);
  assert.equal(text.split(instructions).length, 2);
});

Deno.test("a shape, reasoning and a lower limit go to OpenAI, in each run", async () => {
  const { stack } = theSdk();
  stack.openai.faults.set([{ kind: "background-fails", times: 1 }]);
  const format = {
    type: "json_schema" as const,
    name: "answer",
    schema: {
      type: "object",
      properties: { ok: { type: "boolean" } },
      required: ["ok"],
      additionalProperties: false,
    },
    strict: true,
  };
  const response = await create({
    text: { format },
    reasoning: { effort: "low" },
    max_output_tokens: 500,
  });
  assert.equal(typeof JSON.parse(response.output_text).ok, "boolean");
  const { text, reasoning, max_output_tokens, background } = sent(response);
  assert.deepEqual(
    { text, reasoning, max_output_tokens, background: background ?? false },
    { text: { format }, reasoning: { effort: "low" }, max_output_tokens: 500, background: false },
  );
});

for (
  const [what, more, param] of [
    ["a higher limit", { max_output_tokens: 1_001 }, "max_output_tokens"],
    ["a limit that is no number", { max_output_tokens: 0 }, "max_output_tokens"],
    ["what the profile does not leave to them", { temperature: 0.1 }, "temperature"],
    ["a tool that the profile has not", { tools: [{ type: "web_search" }] }, "tools[0]"],
    ["another server", {
      tools: [{ type: "mcp", server_label: "bank", server_url: "https://bank.example/mcp" }],
    }, "tools[0].server_label"],
    ["a credential", {
      tools: [{
        type: "mcp",
        server_label: "mailbox",
        server_url: "https://mail.example/mcp",
        headers: { Authorization: "Bearer x" },
      }],
    }, "tools[0].headers"],
    ["a tool that the profile does not allow", {
      tools: [{
        type: "mcp",
        server_label: "mailbox",
        server_url: "https://mail.example/mcp",
        allowed_tools: ["gmail_delete_all"],
      }],
    }, "tools[0].allowed_tools"],
  ] satisfies [string, Params, string][]
) {
  Deno.test(`${what} is refused: 400 with param`, async () => {
    const error = await refusalOf(create(more));
    assert.deepEqual([error.status, error.param], [400, param]);
  });
}

for (
  const [what, choice, param] of [
    ["a function that is not there", { type: "function", name: "nope" }, "tool_choice.name"],
    [
      "a server that is not there",
      { type: "mcp", server_label: "bank" },
      "tool_choice.server_label",
    ],
    ["a tool that the profile does not allow", {
      type: "mcp",
      server_label: "mailbox",
      name: "gmail_delete_all",
    }, "tool_choice.name"],
    ["a kind of tool that is not there", { type: "web_search_preview" }, "tool_choice.type"],
    ["one of several that is not there", {
      type: "allowed_tools",
      mode: "auto",
      tools: [{ type: "mcp", server_label: "mailbox" }, { type: "function", name: "nope" }],
    }, "tool_choice.tools[1].name"],
    ["no mode", "sometimes", "tool_choice"],
  ] as const
) {
  Deno.test(`tool_choice: ${what}: 400 with param, and nothing is sent`, async () => {
    const input = crypto.randomUUID();
    // Some of these are not in OpenAI's types.
    const tool_choice = choice as unknown as Params["tool_choice"] & object;
    const error = await refusalOf(create({ model: "chooses", tool_choice, input }));
    assert.deepEqual([error.status, error.param], [400, param], error.message);
    const { requests } = theSdk().stack.openai;
    assert.ok(!requests.some(({ body }) => JSON.stringify(body ?? null).includes(input)));
  });
}

Deno.test("tool_choice: what the profile has passes", async () => {
  for (
    const tool_choice of [
      "required",
      { type: "function", name: "note" },
      { type: "mcp", server_label: "mailbox", name: "gmail_find_email" },
    ] as const
  ) {
    assert.equal((await create({ model: "chooses", tool_choice })).status, "completed");
  }
});

Deno.test("the profile's own functions may be named as the server that answers show them with, and not narrowed", async () => {
  const functions = {
    type: "mcp",
    server_label: "functions",
    server_url: "https://f.invalid",
  } as const;
  const ask = (tool: object, model = "notes") =>
    create({ model, tools: [{ ...functions, ...tool }], input: "[[plan: call note {}]] Note it" });
  const { output } = await ask({ require_approval: "never" });
  assert.deepEqual(output.map(({ type }) => type), ["mcp_call", "message"]);
  for (const narrower of [{ require_approval: "always" }, { allowed_tools: ["note"] }]) {
    const [field] = Object.keys(narrower);
    assert.equal((await refusalOf(ask(narrower))).param, `tools[0].${field}`);
  }
  assert.equal((await refusalOf(ask({}, "mail"))).param, "tools[0].server_label");
});

const mailbox = {
  type: "mcp",
  server_label: "mailbox",
  server_url: "https://mine.example/mcp",
} as const;

Deno.test("tools that name what the profile has pass, and stay the profile's", async () => {
  const response = await create({ tools: [{ ...mailbox, require_approval: "never" }] });
  const text = JSON.stringify(sent(response)["tools"]);
  assert.ok(text.includes("gmail_reply_to_email") && !text.includes("mine.example"));
});

Deno.test("a caller may narrow a server: fewer tools, and a person asked before each call", async () => {
  const { stack } = theSdk();
  const before = stack.stack.mailbox.sent.length;
  const narrowed = await create({
    input: "Reply to the invoice mail",
    tools: [{ ...mailbox, allowed_tools: ["gmail_find_email"] }],
  });
  assert.ok(!JSON.stringify(sent(narrowed)["tools"]).includes("gmail_reply_to_email"));
  const asked = await create({
    input: "Reply to the invoice mail, please",
    tools: [{ ...mailbox, require_approval: "always" }],
  });
  assert.ok(asked.output.some(({ type }) => type === "mcp_approval_request"));
  assert.equal(stack.stack.mailbox.sent.length, before);
});

Deno.test("the profile's own schema passes, whatever its title and descriptions are", async () => {
  const { client } = theSdk();
  const { zodTextFormat } = await import("openai/helpers/zod");
  const { shape } = await import("./support/profiles.ts");
  const own = zodTextFormat(shape, "mine");
  const described = {
    ...own,
    name: "theirs",
    description: "What was found",
    schema: {
      $schema: "http://json-schema.org/draft-07/schema#",
      title: "Found",
      ...own.schema,
      description: "What was found",
    },
  };
  const ask = (format: typeof described, input: string) =>
    client.responses.create({ model: "shaped", input, text: { format } });
  assert.equal((await ask(described, "Find it")).status, "completed");
  const other = { ...described, schema: { ...described.schema, required: [] } };
  assert.equal((await refusalOf(ask(other, "Find it"))).param, "text");
});

Deno.test("an answer changes no setting: the same values pass, others are 400 with param", async () => {
  const { stack } = theSdk();
  const settings: Params = {
    max_output_tokens: 500,
    reasoning: { effort: "low" },
    tools: [{ ...mailbox, require_approval: "always" }],
  };
  const input = `Reply to the invoice mail ${crypto.randomUUID()}`;
  let { id, output } = await create({ ...settings, input });
  const before = stack.stack.mailbox.sent.length;
  const answer = (more: Params) => {
    const requests = output.filter(({ type }) => type === "mcp_approval_request");
    return create({
      previous_response_id: id,
      input: requests.map((request) => ({
        type: "mcp_approval_response" as const,
        approval_request_id: request.id ?? "",
        approve: true,
      })),
      ...more,
    });
  };
  const others: Params[] = [
    { max_output_tokens: 400 },
    { reasoning: { effort: "high" } },
    { text: { verbosity: "low" } },
    { tools: [{ ...mailbox, require_approval: "always", allowed_tools: ["gmail_find_email"] }] },
  ];
  for (const other of others) {
    const [param] = Object.keys(other);
    const error = await refusalOf(answer({ ...settings, ...other }));
    assert.deepEqual([error.status, error.code, error.param], [400, "invalid_value", param]);
    assert.match(error.message, /continues with the settings of its first request/);
  }
  assert.equal(stack.stack.mailbox.sent.length, before);
  // Each call asks once more.
  ({ id, output } = await answer({ ...settings, instructions: "Be kind." }));
  ({ id, output } = await answer({}));
  assert.equal(output.at(-1)?.type, "message");
  assert.equal(stack.stack.mailbox.sent.length, before + 1);
});
