/** Profiles for tests of runs that outlive their worker: the mailbox, retries without a pause, polls only if a test polls. */
import {
  defineProfiles,
  type Profile,
  secret,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const mail = {
  model: "gpt-6.1-sol",
  reasoning: { summary: "auto" },
  tools: [{
    type: "mcp",
    server_label: "mailbox",
    server_url: secret("MAILBOX_MCP_URL"),
    headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
    require_approval: "never",
  }],
  // For its reader, a stream that a gate has cut at its source is silent. That must end too.
  budgets: { stall_ms: 8_000 },
  retry: { backoff_base_ms: 1, backoff_cap_ms: 1 },
} satisfies Profile;

const asking = {
  ...mail,
  tools: mail.tools.map((tool) => ({
    ...tool,
    require_approval: {
      always: { tool_names: ["gmail_reply_to_email"] },
      never: { tool_names: ["gmail_find_email"] },
    },
  })),
};

export const profiles = defineProfiles<Record<string, Profile>>({
  default: { model: "gpt-6.1-terra" },
  background: mail,
  /** Has its own route, because one refusal is enough to skip background. */
  unsupported: mail,
  sync: { ...mail, background: false },
  asking: { ...asking, background: false },
  /** Sends twice rather than ask. */
  careless: { ...mail, background: false, on_uncertain: "retry" },
  /** A rule for a tool that does not exist. */
  mistaken: { ...mail, background: false, side_effects: { gmail_repply: "none" } },
  /** The official server, whose tools have no annotations. */
  everything: {
    model: "gpt-6.1-sol",
    background: false,
    retry: mail.retry,
    side_effects: { echo: "none" },
    tools: [{
      type: "mcp",
      server_label: "everything",
      server_url: secret("EVERYTHING_MCP_URL"),
      require_approval: "never",
    }],
  },
});
