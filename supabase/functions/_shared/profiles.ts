/**
 * What a frontend may ask for. This is the one file to edit: name your profiles, say which model, which
 * instructions and which tools each has. A frontend sends a profile's name and a query, never a model,
 * a tool or a secret.
 */
import * as z from "zod/mini";
import { defineProfiles, secret } from "../_durable_responses/mod.ts";

export const profiles = defineProfiles({
  /** A plain question; used when a request names no profile. */
  default: {
    model: "gpt-6.1-terra",
    instructions: "Answer briefly and plainly.",
  },

  /** Reads and answers mail through an external MCP server. */
  mail: {
    model: "gpt-6.1-sol",
    instructions:
      "You look after the user's mailbox. Find what is asked for, act on it, and say what you did.",
    tools: [{
      type: "mcp",
      server_label: "mailbox",
      server_url: secret("MAILBOX_MCP_URL"),
      headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
      allowed_tools: ["gmail_find_email", "gmail_reply_to_email"],
      require_approval: "never",
    }],
  },

  /** Sorts a message; the answer is JSON of this shape. */
  triage: {
    model: "gpt-6-luna",
    instructions: "Sort the message.",
    output: z.object({
      topic: z.enum(["billing", "support", "sales", "other"]),
      urgent: z.boolean(),
      summary: z.string(),
    }),
  },
});
