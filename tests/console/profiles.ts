/** Profiles for the console's tests: as in production but quick, and one that asks before it sends. */
import { defineProfiles, secret } from "../../supabase/functions/_durable_responses/mod.ts";

const mailbox = {
  type: "mcp" as const,
  server_label: "mailbox",
  server_url: secret("MAILBOX_MCP_URL"),
  headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
};

export const profiles = defineProfiles({
  default: { model: "gpt-6.1-terra" },
  triage: { model: "gpt-6.1-terra" },
  mail: { model: "gpt-6.1-sol", tools: [{ ...mailbox, require_approval: "never" }] },
  /** Reads at once, and asks a person before it sends. */
  asks: {
    model: "gpt-6.1-sol",
    background: false,
    tools: [{
      ...mailbox,
      require_approval: { never: { tool_names: ["gmail_find_email"] } },
    }],
  },
});
