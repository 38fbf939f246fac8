/**
 * The profiles of the load: the mailbox, and notes that our own tools write, with budgets of seconds, so that faults end
 * within a run.
 */
import * as z from "zod/mini";
import {
  defineProfiles,
  mcp,
  type Profile,
  secret,
  sqlTool,
  tool,
  type WasMade,
} from "../../supabase/functions/_durable_responses/mod.ts";
import { deafModel } from "./deaf-model.ts";

/** Looks into the folder of sent emails. */
const wasSent: WasMade[string] = async ({ arguments: { body } }, { callTool }) =>
  (await callTool("gmail_find_email", { query: `in:sent ${body}` })).includes(String(body));
/** Longer than the slowest mailbox of the storm. */
const wasMadeAfterMs = 5_000;

const mail = {
  model: "gpt-6.1-sol",
  instructions: "You look after the user's mailbox.",
  tools: [{
    type: "mcp",
    server_label: "mailbox",
    server_url: secret("MAILBOX_MCP_URL"),
    headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
    allowed_tools: ["gmail_find_email", "gmail_reply_to_email"],
    require_approval: "never",
  }],
  was_made: { gmail_reply_to_email: wasSent },
  was_made_after_ms: wasMadeAfterMs,
  budgets: {
    accept_ms: 2_000,
    background_ms: 6_000,
    poll_ms: 1_500,
    stall_ms: 2_500,
    attempt_ms: 30_000,
    deadline_ms: 600_000,
  },
  retry: { max_attempts: 30, backoff_base_ms: 100, backoff_cap_ms: 2_000 },
} satisfies Profile;

const inputSchema = z.object({ body: z.string() });

/** Tools of every kind. Their calls are recorded in public.chaos_notes (notes.ts). */
const notes = {
  ...mail,
  was_made: {
    send_note: async ({ arguments: { body } }, { supabaseAdmin }) => {
      const { data, error } = await supabaseAdmin.from("chaos_notes").select("id").eq("body", body);
      if (error) throw new Error(error.message);
      return data.length > 0;
    },
  },
  tools: [
    tool({
      name: "look_up",
      description: "Looks a note up.",
      inputSchema,
      effect: "none",
      execute: ({ body }) => `nothing about ${body}`,
    }),
    tool({
      name: "send_note",
      description: "Sends a note.",
      inputSchema,
      // Nobody knows whether an insert without an answer was made, and after an error the model would ask again. So the same
      // insert is retried until it is answered. A second call has its own key, and is counted.
      execute: async ({ body }, { supabaseAdmin, signal }) => {
        const key = crypto.randomUUID();
        while (true) {
          const { error } = await supabaseAdmin.from("chaos_notes")
            .upsert({ body, key }, { onConflict: "key", ignoreDuplicates: true });
          if (!error) return "sent";
          signal.throwIfAborted();
          await new Promise((resolve) => setTimeout(resolve, 200));
        }
      },
    }),
    tool({
      name: "put_note",
      description: "Puts a note where it belongs.",
      inputSchema,
      effect: "idempotent",
      execute: async ({ body }, { supabaseAdmin, idempotencyKey: key }) => {
        const { error } = await supabaseAdmin.from("chaos_notes")
          .upsert({ body, key }, { onConflict: "key", ignoreDuplicates: true });
        if (error) throw new Error(error.message);
        return "put";
      },
    }),
  ],
} satisfies Profile;

const notesInSql = {
  ...mail,
  tools: [sqlTool({
    name: "add_note",
    description: "Adds a note.",
    inputSchema,
    function: "public.add_chaos_note",
  })],
} satisfies Profile;

export const profiles = defineProfiles({
  default: { model: "gpt-6.1-terra", budgets: mail.budgets, retry: mail.retry },
  mail,
  "mail-sync": { ...mail, background: false },
  /** The worker calls the mailbox itself. */
  "mail-bridge": {
    ...mail,
    tools: [mcp({
      server_label: "mailbox",
      server_url: secret("MAILBOX_MCP_URL"),
      authorization: secret("MAILBOX_MCP_TOKEN"),
      allowed_tools: ["gmail_find_email", "gmail_reply_to_email"],
      require_approval: "never",
      run_by: "worker",
    })],
  },
  notes,
  "notes-sync": { ...notes, background: false },
  "notes-sql": notesInSql,
  "notes-sql-sync": { ...notesInSql, background: false },
  /** The API behind this profile sometimes ignores require_approval. */
  "mail-deaf": { ...mail, model: deafModel },
  /** A person is asked before each email. */
  "mail-asks": {
    ...mail,
    tools: mail.tools.map((tool) => ({
      ...tool,
      require_approval: { always: { tool_names: ["gmail_reply_to_email"] } },
    })),
  },
});
