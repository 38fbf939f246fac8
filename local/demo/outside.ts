/** What the demo talks to when the environment names an OpenAI API: no stand-in, and no webhooks from outside. */
import { fileURLToPath } from "node:url";
import type { StackOptions } from "../stack.ts";
import { openaiFromEnvironment } from "../stack/openai-access.ts";

const OPENAI_URL = "https://api.openai.com/v1";
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** The path of the demo's profiles, with short budgets. */
export const demoProfiles = fileURLToPath(new URL("profiles.ts", import.meta.url));

export interface Outside {
  options: StackOptions;
  /** What the person at the terminal should know before it starts. */
  notices: string[];
}

/**
 * Reads OPENAI_API_KEY, OPENAI_BASE_URL, MAILBOX_MCP_URL and MAILBOX_MCP_TOKEN; undefined without a key, which means the
 * stand-in.
 */
export function outsideFromEnvironment(): Outside | undefined {
  const openai = openaiFromEnvironment();
  if (!openai) return undefined;
  const url = openai.baseUrl ?? OPENAI_URL;
  const mailboxUrl = Deno.env.get("MAILBOX_MCP_URL");
  const mailboxToken = Deno.env.get("MAILBOX_MCP_TOKEN");
  const reachesUs = LOOPBACK.test(new URL(url).hostname);
  return {
    options: {
      openai,
      profiles: demoProfiles,
      env: {
        ...(mailboxUrl ? { MAILBOX_MCP_URL: mailboxUrl } : {}),
        ...(mailboxToken ? { MAILBOX_MCP_TOKEN: mailboxToken } : {}),
      },
    },
    notices: [
      `Talking to ${url}. Its webhooks cannot reach this machine, so the poll finds out what became of a background response.`,
      ...(mailboxUrl
        ? [`The mailbox is ${mailboxUrl}; what happens there is not counted here.`]
        : reachesUs
        ? []
        : [
          "It cannot reach the mailbox of this machine at 127.0.0.1, so the tools will not be found. " +
          "Set MAILBOX_MCP_URL and MAILBOX_MCP_TOKEN to an MCP server on the internet that has gmail_find_email and gmail_reply_to_email.",
        ]),
    ],
  };
}
