import { z } from "zod";
import type { DoneCall } from "./done-call.ts";
import { plainName } from "./plain-name.ts";
import { replyWish } from "./words.ts";

export const findTool = "gmail_find_email";
export const replyTool = "gmail_reply_to_email";

const FoundEmailSchema = z.object({
  message_id: z.string().optional(),
  thread_id: z.string().optional(),
  subject: z.string().default("(no subject)"),
  date: z.string().optional(),
  body: z.string().optional(),
  from: z.union([z.string(), z.object({ name: z.string(), address: z.string() })]).optional(),
});
const FoundSchema = z.object({ emails: z.array(FoundEmailSchema) });
const SentSchema = z.object({ message_id: z.string(), to: z.string().optional() });

export type FoundEmail = z.infer<typeof FoundEmailSchema>;

/** The best match that an earlier search gave, if it gave one. */
export function foundEmail(calls: readonly DoneCall[]): FoundEmail | undefined {
  const search = calls.findLast((call) =>
    plainName(call.tool) === findTool && call.output !== undefined
  );
  return parse(FoundSchema, search?.output)?.emails[0];
}

/** The id of the email that a reply was sent as. */
export function sentMessage(call: DoneCall): z.infer<typeof SentSchema> | undefined {
  return parse(SentSchema, call.output);
}

/** Who wrote an email. */
export function senderOf(email: FoundEmail): string {
  if (email.from === undefined) return "the sender";
  return typeof email.from === "string" ? email.from : `${email.from.name} <${email.from.address}>`;
}

/** Arguments of the reply: the same for the same query and email, so that a repeat can be recognised. */
export function replyArguments(
  email: FoundEmail,
  query: string,
  body: string | undefined,
): Record<string, unknown> {
  const target = email.message_id === undefined
    ? { thread_id: email.thread_id }
    : { message_id: email.message_id };
  return { ...target, body: body ?? composeReply(email, query) };
}

function composeReply(email: FoundEmail, query: string): string {
  const firstName = senderOf(email).split(/[\s<]/)[0] ?? "";
  const wish = replyWish(query) ??
    `thank you for your message about "${email.subject}". I will get back to you shortly.`;
  const sentence = wish.charAt(0).toUpperCase() + wish.slice(1);
  const closed = /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
  return `Hi ${firstName},\n\n${closed}\n\nBest regards,\nSam`;
}

function parse<T>(schema: z.ZodType<T>, text: string | undefined): T | undefined {
  if (text === undefined) return undefined;
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    // A tool may answer in prose: then there is nothing to take from it.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
