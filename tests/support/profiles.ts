/** Profiles for tests, in place of supabase/functions/_shared/profiles.ts: short budgets, and retries without a pause. */
import { z } from "zod";
import {
  defineProfiles,
  type Profile,
  secret,
} from "../../supabase/functions/_durable_responses/mod.ts";

/** How many copies of each profile there are. */
export const copyCount = 40;

const quick = {
  model: "gpt-6.1-terra",
  budgets: {
    accept_ms: 5_000,
    background_ms: 60_000,
    attempt_ms: 20_000,
    stall_ms: 10_000,
    deadline_ms: 600_000,
  },
  retry: { max_attempts: 3, backoff_base_ms: 1, backoff_cap_ms: 1 },
} satisfies Profile;

const mailbox = {
  type: "mcp" as const,
  server_label: "mailbox",
  server_url: secret("MAILBOX_MCP_URL"),
  headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
  require_approval: "never" as const,
};

/** A person is asked before a reply. */
const asked = {
  ...mailbox,
  require_approval: {
    always: { tool_names: ["gmail_reply_to_email"] },
    never: { tool_names: ["gmail_find_email"] },
  },
};

const originals = {
  /** No tools. */
  plain: quick,
  /** Never in background. */
  direct: { ...quick, background: false },
  /** Answers a mail. */
  mail: { ...quick, tools: [mailbox] },
  /** The same, with nobody in front of its calls in background. */
  unguarded: { ...quick, tools: [mailbox], guard: "synchronous" },
  /** The same, with nobody in front of its calls at all. */
  off: { ...quick, tools: [mailbox], guard: "off", background: false },
  "off-background": { ...quick, tools: [mailbox], guard: "off" },
  /** The same, and a person is asked before it replies. */
  asking: {
    ...quick,
    tools: [asked],
  },
  /** Of two mailboxes a person is asked about one. */
  mixed: { ...quick, tools: [mailbox, { ...asked, server_label: "office" }] },
  /** Leaves to its callers what a profile can leave to them. */
  open: { ...quick, caller_may: ["instructions", "text", "reasoning", "max_output_tokens"] },
  /** A stream that is silent for 0.8 s has stalled. */
  impatient: { ...quick, background: false, budgets: { ...quick.budgets, stall_ms: 800 } },
  /** One attempt takes 1.5 s at most. */
  hasty: { ...quick, background: false, budgets: { ...quick.budgets, attempt_ms: 1_500 } },
  /** OpenAI has to accept within 0.5 s. */
  abrupt: { ...quick, budgets: { ...quick.budgets, accept_ms: 500 } },
  /** The answer is JSON, which the stand-in fits to the schema. */
  shaped: { ...quick, output: z.object({ found: z.boolean(), subject: z.string() }) },
  /** The answer never fits, as the schema says more than a JSON schema can. */
  misshaped: {
    ...quick,
    output: z.object({ subject: z.string().refine(() => false, "it never fits") }),
  },
  /** Refers to a secret that is never set. */
  unset: { ...quick, tools: [{ ...mailbox, server_url: secret("TEST_SECRET_NEVER_SET") }] },
} satisfies Record<string, Profile>;

export type ProfileName = keyof typeof originals;

/**
 * `plain`, `plain-1`, `plain-2` …: the copies are for what a route learns (it skips background after failures, it waits
 * after a rate limit), which in one test must not reach the next.
 */
export const profiles = defineProfiles<Record<string, Profile>>({
  default: quick,
  ...originals,
  ...Object.fromEntries(
    Object.entries(originals).flatMap(([name, profile]) =>
      Array.from({ length: copyCount }, (_, index) => [`${name}-${index + 1}`, profile])
    ),
  ),
});
