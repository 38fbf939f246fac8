/** Finished steps in the form of items, for the run that continues after them. */
import { isAltered } from "../db/sanitize.ts";
import { canonicalJson } from "../model/canonical.ts";
import type { Item } from "../model/items.ts";
import type { DoneStep } from "../model/job.ts";
import { leftKindOf } from "../model/left-calls.ts";
import { textOf } from "../model/lenient.ts";
import type { InputItem } from "../model/request.ts";
import { ownRequestId } from "../tools/approved-calls.ts";
import { approvalsIn, givenId, isRequest } from "../tools/ledger.ts";
import { answerItem } from "../tools/own/answer-item.ts";
import { callAskedAbout, itemAndParts, upstreamIdOf } from "../tools/own/call-steps.ts";

/** Items that state no fact: the next run makes those after the last fact again. */
const regeneratedKinds = new Set(["reasoning", "message"]);

/** Whether a later run makes such an item again. */
export function isRegenerated({ kind }: DoneStep): boolean {
  return regeneratedKinds.has(kind);
}

/** Steps without the reasoning at their end, which belonged to something that never came. */
export function untilLastFact(steps: DoneStep[]): DoneStep[] {
  return steps.slice(0, steps.findLastIndex((step) => !isRegenerated(step)) + 1);
}

/** A step as the items that a later run gets. */
export function itemsOf(step: DoneStep, steps: DoneStep[]): InputItem[] {
  // OpenAI does not see our own questions.
  if (step.item !== null && callAskedAbout(step.item) !== undefined) return [];
  if (step.kind === "mcp_approval_request" && step.item !== null) {
    return [withTextArguments(step.item), ...answerOf(step)];
  }
  if (leftKindOf(step) !== undefined && step.item !== null) {
    return [withTextArguments(itemAndParts(step.item).item), ...outputOf(step)];
  }
  if (step.item !== null) return [withTextArguments(step.item)];
  if (step.kind !== "mcp_call") return [];
  // A call that a person has confirmed: nobody saw it finish, so the item is made from the ledger.
  const approval = requestBefore(step, steps)?.item?.["id"];
  return [{
    type: "mcp_call",
    id: givenId(step.item_id),
    ...(approval === undefined ? {} : { approval_request_id: approval }),
    server_label: step.server_label ?? "",
    name: step.tool ?? "",
    arguments: step.arguments || "{}",
    output: step.output,
  }];
}

/** Items whose arguments are JSON as text. Those of a `tool_search_call` are an object. */
const withText = new Set(["mcp_approval_request", "mcp_call", "function_call"]);

/** Some servers write arguments as an object, or null, and take them back only as text, as OpenAI does. */
function withTextArguments(item: Item): Item {
  const { arguments: args } = item;
  if (!withText.has(item.type) || !("arguments" in item) || typeof args === "string") return item;
  return { ...item, arguments: textOf(args, "{}") };
}

/** The answer to a request for approval, as an item. */
export function answerOf(step: DoneStep): InputItem[] {
  if (step.kind !== "mcp_approval_request" || step.item === null) return [];
  if (callAskedAbout(step.item) !== undefined) return [];
  const { approve, reason } = step.answer ?? {};
  return [{
    type: "mcp_approval_response",
    approval_request_id: String(step.item["id"] ?? step.item_id),
    approve: approve === true,
    ...(typeof reason === "string" ? { reason } : {}),
  }];
}

/** The outcome of a call that OpenAI left to others, as an item beside the call's own. */
export function outputOf(step: DoneStep): InputItem[] {
  return endOf(step, ({ call_id: callId }) => callId);
}

/** The same for an API that has the call, under the id that it gave it. */
export function outputAtItsPlace(step: DoneStep): InputItem[] {
  return endOf(step, upstreamIdOf);
}

function endOf(step: DoneStep, idOf: (call: Item) => unknown): InputItem[] {
  const { item, output, error } = step;
  const kind = leftKindOf(step);
  if (kind === undefined || item === null) return [];
  const { parts } = itemAndParts(item);
  return [answerItem(kind, idOf(item), { output, error, parts })].filter((told) =>
    told !== undefined
  );
}

/**
 * The finished items of earlier runs that a later run gets, and of which OpenAI takes each id once. Where several requests
 * have the same id, or one has none, each gets an id of its own, with its answer and its call: nothing but its own answer
 * may say yes to it. A yes that has lapsed is left out.
 * @param given the ids in the caller's own input, which may be of an earlier conversation with the same server
 */
export function carriedItems(
  steps: DoneStep[],
  given: ReadonlySet<unknown> = new Set(),
): InputItem[] {
  const carried = untilLastFact(steps);
  const { made, lapsed } = approvalsIn(carried);
  const requests = carried.filter((step) => isRequest(step) && !lapsed.has(step));
  const unclear = new Set(requests.filter((step) => !isOnlyOne(step, requests, given)));
  const requestOf = new Map([...made].map(([request, call]) => [call, request]));
  const sentId = (request: DoneStep) =>
    unclear.has(request) ? ownId(request) : request.item?.["id"];
  const sent = new Map<unknown, DoneStep>();
  return carried.flatMap((step) => {
    if (lapsed.has(step)) return [];
    const [first, ...answers] = itemsOf(step, carried);
    if (first === undefined) return [];
    const id = unclear.has(step) ? ownId(step) : first["id"];
    const before = sent.get(id);
    if (id !== undefined && before !== undefined && isSame(before, step, requestOf)) return [];
    sent.set(id, step);
    const isFree = before === undefined && !given.has(id);
    const own = isFree || id === undefined ? id : ownId(step);
    const request = requestOf.get(step);
    return [
      {
        ...first,
        ...(own === undefined ? {} : { id: own }),
        // OpenAI would act again on a yes that no call names.
        ...(request === undefined ? {} : { approval_request_id: sentId(request) }),
      },
      ...answers.map((answer) =>
        unclear.has(step) ? { ...answer, approval_request_id: ownId(step) } : answer
      ),
    ];
  });
}

/** Whether a request, or a call that OpenAI left to others, can be answered by the id that it came with. */
export function isOnlyOne(
  step: DoneStep,
  asked: DoneStep[],
  given: ReadonlySet<unknown>,
): boolean {
  const id = askedId(step);
  // One that could not be stored as it came names nothing at the API.
  return typeof id === "string" && id !== "" && !isAltered(id) && !given.has(id) &&
    asked.filter((other) => isRequest(other) === isRequest(step) && askedId(other) === id)
        .length === 1;
}

function askedId(step: DoneStep): unknown {
  if (step.item === null) return undefined;
  return isRequest(step) ? step.item["id"] : leftKindOf(step) && upstreamIdOf(step.item);
}

/** An id that no other item of the job has. */
function ownId(step: DoneStep): string {
  const { kind, number } = step;
  return kind === "mcp_approval_request" ? ownRequestId(step) : `${kind}_step_${number}`;
}

function requestBefore(call: DoneStep, steps: DoneStep[]): DoneStep | undefined {
  return [...approvalsIn(steps).made].find(([, made]) => made === call)?.[0];
}

/**
 * Whether a step with an id that was sent already is the same thing: an id alone does not say so, because some servers number
 * their items in each response anew. The ledger has a call twice if it was made again after a person had said that it was not
 * made, and a late report says that it was. The call_id of a call that OpenAI leaves to others is unique in the job.
 */
function isSame(
  before: DoneStep,
  step: DoneStep,
  requestOf: ReadonlyMap<DoneStep, DoneStep>,
): boolean {
  if (before.kind !== step.kind) return false;
  if (leftKindOf(step) !== undefined) return before.item?.["call_id"] === step.item?.["call_id"];
  if (step.kind === "mcp_call") {
    return before.call_key === step.call_key && before.output === step.output &&
      before.error === step.error && !(requestOf.has(before) && requestOf.has(step));
  }
  return canonicalJson(JSON.stringify(before.item)) === canonicalJson(JSON.stringify(step.item));
}
