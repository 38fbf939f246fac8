/** Profiles that can find out whether an email was sent, or cannot. */
import {
  defineProfiles,
  type Profile,
  secret,
  type WasMade,
} from "../../../supabase/functions/_durable_responses/mod.ts";

const looks: WasMade[string] = async ({ arguments: { body } }, { callTool }) =>
  (await callTool("gmail_find_email", { query: `in:sent ${body}` })).includes(String(body));

const mail = (wasMade: WasMade[string]) =>
  ({
    model: "gpt-6.1-sol",
    background: false,
    tools: [{
      type: "mcp",
      server_label: "mailbox",
      server_url: secret("MAILBOX_MCP_URL"),
      headers: { Authorization: `Bearer ${secret("MAILBOX_MCP_TOKEN")}` },
      require_approval: "never",
    }],
    retry: { backoff_base_ms: 1, backoff_cap_ms: 1 },
    was_made: { "mailbox.gmail_reply_to_email": wasMade },
    was_made_after_ms: 1,
  }) satisfies Profile;

export const profiles = defineProfiles<Record<string, Profile>>({
  default: { model: "gpt-6.1-terra" },
  looks: mail(looks),
  "looks-background": { ...mail(looks), background: true },
  knows: mail(() => ({ output: "It is in the folder of sent emails." })),
  unsure: mail(() => undefined),
  throws: mail(() => {
    throw new Error("The mailbox is closed");
  }),
  /** Says what must be masked: a secret, and the server's credential, which it did not ask for. */
  leaks: mail((_, { secret }) => ({
    output: `${secret("SIDE_KEY")} ${Deno.env.get("MAILBOX_MCP_TOKEN")}`,
  })),
  /** Forgets to await. */
  forgets: mail((_, { callTool }) => {
    void callTool("gmail_find_email", { query: "in:sent x" });
    return undefined;
  }),
  /** A forgotten comparison: neither true nor false. */
  odd: mail(() => JSON.parse('"no"')),
  /** Asks for a tool that the server does not have. */
  lost: mail(async (_, { callTool }) => (await callTool("gmail_find_sent", {})) === "found"),
});
