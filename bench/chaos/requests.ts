/** The requests in a storm. Each says what the model does, and contains a mark that identifies its email or note. */
import { findEmail, replyToEmail } from "../../packages/dev/mcp/mailbox.ts";
import type { Random } from "./random.ts";

/** The share of queries for our own tools, 0 to 1. */
export const notesShare = 0.3;

/** The profiles whose jobs are about the mailbox. */
export const mailProfiles = ["mail", "mail-sync", "mail-bridge", "mail-deaf"] as const;
export type MailProfile = typeof mailProfiles[number];
export const isMailProfile = (name: string): name is MailProfile =>
  mailProfiles.some((profile) => profile === name);

/** The body of a submit. */
export interface ChaosRequest {
  query: string;
  profile: string;
}

/** A query for the mailbox. */
export function mailRequest(
  profile: string,
  mark: string,
  sends: boolean,
  random: Random,
): ChaosRequest {
  const plan = sends
    ? `${findEmail("invoice")}; ${replyToEmail(mark)}`
    : `${findEmail("invoice")} x${1 + Math.floor(random.next() * 3)}; text 40 deltas`;
  return { query: `[[plan: ${plan}]] Look after the mail about ${mark}`, profile };
}

/** A query for one of our own tools, of any kind. */
export function noteRequest(mark: string, sends: boolean, random: Random): ChaosRequest {
  const [profile, name] = random.pick([
    ["notes", "send_note"],
    ["notes", "put_note"],
    ["notes-sync", "send_note"],
    ["notes-sync", "put_note"],
    ["notes-sql", "add_note"],
    ["notes-sql-sync", "add_note"],
  ]);
  const step = (tool: string) => `call ${tool} ${JSON.stringify({ body: mark })}`;
  const plan = sends
    ? `reason; ${step(name)}; text 5 deltas`
    : `reason; ${name === "add_note" ? "text 40 deltas" : step("look_up")}`;
  return { query: `[[plan: ${plan}]] Look after the note about ${mark}`, profile };
}
