/** Plans for the OpenAI stand-in that use the mailbox's tools. */
import type { ToolName } from "./hooks.ts";
import { seedEmails } from "./emails.ts";

/** The step that searches the mailbox. */
export function findEmail(query: string): string {
  return call("gmail_find_email", { query });
}

/** The step that replies, to the email about the overdue invoice by default. */
export function replyToEmail(body: string, message_id = seedEmails[0]?.message_id): string {
  return call("gmail_reply_to_email", { message_id, body });
}

/** Finds the email about the overdue invoice, replies to it in a later turn, and says so. */
export const invoicePlan = [
  findEmail("invoice"),
  "reason Invoice 2041 is two weeks overdue",
  replyToEmail("It will be paid on Friday."),
  'text I found the email "Invoice 2041 is two weeks overdue" from Nora Lind. I replied to her that it will be paid on Friday.',
].join("; ");

function call(tool: ToolName, args: Record<string, unknown>): string {
  return `call ${tool} ${JSON.stringify(args)}`;
}
