/** Profiles for the tests of the CLI. */
import { defineProfiles, secret } from "../../../supabase/functions/_durable_responses/mod.ts";

export const profiles = defineProfiles({
  default: { model: "gpt-5-mini" },
  /** A person says yes to each call. */
  asks: {
    model: "gpt-5-mini",
    background: false,
    tools: [{
      type: "mcp",
      server_label: "everything",
      server_url: secret("EVERYTHING_MCP_URL"),
      require_approval: "always",
    }],
  },
});
