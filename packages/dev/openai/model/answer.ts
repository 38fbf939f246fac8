import type { DoneCall } from "./done-call.ts";
import type { History } from "./history.ts";
import { findTool, foundEmail, replyTool, senderOf, sentMessage } from "./mail.ts";
import { withoutPlan } from "./directive.ts";
import { plainName } from "./plain-name.ts";

/** How much of a tool's output an answer quotes. */
const quoteLength = 400;

/** The final message: what was done for the query, with facts from the tools' outputs. */
export function answerText(query: string, history: History): string {
  const sentences = history.calls.map((call) => sentenceFor(call, history.calls));
  if (sentences.length > 0) return sentences.join(" ");
  const request = withoutPlan(query).replace(/\s+/g, " ").trim();
  if (history.searches > 0) return `I searched the web for "${request}" and found what you need.`;
  return request === ""
    ? "Hello! How can I help you?"
    : `You asked: "${request.slice(0, quoteLength)}". Here is a short answer with no tools used.`;
}

/** What is known of the run, by names that a JSON schema may ask for. */
export function facts(query: string, history: History): Record<string, unknown> {
  const email = foundEmail(history.calls);
  const reply = history.calls.findLast((call) => plainName(call.tool) === replyTool);
  const sent = reply === undefined ? undefined : sentMessage(reply);
  return {
    query: withoutPlan(query),
    found: email !== undefined,
    subject: email?.subject ?? "",
    from: email === undefined ? "" : senderOf(email),
    sender: email === undefined ? "" : senderOf(email),
    thread_id: email?.thread_id ?? "",
    date: email?.date ?? "",
    replied: sent !== undefined,
    sent: sent !== undefined,
    reply_sent: sent !== undefined,
    message_id: sent?.message_id ?? email?.message_id ?? "",
    to: sent?.to ?? "",
    reply: reply === undefined ? "" : bodyOf(reply),
    emails_sent: history.calls.filter((call) => sentMessage(call) !== undefined).length,
  };
}

function sentenceFor(call: DoneCall, calls: readonly DoneCall[]): string {
  if (call.denied !== undefined) {
    return `I did not call ${call.tool}, since it was not approved (${call.denied}).`;
  }
  if (call.error !== undefined) {
    return `The call of ${call.tool} failed: ${call.error.slice(0, quoteLength)}.`;
  }
  if (plainName(call.tool) === findTool) {
    const email = foundEmail([call]);
    if (email === undefined) return "I found no email that fits.";
    const received = email.date === undefined ? "" : `, received ${email.date.slice(0, 10)}`;
    const answered = calls.some((each) => plainName(each.tool) === replyTool);
    const says = answered || email.body === undefined ? "" : ` It says: "${oneLine(email.body)}"`;
    return `I found the email "${email.subject}" from ${senderOf(email)}${received}.${says}`;
  }
  if (plainName(call.tool) === replyTool) {
    const to = sentMessage(call);
    const email = foundEmail(calls);
    const target = to?.to ?? (email === undefined ? "the sender" : senderOf(email));
    const id = to === undefined ? "" : ` (message ${to.message_id})`;
    return `I replied to ${target}${id}: "${oneLine(bodyOf(call))}"`;
  }
  return `${call.tool} returned: ${(call.output ?? "nothing").slice(0, quoteLength)}.`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").slice(0, quoteLength);
}

function bodyOf(call: DoneCall): string {
  const { arguments: args } = call;
  if (typeof args !== "object" || args === null || !("body" in args)) return "";
  return String(args.body);
}
