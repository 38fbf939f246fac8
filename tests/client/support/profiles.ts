/** Profiles for tests of the client. None runs in background, so the worker runs everything. */
import { z } from "zod";
import {
  defineProfiles,
  type Profile,
  secret,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const plain = {
  model: "gpt-6.1-terra",
  background: false,
  retry: { max_attempts: 2, backoff_base_ms: 1, backoff_cap_ms: 1 },
} satisfies Profile;

const mailbox = {
  type: "mcp" as const,
  server_label: "mailbox",
  server_url: secret("MAILBOX_MCP_URL"),
  headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
};

export const profiles = defineProfiles({
  default: plain,
  /** For tests that pause its route. */
  dear: plain,
  mail: { ...plain, tools: [{ ...mailbox, require_approval: "never" }] },
  /** A person must approve each email. */
  careful: {
    ...plain,
    tools: [{
      ...mailbox,
      require_approval: {
        always: { tool_names: ["gmail_reply_to_email"] },
        never: { tool_names: ["gmail_find_email"] },
      },
    }],
  },
  /** The answer is JSON, which the stand-in makes from the schema. */
  shaped: {
    ...plain,
    output: z.object({ found: z.boolean(), subject: z.string() }),
  },
});
