/** Messages beside answers: a job continues with what it asked for, and reads nothing else. */
import type { Visibility } from "../../model/caller.ts";
import { isAnswerType } from "../../model/left-calls.ts";
import type { CreateBody } from "./create-body.ts";
import { readRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";
import type { Answered } from "./what-is-answered.ts";

type Item = Record<string, unknown>;

/**
 * Refuses a user's message that the request adds, before its answers are given: it would be lost, and it may say the opposite
 * of an answer. What the job was asked with is history, and so is what stands before it, or before what is answered. Libraries
 * repeat a system prompt with each request: it says nothing new.
 * @throws Refusal 400
 */
export async function refuseMessages(
  { input }: CreateBody,
  answered: Answered,
  who: Visibility,
): Promise<void> {
  if (!Array.isArray(input) || !input.some(isUserMessage)) return;
  const record = await readRecord(answered.record.id, who, { withInput: true });
  const known = new Set(
    typeof record.input === "string"
      ? [record.input]
      : record.input?.filter(isUserMessage).map(textOf),
  );
  const isKnown = (item: Item) => isUserMessage(item) && known.has(textOf(item));
  const since = Math.max(input.findLastIndex(isKnown) + 1, input.findIndex(isAskedBy(answered)));
  const at = input.findIndex((item, index) => index >= since && isUserMessage(item));
  if (at < 0) return;
  throw invalidParam(
    `input[${at}]`,
    "invalid_value",
    `Cannot accept a message together with answers: the response continues with the answers alone, and 'input[${at}]' would be lost. Send the answers without it, and the message when the response has ended; or answer with approve: false, or cancel the response`,
  );
}

/** Whether an item is one that these answers are for. */
function isAskedBy({ approvals, outputs }: Answered) {
  const requests = new Set<unknown>(approvals.map(({ answer }) => answer.approval_request_id));
  const calls = new Set<unknown>(outputs.map(({ callId }) => callId));
  return (item: Item) =>
    requests.has(item["id"]) || !isAnswerType(item["type"]) && calls.has(item["call_id"]);
}

function isUserMessage({ role }: Item): boolean {
  return role === "user";
}

/** Pictures and files are left out: a sent one is stored as a reference. */
function textOf({ content }: Item): string {
  if (!Array.isArray(content)) return String(content);
  return content.flatMap((part: unknown) => {
    const text: unknown = Object(part).text;
    return typeof text === "string" ? [text] : [];
  }).join("\n");
}
