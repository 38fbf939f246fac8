/** The request that OpenAI gets for a plan with servers that the worker calls. */
import assert from "node:assert/strict";
import {
  defineProfiles,
  mcp,
  type Profile,
  secret,
  type WorkerServer,
} from "../../../supabase/functions/_durable_responses/mod.ts";
import { planFor } from "../../../supabase/functions/_durable_responses/profiles/plan.ts";
import { EffectRules } from "../../../supabase/functions/_durable_responses/tools/effect-rules.ts";
import { ToolsUnavailable } from "../../../supabase/functions/_durable_responses/tools/mcp/tools-unavailable.ts";
import {
  namedTools,
  runnableTools,
} from "../../../supabase/functions/_durable_responses/tools/own/runnable-tools.ts";
import { forFile } from "../../support/for-file.ts";
import { setEnvironment } from "../support/environment.ts";
import { startTroubleServer } from "./support/trouble-server.ts";

const theServer = forFile(async (parts) => {
  const trouble = await startTroubleServer();
  parts.defer(() => trouble.stop());
  setEnvironment(parts, {
    SUPABASE_URL: "https://abc.supabase.co",
    SUPABASE_SECRET_KEYS: '{"default":"sb_secret_of_the_test"}',
    DURABLE_RESPONSES_MCP_HOSTS: "127.0.0.1",
    TROUBLE_URL: trouble.url,
    TROUBLE_TOKEN: "token-of-the-plan-test",
  });
  return trouble;
});

const object = { type: "object" } as const;
const tool = (name: string) => ({ name, inputSchema: object });
const never = new AbortController().signal;

const trouble = {
  server_label: "trouble",
  server_url: secret("TROUBLE_URL"),
  authorization: secret("TROUBLE_TOKEN"),
  run_by: "worker" as const,
};

/** Each has its own token, because lists are cached by address and credential. */
async function planWith(more: Partial<Profile>, server: Partial<WorkerServer> = {}) {
  const headers = { "x-test": crypto.randomUUID() };
  const profiles = defineProfiles<Record<string, Profile>>({
    default: {
      model: "gpt-6.1-sol",
      tools: [mcp({ ...trouble, headers, ...server }), { type: "web_search" }],
      ...more,
    },
  });
  return await planFor(profiles, { profile: "default", input: "hello", request: null });
}

Deno.test("OpenAI is sent functions beside its own tools, and nothing of the server", async () => {
  const server = theServer();
  server.pages = [[tool("look"), tool("files.read")]];
  const plan = await planWith({});
  assert.equal(plan.servers[0]?.headers["authorization"], "Bearer token-of-the-plan-test");
  assert.deepEqual(plan.body.tools?.map(({ type }) => type), ["web_search"]);
  const tools = await runnableTools(plan, new EffectRules({}), never);
  assert.deepEqual(tools.body.tools?.map(({ type }) => type), [
    "web_search",
    "function",
    "function",
  ]);
  assert.ok(!JSON.stringify(tools.body).includes("127.0.0.1"));
  assert.ok(!JSON.stringify(tools.body).includes("token-of-the-plan-test"));
  assert.deepEqual([tools.find("trouble__look")?.server, tools.find("trouble__look")?.tool], [
    "trouble",
    "look",
  ]);
  await tools.close();
});

Deno.test("allowed_tools by name, and by whether they only read", async () => {
  theServer().pages = [[
    { ...tool("look"), annotations: { readOnlyHint: true } },
    tool("send"),
    tool("drop"),
  ]];
  const cases: [NonNullable<WorkerServer["allowed_tools"]>, string[]][] = [
    [["look", "send"], ["look", "send"]],
    [{ tool_names: ["drop"] }, ["drop"]],
    [{ read_only: true }, ["look"]],
    [{ read_only: false }, ["send", "drop"]],
    [{ read_only: true, tool_names: ["send"] }, []],
  ];
  for (const [allowed_tools, offered] of cases) {
    const plan = await planWith({}, { allowed_tools });
    const tools = await runnableTools(plan, new EffectRules({}), never);
    const names = tools.body.tools?.flatMap(({ name }) => name ?? []);
    assert.deepEqual(names, offered.map((name) => `trouble__${name}`));
    await tools.close();
  }
});

Deno.test("tool_choice of the server is one of its functions", async () => {
  theServer().pages = [[tool("look"), tool("send")]];
  const server = { type: "mcp", server_label: "trouble" } as const;
  const look = { type: "function", name: "trouble__look" } as const;
  const send = { type: "function", name: "trouble__send" } as const;
  const cases = [
    ["required", "required"],
    [{ ...server, name: "look" }, look],
    [server, { type: "allowed_tools", mode: "required", tools: [look, send] }],
    [
      { type: "allowed_tools", mode: "auto", tools: [{ ...server }, { type: "web_search" }] },
      { type: "allowed_tools", mode: "auto", tools: [look, send, { type: "web_search" }] },
    ],
    [{ ...server, name: "nothing" }, { ...server, name: "nothing" }],
    [{ type: "mcp", server_label: "other" }, { type: "mcp", server_label: "other" }],
  ] as const;
  for (const [choice, expected] of cases) {
    const plan = await planWith({});
    const tools = await runnableTools(
      { ...plan, body: { ...plan.body, tool_choice: choice } },
      new EffectRules({}),
      never,
    );
    assert.deepEqual(tools.body["tool_choice"], expected);
    await tools.close();
  }
});

Deno.test("200 tools are more than a request can have: the job fails, and says so", async () => {
  const server = theServer();
  server.pages = Array.from(
    { length: 4 },
    (_, page) => Array.from({ length: 50 }, (_, at) => tool(`tool_${page}_${at}`)),
  );
  const plan = await planWith({});
  await assert.rejects(runnableTools(plan, new EffectRules({}), never), (error: Error) => {
    assert.ok(error instanceof ToolsUnavailable);
    assert.equal(error.failure.code, "too_many_tools");
    assert.match(error.message, /Cannot offer 201 tools: a request can have at most 128/);
    return true;
  });
  const some = await planWith({}, { allowed_tools: ["tool_0_0", "tool_3_49"] });
  const tools = await runnableTools(some, new EffectRules({}), never);
  assert.equal(tools.body.tools?.length, 3);
  await tools.close();
});

Deno.test("whoever makes no call asks no server, and knows tools by their names", async () => {
  const server = theServer();
  const before = server.requests.length;
  const plan = await planWith({ side_effects: { "trouble.look": "none" } });
  const effects = new EffectRules(plan.sideEffects);
  const { find } = await namedTools(plan, effects);
  assert.deepEqual([find("trouble__look")?.tool, effects.effectOf("trouble", "look")], [
    "look",
    "none",
  ]);
  assert.equal(find("trouble__files_read_0123abcd")?.tool, "trouble__files_read_0123abcd");
  assert.equal(find("other__look"), undefined);
  assert.equal(server.requests.length, before);
});

Deno.test("a whole request may have such a server too, by references to secrets of a profile", async () => {
  theServer().pages = [[tool("look")]];
  const profiles = defineProfiles<Record<string, Profile>>({
    default: { model: "gpt-6.1-sol", tools: [mcp(trouble)] },
  });
  const request = { model: "gpt-6.1-sol", input: "hello", tools: [mcp(trouble)] };
  const plan = await planFor(profiles, { profile: "default", input: null, request });
  assert.deepEqual(plan.servers.map(({ label, url }) => [label, url]), [[
    "trouble",
    theServer().url,
  ]]);
  assert.deepEqual(plan.body.tools, []);
});
