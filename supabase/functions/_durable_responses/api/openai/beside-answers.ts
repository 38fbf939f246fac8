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
  const since = isContinued ? 0 : beginningOf(answered, input);
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

/**
 * Where the first of the answers stands, or what one of them answers. What an answer is for is the last item before it that
 * has the id: an API may use a call_id again in a later turn.
 */
function beginningOf({ approvals, outputs }: Answered, input: Record<string, unknown>[]): number {
  const places = [
    ...approvals.map(({ at, answer }) => before(at, ({ id }) => id === answer.approval_request_id)),
    ...outputs.map(({ at, callId }) =>
      before(at, ({ type, call_id }) => !isAnswerType(type) && call_id === callId)
    ),
  ];
  return Math.min(...places);

  function before(at: number, asks: (item: Record<string, unknown>) => boolean): number {
    const question = input.findLastIndex((item, index) => index < at && asks(item));
    return question < 0 ? at : question;
  }
}
