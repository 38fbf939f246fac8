/** Profiles for tests of tools that we run. Each tool writes a row of public.notes each time that it acts. */
import { z } from "zod";
import {
  defineProfiles,
  type Profile,
  secret,
  sqlTool,
  tool,
  type ToolContext,
  ToolError,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const quick = {
  model: "gpt-6.1-terra",
  budgets: {
    accept_ms: 5_000,
    background_ms: 60_000,
    attempt_ms: 30_000,
    stall_ms: 10_000,
    deadline_ms: 600_000,
  },
  retry: { max_attempts: 3, backoff_base_ms: 1, backoff_cap_ms: 1 },
} satisfies Profile;

const note = z.object({ body: z.string() });

/** Acts on every call, so that the rows show a call that was made twice. */
async function act(name: string, body: string, ctx: ToolContext): Promise<string> {
  const { error } = await ctx.supabaseAdmin.from("notes").insert({
    tool: name,
    body,
    owner_id: ctx.ownerId,
    key: ctx.idempotencyKey,
  });
  if (error) throw new ToolError(error.message);
  return `noted ${body}`;
}

const once = tool({
  name: "send",
  description: "Sends a note.",
  inputSchema: note,
  execute: ({ body }, ctx) => act("send", body, ctx),
});
const harmless = tool({
  name: "look",
  description: "Looks a note up.",
  inputSchema: note,
  effect: "none",
  execute: ({ body }, ctx) => act("look", body, ctx),
});
const repeatable = tool({
  name: "put",
  description: "Puts a note where it belongs.",
  inputSchema: note,
  effect: "idempotent",
  execute: ({ body }, ctx) => act("put", body, ctx),
});
const odd = [
  tool({
    name: "lazy",
    description: "Is loaded when it is needed.",
    inputSchema: z.object({ a: z.number(), b: z.number().optional() }),
    effect: "none",
    execute: () => import("./lazy-tool.ts"),
  }),
  tool({
    name: "slow",
    description: "Takes long.",
    inputSchema: z.object({}),
    effect: "none",
    timeoutMs: 100,
    execute: (_, { signal }) =>
      new Promise((resolve) => signal.addEventListener("abort", () => resolve("late"))),
  }),
  tool({
    name: "slow_put",
    description: "Puts something there, and takes too long.",
    inputSchema: note,
    effect: "idempotent",
    timeoutMs: 1_000,
    execute: async ({ body }, ctx) => {
      await act("slow_put", body, ctx);
      return await new Promise((resolve) =>
        ctx.signal.addEventListener("abort", () => resolve("late"))
      );
    },
  }),
  tool({
    name: "slow_send",
    description: "Takes long to send.",
    inputSchema: z.object({}),
    timeoutMs: 100,
    execute: () => new Promise(() => {}),
  }),
  tool({
    name: "complain",
    description: "Fails.",
    inputSchema: z.object({ fatal: z.boolean() }),
    effect: "none",
    execute: ({ fatal }) => {
      throw new ToolError("there is no such order", { fatal });
    },
  }),
  tool({
    name: "large",
    description: "Answers with too much.",
    inputSchema: z.object({}),
    effect: "none",
    execute: () => "x".repeat(1_000_001),
  }),
  tool({
    name: "who",
    description: "Says whose job it is.",
    inputSchema: z.object({}),
    effect: "none",
    execute: (_, { ownerId, jobId, callId }) => ({ ownerId, jobId, callId }),
  }),
];

const inSql = [
  sqlTool({
    name: "add_order",
    description: "Adds an order.",
    function: "public.add_order",
    inputSchema: z.object({ item: z.string(), pieces: z.number().optional() }),
  }),
  sqlTool({
    name: "my_orders",
    description: "The user's orders.",
    function: "public.my_orders",
    inputSchema: z.object({ of_owner: z.string().optional() }),
    effect: "none",
  }),
  sqlTool({
    name: "slow_order",
    description: "Adds an order, slowly.",
    function: "public.slow_order",
    inputSchema: z.object({ item: z.string(), seconds: z.number() }),
  }),
  sqlTool({
    name: "endless_order",
    description: "Adds an order, and lets nothing cancel it.",
    function: "public.endless_order",
    inputSchema: z.object({}),
  }),
  sqlTool({
    name: "wrong_order",
    description: "Does something that a deferred constraint refuses.",
    function: "public.wrong_order",
    inputSchema: z.object({ item: z.string() }),
  }),
  sqlTool({
    name: "all_orders",
    description: "Everybody's orders.",
    function: "public.my_orders",
    inputSchema: z.object({}),
    as: "service",
    effect: "none",
  }),
  sqlTool({
    name: "no_such",
    description: "Is not there.",
    function: "public.no_such",
    inputSchema: z.object({}),
  }),
];

const paying = tool({
  name: "refund",
  description: "Pays back.",
  inputSchema: z.object({ amount: z.number() }),
  needsApproval: ({ amount }) => amount > 50,
  execute: ({ amount }, ctx) => act("refund", String(amount), ctx),
});

const handedOut = {
  type: "function",
  name: "open_door",
  description: "Opens the door, at the caller's.",
  parameters: {
    type: "object",
    properties: { door: { type: "string" } },
    required: ["door"],
    additionalProperties: false,
  },
  strict: true,
  run_by: "caller",
} as const;

/** Tools that OpenAI leaves to the caller, one of each kind. */
const callers = {
  ...quick,
  tools: [
    { type: "custom", name: "draw", run_by: "caller" },
    { type: "apply_patch", run_by: "caller" },
    { type: "local_shell", run_by: "caller" },
    { type: "shell", environment: { type: "local" }, run_by: "caller" },
    { type: "computer", run_by: "caller" },
  ],
  side_effects: { shell: "none", computer: "idempotent" },
} satisfies Profile;

const tools = [once, harmless, repeatable, paying, ...odd, ...inSql];

/** A person is asked about calls that involve money. */
const conditional = {
  ...quick,
  tools: [{
    type: "mcp",
    server_label: "mailbox",
    server_url: secret("MAILBOX_MCP_URL"),
    headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
    require_approval: "never",
  }],
  approve_when: {
    "mailbox.gmail_reply_to_email": ({ body }) => String(body).includes("Money"),
  },
} satisfies Profile;

export const profiles = defineProfiles<Record<string, Profile>>({
  default: quick,
  direct: { ...quick, background: false, tools },
  background: { ...quick, tools },
  one_by_one: { ...quick, background: false, parallel_tool_calls: false, tools },
  limited: { ...quick, background: false, max_tool_calls: 2, tools },
  limited_in_background: { ...quick, max_tool_calls: 2, tools },
  careless: { ...quick, background: false, on_uncertain: "retry", tools },
  conditional: { ...conditional, background: false },
  conditional_in_background: conditional,
  /** Calls of each kind in one response. */
  mixed: {
    ...quick,
    background: false,
    tools: [...conditional.tools, paying, harmless, handedOut],
  },
  mixed_in_background: { ...quick, tools: [...conditional.tools, paying, harmless, handedOut] },
  caller: { ...quick, background: false, tools: [handedOut, paying, harmless] },
  caller_in_background: { ...quick, tools: [handedOut, paying, harmless] },
  callers_tools: { ...callers, background: false },
  callers_tools_in_background: callers,
});
