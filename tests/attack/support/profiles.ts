/** Profiles whose calls wait for a person. */
import {
  defineProfiles,
  type Profile,
  secret,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const careful = {
  model: "gpt-6.1-terra",
  background: false,
  budgets: { attempt_ms: 20_000, stall_ms: 10_000, deadline_ms: 600_000 },
  retry: { max_attempts: 2, backoff_base_ms: 1, backoff_cap_ms: 1 },
  tools: [{
    type: "mcp" as const,
    server_label: "mailbox",
    server_url: secret("MAILBOX_MCP_URL"),
    headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
    require_approval: { never: { tool_names: ["gmail_find_email"] } },
  }],
} satisfies Profile;

export const profiles = defineProfiles({
  default: { model: "gpt-6.1-terra" },
  careful,
  /** Its deadline is shorter than a person's wait. */
  brief: { ...careful, budgets: { ...careful.budgets, deadline_ms: 12_000 } },
});
