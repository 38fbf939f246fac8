/** Approved calls, from the yes until each is seen to finish. */
import { placeOfUpstreamId } from "../model/ids.ts";
import { callSchema, type Item } from "../model/items.ts";
import { isRecord } from "../model/is-record.ts";
import { jsonOf } from "../model/json-of.ts";
import type { Effect } from "../model/status.ts";
import type { Step } from "../model/step.ts";
import { callKey } from "./step-of-item.ts";

/** A call that OpenAI was told to make, or is about to be told to make. */
export interface ApprovedCall {
  /** The step that represents it: OpenAI gives a call its own id only when it makes it. */
  stepId: string;
  approvalId: string;
  /** The id under which the request was sent back to OpenAI, where its own is not the only one: see carriedItems. */
  sentAs: string;
  server: string;
  tool: string;
  arguments: string;
  key: string;
  effect: Effect;
  /** True if the guard gave the yes and not a person: then the question and its answer are not kept. */
  ours: boolean;
}

/** The stage of a call that must not be made twice. */
export type CallStage =
  /** OpenAI may make it at any moment. */
  | "announced"
  /** It is being made. */
  | "begun";

/** The step that says that a call may be made, before OpenAI may make it. */
export function startOf(call: ApprovedCall): Step {
  return {
    item_id: call.stepId,
    kind: "mcp_call",
    status: "started",
    effect: call.effect,
    server_label: call.server,
    tool: call.tool,
    arguments: call.arguments,
    call_key: call.key,
  };
}

/** Longest id of a request that its call's step has, too, in characters: an index must be able to store it. */
const longestId = 180;

/** The id of the step of an approved call, unless it is taken: see StepIds. It looks like a call's id, so that it can stand in for one. */
export function stepIdOf(approvalId: string): string {
  const id = approvalId.replace(/^mcpr_/, "");
  return `mcp_${id.length > longestId ? `${id.slice(0, 100)}_${placeOfUpstreamId(id)}` : id}`;
}

/** Whether a call names a request for approval, by either of its ids. */
export function namesYes(item: Item, { approvalId, sentAs }: ApprovedCall): boolean {
  const named = item["approval_request_id"];
  return named === approvalId && approvalId !== "" || named === sentAs;
}

/** The beginning of the ids that we give to requests for approval whose own ids are not unique. */
export const ownRequest = "mcpr_step_";

/** Such an id, for the request of a step. */
export function ownRequestId(step: { number: number }): string {
  return `${ownRequest}${step.number}`;
}

interface Open {
  call: ApprovedCall;
  /** The place of the call that was seen to start. */
  place?: unknown;
}

/** Whether a call with these arguments, which names a yes and another tool, is the one that had it: a gateway renames tools. */
function isUnderOtherNames(args: string, { server, tool, key }: ApprovedCall): boolean {
  return args === "" || callKey(server, tool, args) === key;
}

/**
 * The item of an approved call as it was approved: under its names, and with its arguments. A gateway may rename tools, or cut,
 * mask or rewrite arguments, and what was approved would then look as if it had not been done.
 */
export function asApproved(item: Item, call: ApprovedCall): Item {
  const { server_label: server, name, arguments: args } = callSchema.parse(item);
  const isNamed = namesYes(item, call);
  // The ledger must not say that it has used the yes to another call.
  const isMixedUp = typeof item["approval_request_id"] === "string" && !isNamed &&
    call.approvalId !== "";
  const named = isMixedUp ? { ...item, approval_request_id: call.approvalId } : item;
  if (callKey(server, name, args) === call.key) return named;
  // One that names no yes may be another call: then what it says counts.
  const told = isNamed || !isRecord(jsonOf(args)) ? call.arguments : args;
  return { ...named, server_label: call.server, name: call.tool, arguments: told };
}

/** The approved calls of one run, until each is seen to finish. */
export class ApprovedCalls {
  #open: Open[] = [];
  /** By place: an API may report an item several times. */
  readonly #ended = new Map<unknown, ApprovedCall>();

  /** How many have not finished, by stage. */
  get open(): Record<CallStage, number> {
    const announced = this.unseen.length;
    return { announced, begun: this.#open.length - announced };
  }

  /** Those whose start was not seen. */
  get unseen(): ApprovedCall[] {
    return this.#open.filter(({ place }) => place === undefined).map(({ call }) => call);
  }

  add(call: ApprovedCall): void {
    this.#open.push({ call });
  }

  /** Finds the approved call that an `mcp_call` item starts, or undefined if nobody approved it. */
  begin(item: Item, place: unknown): ApprovedCall | undefined {
    const known = this.#open.find((each) => each.place === place)?.call ?? this.#ended.get(place);
    if (known !== undefined) return known;
    const open = this.#find(item, this.#open.filter((each) => each.place === undefined));
    if (open === undefined) return undefined;
    open.place = place;
    return open.call;
  }

  /** Finds the approved call that an `mcp_call` item ends, whether or not its start was seen. */
  finish(item: Item, place: unknown): ApprovedCall | undefined {
    const ended = this.#ended.get(place);
    if (ended !== undefined) return ended;
    const begun = this.#open.find((each) => each.place === place);
    // Its arguments say which call it is. Before they were there, two with the same id looked alike.
    const open = this.#find(item, this.#open, true) ?? begun ??
      this.#find(item, this.#open.filter((each) => each.place === undefined));
    if (open === undefined) return undefined;
    if (begun !== undefined) begun.place = open.place;
    this.#open = this.#open.filter((each) => each !== open);
    this.#ended.set(place, open.call);
    return open.call;
  }

  /** Takes out those whose start was never seen. */
  takeUnseen(): ApprovedCall[] {
    const calls = this.unseen;
    this.#open = this.#open.filter(({ place }) => place !== undefined);
    return calls;
  }

  /**
   * By the request that it answers and by its arguments, as far as it has them. An id may have changed on the way, or be that
   * of several requests. An item that names none, or has no arguments yet, is the next approved call of its tool.
   * @param exactly whether its arguments must be those that were approved
   */
  #find(item: Item, open: Open[], exactly = false): Open | undefined {
    if (item.type !== "mcp_call") return undefined;
    const { server_label: server, name: tool, arguments: args } = callSchema.parse(item);
    const asked = item["approval_request_id"];
    const ofTool = open.filter(({ call }) => call.server === server && call.tool === tool);
    const same = ofTool.filter(({ call }) => call.key === callKey(server, tool, args));
    const isNamed = ({ call }: Open) => namesYes(item, call);
    const exact = same.find(isNamed) ?? same[0];
    if (exact !== undefined || exactly) return exact;
    const isUnclear = typeof asked !== "string" || args === "";
    return ofTool.find(isNamed) ?? (isUnclear ? ofTool[0] : undefined) ??
      open.find((each) => isNamed(each) && isUnderOtherNames(args, each.call));
  }
}
