/** What the ledger of a job says: which calls have finished, and which were approved and never seen. */
import type { DoneStep } from "../model/job.ts";
import { ownRequestId, stepIdOf } from "./approved-calls.ts";
import { callAskedAbout } from "./own/call-steps.ts";
import { callKey } from "./step-of-item.ts";

/** The finished calls of earlier runs that must not be made twice, by their key. */
export function doneCalls(steps: DoneStep[]): Map<string, DoneStep> {
  return new Map(
    steps.flatMap((step) =>
      step.effect === "once" && step.call_key && step.error === null ? [[step.call_key, step]] : []
    ),
  );
}

/** The requests for approval that got a yes, by whether their calls were made. */
export interface Approvals {
  /** The call of each yes that was used. Each call uses one, and each is used once. */
  made: ReadonlyMap<DoneStep, DoneStep>;
  /** Requests whose calls nobody has seen: the next request that carries them has their yes. */
  pending: DoneStep[];
  /** Requests whose calls were not made although a later response has asked again: their yes is not sent any more. */
  lapsed: ReadonlySet<DoneStep>;
}

/**
 * Finds the call of each yes. Ids do not identify a request: some servers number theirs in each response anew. So a call
 * belongs to a request before it, whose call it is, or else which it names; the last one, if there are several.
 */
export function approvalsIn(steps: DoneStep[]): Approvals {
  const requests = steps.filter(isRequest);
  const open = new Set(requests.filter(({ answer }) => answer?.["approve"] === true));
  const made = new Map<DoneStep, DoneStep>();
  for (const call of steps) {
    if (call.kind !== "mcp_call") continue;
    const request = requestOf(call, [...open], requests);
    if (request === undefined) continue;
    open.delete(request);
    made.set(request, call);
  }
  // A job's retry has the steps of the old job as those of attempt 0.
  const last = Math.max(...requests.map(({ attempt }) => attempt));
  return {
    made,
    pending: [...open].filter(({ attempt }) => attempt === last),
    lapsed: new Set([...open].filter(({ attempt }) => attempt < last)),
  };
}

/** Requests for approval that got a yes, and whose calls nobody has seen. */
export function pendingApprovals(steps: DoneStep[]): DoneStep[] {
  return approvalsIn(steps).pending;
}

/** The steps of a run's earlier rounds once a later one has ended: a yes that it has not used has lapsed. */
export function withoutLapsed(earlier: DoneStep[], round: DoneStep[]): DoneStep[] {
  const pending = new Set(pendingApprovals([...earlier, ...round]));
  return [...earlier.filter((step) => !pending.has(step)), ...round];
}

/** Whether OpenAI has asked with it: OpenAI does not see our own questions. */
export function isRequest({ kind, item }: DoneStep): boolean {
  return kind === "mcp_approval_request" && item !== null && callAskedAbout(item) === undefined;
}

/** The request that approved a call. OpenAI would act again on an approval without a call. */
function requestOf(
  call: DoneStep,
  open: DoneStep[],
  requests: DoneStep[],
): DoneStep | undefined {
  const before = open.filter((request) =>
    request.attempt <= call.attempt && request.number < call.number &&
    request.server_label === call.server_label && request.tool === call.tool
  );
  const names = (request: DoneStep) => namesRequest(call, request);
  const isSame = (request: DoneStep) => keyOf(request) === keyOf(call);
  return before.findLast((request) => names(request) && isSame(request)) ??
    // As ApprovedCalls does while the call is made: ids may be mixed up, or stale, and arguments are not.
    before.findLast(isSame) ??
    before.findLast(names) ??
    // One that a person has confirmed, and of which nobody saw more than its start.
    (requests.some(names)
      ? undefined
      : before.findLast(() => call.item === null && !call.arguments));
}

function namesRequest({ item, item_id }: DoneStep, request: DoneStep): boolean {
  const id = request.item?.["id"];
  const named = item?.["approval_request_id"];
  if (typeof named === "string") return named === id || named === ownRequestId(request);
  return typeof id === "string" && givenId(item_id) === stepIdOf(id);
}

/** The id that a step had first: the ledger of a retried job has the attempt in front of it. */
export function givenId(itemId: string): string {
  return itemId.replace(/^(?:\d+:)+/, "");
}

function keyOf({ server_label, tool, arguments: args }: DoneStep): string {
  return callKey(server_label ?? "", tool ?? "", args ?? "");
}
