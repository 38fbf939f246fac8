/**
 * The profiles of the demo's scenarios, in place of supabase/functions/_shared/profiles.ts: the same mailbox, with
 * budgets short enough to watch. Nothing else is changed to make time short.
 */
import {
  defineProfiles,
  type Profile,
  secret,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const tools = ["gmail_find_email", "gmail_reply_to_email"];

const mail = {
  model: "gpt-6.1-sol",
  instructions:
    "You look after the user's mailbox. Find what is asked for, act on it, and say what you did.",
  tools: [{
    type: "mcp",
    server_label: "mailbox",
    server_url: secret("MAILBOX_MCP_URL"),
    headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
    allowed_tools: tools,
    require_approval: "never",
  }],
  budgets: { poll_ms: 1_500 },
} satisfies Profile;

export const profiles = defineProfiles({
  mail,
  /** Run synchronously from the start: what is shown is the worker. */
  "mail-sync": { ...mail, background: false },
  /** Stuck after 2 s. */
  "mail-impatient": { ...mail, budgets: { background_ms: 2_000, poll_ms: 1_000 } },
  /** Over after 4 s, come what may. */
  "mail-deadline": { ...mail, budgets: { deadline_ms: 4_000, poll_ms: 1_000 } },
  /** A person must agree before a mail leaves. */
  "mail-approval": {
    ...mail,
    background: false,
    tools: mail.tools.map((tool) => ({
      ...tool,
      require_approval: {
        always: { tool_names: ["gmail_reply_to_email"] },
        never: { tool_names: ["gmail_find_email"] },
      },
    })),
  },
});
