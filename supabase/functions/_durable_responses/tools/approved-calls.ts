/** Approved calls, from the yes until each is seen to finish. */
import type { Item } from "../model/items.ts";
import type { Effect } from "../model/status.ts";
import type { Step } from "../model/step.ts";

/** A call that OpenAI was told to make, or is about to be told to make. */
export interface ApprovedCall {
  /** The step that represents it: OpenAI gives a call its own id only when it makes it. */
  stepId: string;
  approvalId: string;
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

/** The id of the step of an approved call. It looks like a call's id, so that it can stand in for one. */
export function stepIdOf(approvalId: string): string {
  return `mcp_${approvalId.replace(/^mcpr_/, "")}`;
}

/** The approved calls of one run, until each is seen to finish. */
export class ApprovedCalls {
  readonly #unseen = new Map<string, ApprovedCall>();
  /** By the place of the call that was seen to start. */
  readonly #seen = new Map<unknown, ApprovedCall>();

  /** How many have not finished, by stage. */
  get open(): Record<CallStage, number> {
    return { announced: this.#unseen.size, begun: this.#seen.size };
  }

  /** Those whose start was not seen. */
  get unseen(): ApprovedCall[] {
    return [...this.#unseen.values()];
  }

  add(call: ApprovedCall): void {
    this.#unseen.set(call.approvalId, call);
  }

  /** Finds the approved call that an `mcp_call` item starts, or undefined if nobody approved it. */
  begin(item: Item, place: unknown): ApprovedCall | undefined {
    const call = this.#find(item);
    if (call === undefined) return undefined;
    this.#unseen.delete(call.approvalId);
    this.#seen.set(place, call);
    return call;
  }

  /** Finds the approved call that an `mcp_call` item ends, whether or not its start was seen. */
  finish(item: Item, place: unknown): ApprovedCall | undefined {
    const call = this.#seen.get(place) ?? this.#find(item);
    if (call === undefined) return undefined;
    this.#unseen.delete(call.approvalId);
    this.#seen.delete(place);
    return call;
  }

  /** Takes out those whose start was never seen. */
  takeUnseen(): ApprovedCall[] {
    const calls = this.unseen;
    this.#unseen.clear();
    return calls;
  }

  /** By the request that it answers. An item that names none is the next approved call of its tool. */
  #find(item: Item): ApprovedCall | undefined {
    if (item.type !== "mcp_call") return undefined;
    const asked = item["approval_request_id"];
    if (typeof asked === "string") return this.#unseen.get(asked);
    return [...this.#unseen.values()].find(({ server, tool }) =>
      server === item["server_label"] && tool === item["name"]
    );
  }
}
