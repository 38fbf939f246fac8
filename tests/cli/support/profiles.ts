/** Profiles for the tests of the CLI. */
import { defineProfiles, secret } from "../../../supabase/functions/_durable_responses/mod.ts";

export const profiles = defineProfiles({
  default: { model: "gpt-6.1-terra" },
  /** A person approves each call. */
  asks: {
    model: "gpt-6.1-terra",
    background: false,
    tools: [{
      type: "mcp",
      server_label: "everything",
      server_url: secret("EVERYTHING_MCP_URL"),
      require_approval: "always",
    }],
  },
});
