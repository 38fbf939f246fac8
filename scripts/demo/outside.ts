/** The demo with an OpenAI API that the environment names: no stand-in, and no webhooks from outside. */
import { fileURLToPath } from "node:url";
import type { StackOptions } from "../../packages/dev/stack.ts";

const openaiUrl = "https://api.openai.com/v1";
const loopback = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** The path of the demo's profiles, with short budgets. */
export const demoProfiles = fileURLToPath(new URL("profiles.ts", import.meta.url));

export interface Outside {
  options: StackOptions & { env: Record<string, string> };
  /** What the person should know before it starts. */
  notices: string[];
}

/**
 * How to play the demo with an OpenAI API instead of the stand-in.
 * @param variables MAILBOX_MCP_URL and MAILBOX_MCP_TOKEN name a mailbox that this API can reach
 */
export function outsideOf(
  openai: NonNullable<StackOptions["openai"]>,
  variables: Readonly<Record<string, string>>,
): Outside {
  const url = openai.baseUrl ?? openaiUrl;
  const { MAILBOX_MCP_URL, MAILBOX_MCP_TOKEN } = variables;
  const env = {
    ...(MAILBOX_MCP_URL ? { MAILBOX_MCP_URL } : {}),
    ...(MAILBOX_MCP_TOKEN ? { MAILBOX_MCP_TOKEN } : {}),
  };
  return {
    options: { openai, profiles: demoProfiles, env },
    notices: [
      `Talking to ${url}. Its webhooks cannot reach this machine, so polling finds the outcome of background responses.`,
      ...mailboxNotice(new URL(url).hostname, MAILBOX_MCP_URL),
    ],
  };
}

function mailboxNotice(host: string, mailboxUrl: string | undefined): string[] {
  if (mailboxUrl) return [`The mailbox is ${mailboxUrl}; emails sent there are not counted here.`];
  if (loopback.test(host)) return [];
  return [
    `${host} cannot reach this machine's mailbox at 127.0.0.1, so it will not find the tools. ` +
    "Set MAILBOX_MCP_URL and MAILBOX_MCP_TOKEN to an MCP server on the internet that has gmail_find_email and gmail_reply_to_email.",
  ];
}
