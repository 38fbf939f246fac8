/** Profiles as an adopter would write them for the libraries that their frontends use. */
import { z } from "zod";
import {
  defineProfiles,
  type Profile,
  secret,
  tool,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const quick = {
  model: "gpt-6.1-terra",
  budgets: { accept_ms: 5_000, attempt_ms: 30_000, stall_ms: 20_000, deadline_ms: 600_000 },
  retry: { max_attempts: 4, backoff_base_ms: 1, backoff_cap_ms: 1 },
} satisfies Profile;

const mailbox = {
  type: "mcp" as const,
  server_label: "mailbox",
  server_url: secret("MAILBOX_MCP_URL"),
  headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
};

const openDoor = {
  type: "function" as const,
  name: "open_door",
  description: "Opens a door.",
  parameters: {
    type: "object",
    properties: { door: { type: "string" } },
    required: ["door"],
    additionalProperties: false,
  },
  strict: true,
  run_by: "caller" as const,
};

/** The shape of `shaped`'s answers. */
export const shape = z.object({ found: z.boolean(), subject: z.string() });

export const profiles = defineProfiles({
  default: quick,
  /** No tools; callers may give instructions and a shape. */
  open: { ...quick, caller_may: ["instructions", "text"] },
  /** Answers an email. */
  mail: {
    ...quick,
    caller_may: ["instructions"],
    tools: [{ ...mailbox, require_approval: "never" }],
  },
  /** The same, and a person is asked before it replies. */
  careful: {
    ...quick,
    caller_may: ["instructions"],
    tools: [{ ...mailbox, require_approval: { never: { tool_names: ["gmail_find_email"] } } }],
  },
  /** The caller has a shell and a screen. */
  desk: {
    ...quick,
    tools: [
      { type: "shell", environment: { type: "local" }, run_by: "caller" },
      { type: "computer", run_by: "caller" },
    ],
  },
  /** Pays back, after a person has been asked. */
  pays: {
    ...quick,
    tools: [
      tool({
        name: "refund",
        description: "Pays an order back.",
        inputSchema: z.object({ order: z.string() }),
        needsApproval: true,
        execute: ({ order }) => `order ${order} is paid back`,
      }),
    ],
  },
  shaped: { ...quick, output: shape },
  /** The caller opens doors. */
  door: { ...quick, caller_may: ["instructions"], tools: [openDoor] },
  /** The same, and a person is asked before it replies to an email. */
  porter: {
    ...quick,
    caller_may: ["instructions"],
    tools: [
      openDoor,
      { ...mailbox, require_approval: { never: { tool_names: ["gmail_find_email"] } } },
    ],
  },
});
