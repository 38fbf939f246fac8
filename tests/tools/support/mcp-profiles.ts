/** Profiles for tests of MCP servers that the worker calls. */
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
} satisfies Profile;

const mailbox = {
  server_label: "mailbox",
  server_url: secret("MAILBOX_MCP_URL"),
  authorization: secret("MAILBOX_MCP_TOKEN"),
  allowed_tools: ["gmail_find_email", "gmail_reply_to_email"],
  run_by: "worker" as const,
};
const asItIs = mcp({ ...mailbox, require_approval: "never" });
const everything = mcp({
  server_label: "everything",
  server_url: secret("EVERYTHING_MCP_URL"),
  require_approval: "never",
  run_by: "worker",
});

export const profiles = defineProfiles<Record<string, Profile>>({
  default: quick,
  background: { ...quick, tools: [asItIs] },
  direct: { ...quick, background: false, tools: [asItIs] },
  careless: { ...quick, background: false, on_uncertain: "retry", tools: [asItIs] },
  /** As at OpenAI, a person is asked by default. */
  asking: { ...quick, tools: [mcp(mailbox)] },
  /** Whether a person is asked depends on what is sent. */
  asking_when: {
    ...quick,
    background: false,
    approve_when: {
      "mailbox.gmail_reply_to_email": ({ body }) => String(body).includes("money"),
    },
    tools: [asItIs],
  },
  everything: { ...quick, background: false, side_effects: { echo: "none" }, tools: [everything] },
  /** One server that OpenAI calls, and one that we call. */
  mixed: {
    ...quick,
    background: false,
    side_effects: { "everything.echo": "none" },
    tools: [
      asItIs,
      {
        type: "mcp",
        server_label: "everything",
        server_url: secret("EVERYTHING_MCP_URL"),
        require_approval: "never",
      },
    ],
  },
  metadata: {
    ...quick,
    tools: [
      mcp({ ...mailbox, server_url: "http://169.254.169.254/mcp", require_approval: "never" }),
    ],
  },
  gone: {
    ...quick,
    tools: [
      mcp({
        ...mailbox,
        server_url: secret("GONE_MCP_URL"),
        authorization: secret("GONE_MCP_TOKEN"),
        require_approval: "never",
      }),
    ],
  },
  two_of_a_label: { ...quick, tools: [asItIs, asItIs] },
  no_address: {
    ...quick,
    tools: [mcp({ ...mailbox, server_url: "", require_approval: "never" })],
  },
});
