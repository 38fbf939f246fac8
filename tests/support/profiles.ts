/** Profiles for tests, instead of supabase/functions/_shared/profiles.ts: short budgets, and retries without a pause. */
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
  /** Answers an email. */
  mail: { ...quick, tools: [mailbox] },
  /** The same, without a guard in background. */
  unguarded: { ...quick, tools: [mailbox], guard: "synchronous" },
  /** The same, without a guard. */
  off: { ...quick, tools: [mailbox], guard: "off", background: false },
  "off-background": { ...quick, tools: [mailbox], guard: "off" },
  /** The same, and a person is asked before it replies. */
  asking: {
    ...quick,
    tools: [asked],
  },
  /** Has two mailboxes, and asks a person about one of them. */
  mixed: { ...quick, tools: [mailbox, { ...asked, server_label: "office" }] },
  /** Lets callers set everything that a profile can leave to them. */
  open: { ...quick, caller_may: ["instructions", "text", "reasoning", "max_output_tokens"] },
  /** A stream that is silent for 0.8 s has stalled. */
  impatient: { ...quick, background: false, budgets: { ...quick.budgets, stall_ms: 800 } },
  /** An attempt may take 1.5 s. */
  hasty: { ...quick, background: false, budgets: { ...quick.budgets, attempt_ms: 1_500 } },
  /** OpenAI must accept within 0.5 s. */
  abrupt: { ...quick, budgets: { ...quick.budgets, accept_ms: 500 } },
  /** The answer is JSON, which the stand-in makes from the schema. */
  shaped: { ...quick, output: z.object({ found: z.boolean(), subject: z.string() }) },
  /** The answer never fits, because the schema requires more than a JSON schema can say. */
  misshaped: {
    ...quick,
    output: z.object({ subject: z.string().refine(() => false, "it never fits") }),
  },
  /** Refers to a secret that is never set. */
  unset: { ...quick, tools: [{ ...mailbox, server_url: secret("TEST_SECRET_NEVER_SET") }] },
} satisfies Record<string, Profile>;

export type ProfileName = keyof typeof originals;

/**
 * `plain`, `plain-1`, `plain-2` …: each test takes its own copy, so that what a route learns in one test (to skip background
 * after failures, to wait after a rate limit) does not affect another.
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
