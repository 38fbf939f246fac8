/**
 * The profiles of the demo's scenarios, instead of supabase/functions/_shared/profiles.ts: the same mailbox, with budgets that
 * are short enough to watch. Nothing else is changed to save time.
 */
import { z } from "zod";
import {
  defineProfiles,
  mcp,
  type Profile,
  secret,
  sqlTool,
  tool,
} from "../../supabase/functions/_durable_responses/mod.ts";

const tools = ["gmail_find_email", "gmail_reply_to_email"];

const mail = {
  model: "gpt-6.1-sol",
  instructions:
    "You look after the user's mailbox. Find what is asked for, act on it, and say what you did.",
  tools: [{
    type: "mcp",
    server_label: "mailbox",
    server_url: secret("MAILBOX_MCP_URL"),
    headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
    allowed_tools: tools,
    require_approval: "never",
  }],
  budgets: { poll_ms: 1_500 },
} satisfies Profile;

/** A shop's own functions. Its tables show what they do. */
const quote = tool({
  name: "quote_shipping",
  description: "What it costs to send a parcel.",
  inputSchema: z.object({ kg: z.number() }),
  effect: "none",
  execute: ({ kg }) => ({ euro: 4 + 2 * kg }),
});
const send = tool({
  name: "send_parcel",
  description: "Has a parcel picked up.",
  inputSchema: z.object({ order: z.string() }),
  execute: async ({ order }, { supabaseAdmin, idempotencyKey }) => {
    const { error } = await supabaseAdmin.from("parcels").insert({ order, key: idempotencyKey });
    if (error) throw error;
    return `the parcel of ${order} is on its way`;
  },
});
const refund = tool({
  name: "refund",
  description: "Pays back.",
  inputSchema: z.object({ order: z.string(), euro: z.number() }),
  needsApproval: ({ euro }) => euro > 50,
  execute: async ({ order, euro }, { supabaseAdmin, idempotencyKey }) => {
    const row = { order, euro, key: idempotencyKey };
    const { error } = await supabaseAdmin.from("refunds").insert(row);
    if (error) throw error;
    return `${euro} euro were paid back`;
  },
});
const place = sqlTool({
  name: "place_order",
  description: "Places an order of the user's.",
  function: "public.place_order",
  inputSchema: z.object({ item: z.string() }),
});
const shop = {
  model: "gpt-6.1-sol",
  instructions: "You look after the orders of a shop.",
  tools: [quote, send, refund, place],
  budgets: { poll_ms: 1_500 },
} satisfies Profile;

export const profiles = defineProfiles({
  shop,
  "shop-sync": { ...shop, background: false },
  /** A function that the caller runs. */
  "shop-caller": {
    ...shop,
    tools: [quote, {
      type: "function",
      name: "scan_label",
      description: "Reads the label that is in front of the caller's camera.",
      parameters: { type: "object", properties: {}, required: [], additionalProperties: false },
      strict: true,
      run_by: "caller",
    }],
  },
  /** A person must approve emails about money. */
  "mail-money": {
    ...mail,
    background: false,
    approve_when: { gmail_reply_to_email: ({ body }) => String(body).includes("euro") },
  },
  mail,
  /** Synchronous from the start, to show the worker. */
  "mail-sync": { ...mail, background: false },
  /** Stuck after 2 s. */
  "mail-impatient": { ...mail, budgets: { background_ms: 2_000, poll_ms: 1_000 } },
  /** Has 4 s in total. */
  "mail-deadline": { ...mail, budgets: { deadline_ms: 4_000, poll_ms: 1_000 } },
  /** The worker calls the same server. OpenAI sees two functions. */
  "mail-bridge": {
    ...mail,
    tools: [mcp({
      server_label: "mailbox",
      server_url: secret("MAILBOX_MCP_URL"),
      authorization: secret("MAILBOX_MCP_TOKEN"),
      allowed_tools: tools,
      require_approval: "never",
      run_by: "worker",
    })],
  },
  /** A person must approve each email. */
  "mail-approval": {
    ...mail,
    background: false,
    tools: mail.tools.map((tool) => ({
      ...tool,
      require_approval: {
        always: { tool_names: ["gmail_reply_to_email"] },
        never: { tool_names: ["gmail_find_email"] },
      },
    })),
  },
});
