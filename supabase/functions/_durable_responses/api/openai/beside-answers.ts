/** Messages beside answers: a job continues with what it asked for, and reads nothing else. */
import { isAnswerType } from "../../model/left-calls.ts";
import { jobIdOf } from "../../model/ids.ts";
import type { CreateBody } from "./create-body.ts";
import { invalidParam } from "./refusal.ts";
import type { Answered } from "./what-is-answered.ts";

/**
 * Refuses a message that the request adds, before its answers are given: it would be lost, and it may say the opposite of an
 * answer. With previous_response_id all of the input is new. Otherwise what follows the first question or answer is.
 * @throws Refusal 400
 */
export function refuseMessages(
  { input, previous_response_id: previous }: CreateBody,
  answered: Answered,
): void {
  if (!Array.isArray(input)) return;
  const isContinued = jobIdOf(previous ?? "") === answered.record.id;
  const since = isContinued ? 0 : input.findIndex(belongsTo(answered));
  const at = input.findIndex(({ role }, index) =>
    index >= since && role !== undefined && role !== "assistant"
  );
  if (at < 0) return;
  throw invalidParam(
    `input[${at}]`,
    "invalid_value",
    `Cannot accept a message together with answers: the response continues with the answers alone, and 'input[${at}]' would be lost. Send the answers without it, and the message when the response has ended; or answer with approve: false, or cancel the response`,
  );
}

/** Whether an item is one of these answers, or what one of them answers. */
function belongsTo({ approvals, outputs }: Answered) {
  const places = new Set([...approvals, ...outputs].map(({ at }) => at));
  const requests = new Set<unknown>(approvals.map(({ answer }) => answer.approval_request_id));
  const calls = new Set<unknown>(outputs.map(({ callId }) => callId));
  return (item: Record<string, unknown>, at: number) =>
    places.has(at) || requests.has(item["id"]) ||
    !isAnswerType(item["type"]) && item["call_id"] !== undefined && calls.has(item["call_id"]);
}
