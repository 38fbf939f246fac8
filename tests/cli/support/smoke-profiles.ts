/** For doctor's smoke test: a response without a webhook is polled sooner than by default. */
import { defineProfiles, secret } from "../../../supabase/functions/_durable_responses/mod.ts";

export const profiles = defineProfiles({
  default: { model: "gpt-6-luna", budgets: { poll_ms: 12_000 } },
  mail: {
    model: "gpt-6-luna",
    tools: [{
      type: "mcp",
      server_label: "mailbox",
      server_url: secret("MAILBOX_MCP_URL"),
      headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
      allowed_tools: ["gmail_find_email", "gmail_reply_to_email"],
      require_approval: "never",
    }],
    side_effects: { "mailbox.gmail_find_email": "none" },
  },
});
