/** Profiles for the console's tests: as in production, but quick, and one that asks before it sends. */
import {
  defineProfiles,
  secret,
} from "../../supabase/functions/_durable_responses/mod.ts";

const mailbox = {
  type: "mcp" as const,
  server_label: "mailbox",
  server_url: secret("MAILBOX_MCP_URL"),
  headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
};

export const profiles = defineProfiles({
  default: { model: "gpt-5-mini" },
  triage: { model: "gpt-5-mini" },
  mail: { model: "gpt-5", tools: [{ ...mailbox, require_approval: "never" }] },
  /** Reads at once, and asks a person before it sends. */
  asks: {
    model: "gpt-5",
    background: false,
    tools: [{
      ...mailbox,
      require_approval: { never: { tool_names: ["gmail_find_email"] } },
    }],
  },
});
