/** Profiles with the MCP server that fails in every way, called by the worker. */
import {
  defineProfiles,
  mcp,
  type Profile,
  secret,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const quick = {
  model: "gpt-6.1-sol",
  budgets: {
    accept_ms: 5_000,
    background_ms: 60_000,
    attempt_ms: 30_000,
    stall_ms: 10_000,
    deadline_ms: 600_000,
  },
  retry: { max_attempts: 3, backoff_base_ms: 1, backoff_cap_ms: 1 },
  tools: [
    mcp({
      server_label: "trouble",
      server_url: secret("TROUBLE_MCP_URL"),
      require_approval: "never",
      timeout_ms: 2_000,
      run_by: "worker",
    }),
  ],
} satisfies Profile;

export const profiles = defineProfiles<Record<string, Profile>>({
  default: quick,
  direct: { ...quick, background: false },
  background: quick,
  careless: { ...quick, background: false, on_uncertain: "retry" },
  /** Asks a person before each call. */
  asking: {
    ...quick,
    background: false,
    approve_when: { "trouble.count": ({ ask }) => ask === true },
  },
});
