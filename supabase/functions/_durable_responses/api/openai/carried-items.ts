/**
 * The items of a response that go into a request that continues from it. They have OpenAI's own ids, because they are sent
 * to OpenAI.
 */
import { type Item, readItem } from "../../model/items.ts";
import { answers, isLeftCall } from "../../model/left-calls.ts";
import { isCallKind } from "../../model/status.ts";
import { answerItem } from "../../tools/own/answer-item.ts";
import { itemAndParts } from "../../tools/own/call-steps.ts";
import { idOfHandedOut } from "./handed-out.ts";
import { betweenItems, outputItems } from "./output.ts";
import type { ResponseRecord } from "./record.ts";

/**
 * Left out: the next run reasons for itself and asks the servers for their tools. The result of an approval is in its call.
 */
const notCarried = new Set([
  "reasoning",
  "mcp_list_tools",
  "mcp_approval_request",
  "mcp_approval_response",
]);

/** All items, in order. */
export function carriedItems(record: ResponseRecord): Item[] {
  const all = record.output ?? outputItems(record).map(({ from }) => from);
  const pairs = pairsIn(record);
  return all.flatMap((item) => carried(item, pairs));
}

/**
 * The same items by the ids that callers know. The id of a function call gives the call and its output; of a call that was
 * never answered, nothing.
 */
export function carriedById(record: ResponseRecord): Map<unknown, Item[]> {
  const known = new Map<unknown, Item[]>();
  const pairs = pairsIn(record);
  for (const { item, from } of [...outputItems(record), ...betweenItems(record)]) {
    known.set(item["id"], carried(from, pairs));
  }
  const made = Map.groupBy(
    (record.output ?? []).filter(isLeftCall),
    (call) => String(call["call_id"]),
  );
  for (const handed of record.handed_out) {
    const call = made.get(handed.call_id ?? "")?.shift();
    const items = call ? carried(call, pairs) : answeredCall(handed);
    known.set(idOfHandedOut(record, handed), items);
  }
  return known;
}

/** An answered call of a job that has no output. */
function answeredCall({ kind, item, output, error }: ResponseRecord["handed_out"][number]): Item[] {
  if (item === undefined || !isCallKind(kind)) return [];
  const { item: call, parts } = itemAndParts(item);
  const end = { output: output ?? null, error: error ?? null, parts };
  const answer = answerItem(kind, call["call_id"], end);
  return answer ? [call, readItem(answer)] : [];
}

/** Calls of an output, and their answers. */
interface Pairs {
  answerOf: ReadonlyMap<Item, Item>;
  answers: ReadonlySet<Item>;
}

/** If an API uses a call's id again, calls and answers have the same order. */
function pairsIn({ output }: ResponseRecord): Pairs {
  const taken = new Set<Item>();
  const answerOf = new Map<Item, Item>();
  for (const call of (output ?? []).filter(isLeftCall)) {
    const answer = output?.find((other) => !taken.has(other) && answers(other, call));
    if (!answer) continue;
    taken.add(answer);
    answerOf.set(call, answer);
  }
  return { answerOf, answers: taken };
}

function carried(item: Item, pairs: Pairs): Item[] {
  if (notCarried.has(item.type)) return [];
  if (isLeftCall(item)) {
    const answer = pairs.answerOf.get(item);
    // OpenAI accepts no call without its output.
    return answer ? [item, answer] : [];
  }
  // It goes with its call.
  if (pairs.answers.has(item)) return [];
  // The request for approval that it names is not in the new request.
  return [
    typeof item["approval_request_id"] === "string" ? { ...item, approval_request_id: null } : item,
  ];
}
