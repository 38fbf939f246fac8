/** Profiles for the tests of the OpenAI-compatible endpoint. */
import { z } from "zod";
import {
  defineProfiles,
  type Profile,
  secret,
  tool,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const quick = {
  model: "gpt-6.1-terra",
  budgets: { accept_ms: 5_000, attempt_ms: 20_000, stall_ms: 10_000, deadline_ms: 600_000 },
  retry: { max_attempts: 2, backoff_base_ms: 1, backoff_cap_ms: 1 },
} satisfies Profile;

const mailbox = {
  type: "mcp" as const,
  server_label: "mailbox",
  server_url: secret("MAILBOX_MCP_URL"),
  headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
};

/** The shape of `shaped`'s answers. */
export const shape = z.object({ found: z.boolean(), subject: z.string() });

export const profiles = defineProfiles({
  default: quick,
  plain: { ...quick, instructions: "Be brief.", temperature: 0.2 },
  mail: { ...quick, tools: [{ ...mailbox, require_approval: "never" }] },
  /** Like mail, on a route that has learned nothing yet. */
  fresh: { ...quick, model: "gpt-6.1-sol", tools: [{ ...mailbox, require_approval: "never" }] },
  careful: {
    ...quick,
    background: false,
    tools: [{ ...mailbox, require_approval: { never: { tool_names: ["gmail_find_email"] } } }],
  },
  /** The same, and the caller opens doors and draws. */
  porter: {
    ...quick,
    background: false,
    tools: [
      { ...mailbox, require_approval: { never: { tool_names: ["gmail_find_email"] } } },
      {
        type: "function",
        name: "open_door",
        description: "Opens a door.",
        parameters: {
          type: "object",
          properties: { door: { type: "string" } },
          required: ["door"],
          additionalProperties: false,
        },
        strict: true,
        run_by: "caller",
      },
      { type: "custom", name: "draw", run_by: "caller" },
    ],
  },
  /** One attempt, no retry. */
  once: { ...quick, background: false, retry: { ...quick.retry, max_attempts: 1 } },
  shaped: { ...quick, output: shape },
  /** Lets callers set everything that a profile can leave to them. */
  free: {
    ...quick,
    instructions: "Be brief.",
    max_output_tokens: 1_000,
    caller_may: ["instructions", "text", "reasoning", "max_output_tokens"],
    tools: [{
      ...mailbox,
      allowed_tools: ["gmail_find_email", "gmail_reply_to_email"],
      require_approval: "never",
    }],
  },
  /** A tool of ours, which must not be called twice. */
  notes: {
    ...quick,
    tools: [
      tool({
        name: "note",
        description: "Notes it.",
        inputSchema: z.object({}),
        execute: () => "noted",
      }),
    ],
  },
  /** The same and a mailbox, and lets callers choose. */
  chooses: {
    ...quick,
    caller_may: ["tool_choice"],
    tools: [
      { ...mailbox, allowed_tools: ["gmail_find_email"], require_approval: "never" },
      tool({
        name: "note",
        description: "Notes it.",
        inputSchema: z.object({}),
        execute: () => "noted",
      }),
    ],
  },
  /** Has a secret that nobody has set. */
  unset: { ...quick, tools: [{ ...mailbox, server_url: secret("NOBODY_SET_THIS") }] },
  /** Has an output that OpenAI does not accept. */
  wrong: { ...quick, output: z.object({ found: z.boolean().optional() }) },
  /** Sends summaries of its reasoning. */
  thinks: { ...quick, reasoning: { summary: "auto" } },
});
