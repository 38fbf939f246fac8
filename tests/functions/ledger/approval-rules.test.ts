import type { SideEffects } from "../../../supabase/functions/_durable_responses/model/step.ts";
import assert from "node:assert/strict";
import {
  askBeforeOnce,
  asksPerson,
} from "../../../supabase/functions/_durable_responses/tools/approval-rules.ts";
import { EffectRules } from "../../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import { requestSchema } from "../../../supabase/functions/_durable_responses/model/request.ts";

const toolsListed = {
  type: "mcp_list_tools",
  server_label: "mailbox",
  tools: [
    { name: "find", annotations: { readOnlyHint: true } },
    { name: "file", annotations: { idempotentHint: true } },
    { name: "reply" },
  ],
};

interface Case {
  name: string;
  tool: Record<string, unknown>;
  rules?: SideEffects;
  listed?: boolean;
  /** What is sent as require_approval. */
  sent: unknown;
}

const readOnly = { never: { read_only: true } };
const cases: Case[] = [
  { name: "of an unknown server all but what only reads", tool: {}, sent: readOnly },
  {
    name: "of a listed server all but what is harmless",
    tool: {},
    listed: true,
    sent: { never: { tool_names: ["find", "file"] } },
  },
  {
    name: "a rule counts before there is a list",
    tool: {},
    rules: { "mailbox.reply": "idempotent" },
    sent: { never: { tool_names: ["reply"] } },
  },
  {
    name: "a rule counts for more than what the server says",
    tool: {},
    rules: { find: "once" },
    listed: true,
    sent: { never: { tool_names: ["file"] } },
  },
  {
    name: "a tool that the profile calls once asks, whatever its server will say",
    tool: {},
    rules: { find: "once" },
    sent: { ...readOnly, always: { tool_names: ["find"] } },
  },
  {
    name: "of a server that is narrowed to no tool as of any, since some APIs read it so",
    tool: { allowed_tools: [] },
    sent: readOnly,
  },
  {
    name: "nothing, where only harmless tools are allowed",
    tool: { allowed_tools: ["find"] },
    rules: { find: "none" },
    sent: "never",
  },
  {
    name: "nothing, where only reading is allowed",
    tool: { allowed_tools: { read_only: true } },
    sent: "never",
  },
  {
    name: "all, where nothing that is listed is harmless",
    tool: { allowed_tools: ["reply"] },
    listed: true,
    sent: "always",
  },
  {
    name: "what a person is to be asked stays asked",
    tool: { require_approval: "always" },
    sent: "always",
  },
  {
    name: "of tools named as free only those that just read",
    tool: { require_approval: { never: { tool_names: ["find", "reply"] } } },
    sent: { never: { tool_names: ["find", "reply"], read_only: true } },
  },
  {
    name: "a person is still asked for a harmless tool that the profile names",
    tool: {
      require_approval: { always: { tool_names: ["file"] }, never: { tool_names: ["find"] } },
    },
    listed: true,
    sent: { never: { tool_names: ["find"] } },
  },
];

for (const { name, tool, rules, listed, sent } of cases) {
  Deno.test(`asks before: ${name}`, () => {
    const effects = new EffectRules(rules ?? {});
    if (listed) effects.learn(toolsListed);
    const mcp = { type: "mcp", server_label: "mailbox", require_approval: "never", ...tool };
    const other = { type: "web_search" };
    const guarded = askBeforeOnce(requestSchema.parse({ tools: [mcp, other] }), effects);
    assert.deepEqual(guarded.tools, [{ ...mcp, require_approval: sent }, other]);
  });
}

Deno.test("a person is asked where the request says so, and where it says nothing", () => {
  const effects = new EffectRules({});
  effects.learn(toolsListed);
  const asks = (require_approval: unknown, name: string) => {
    const request = requestSchema.parse({
      tools: [{ type: "mcp", server_label: "mailbox", require_approval }],
    });
    return asksPerson(request, "mailbox", name, effects);
  };
  assert.equal(asks(undefined, "reply"), true);
  assert.equal(asks("always", "reply"), true);
  assert.equal(asks("never", "reply"), false);
  assert.equal(asks({ never: { tool_names: ["reply"] } }, "reply"), false);
  assert.equal(asks({ never: { tool_names: ["reply"] } }, "find"), true);
  assert.equal(asks({ never: { read_only: true } }, "find"), false);
  assert.equal(asks({ never: { read_only: true } }, "reply"), true);
  assert.equal(
    asks({ always: { tool_names: ["reply"] }, never: { tool_names: ["reply"] } }, "reply"),
    true,
  );
});

Deno.test("a rule for a tool that no server lists is told, unless the request does not allow the tool", () => {
  const effects = new EffectRules({
    "mail.find": "none",
    "mail.send": "once",
    "mail.sned": "once",
  });
  assert.deepEqual(effects.unknownRules(), []);
  effects.learn({
    type: "mcp_list_tools",
    id: "mcpl_1",
    server_label: "mail",
    tools: [{ name: "find", input_schema: {} }],
  });
  assert.deepEqual(effects.unknownRules(), ["mail.send", "mail.sned"]);
  const server = { type: "mcp", server_label: "mail" };
  assert.deepEqual(effects.unknownRules([{ ...server, allowed_tools: ["find", "sned"] }]), [
    "mail.sned",
  ]);
  assert.deepEqual(
    effects.unknownRules([{ ...server, allowed_tools: { tool_names: ["find"] } }]),
    [],
  );
});
