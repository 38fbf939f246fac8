import type { SideEffects } from "../model/effect.ts";
import type { Failure, FailureCode } from "../model/failure.ts";
import { isApprovalRequest } from "../model/items.ts";
import type { Item } from "../model/outcome.ts";
import type { DoneStep, Work } from "../model/rows.ts";
import type { Step } from "../model/step.ts";
import { failure } from "../platform/failures.ts";
import { ApprovedCalls } from "./approved-calls.ts";
import { doneCalls } from "./done-calls.ts";
import { EffectRules } from "./effect-rules.ts";
import { callKey, stepOf, unasked } from "./step-of-item.ts";

/** What a run must be told while it streams; `stop` ends it. */
export interface TrackerOptions {
  work: Work;
  rules: SideEffects;
  recorder: { save(step: Step): void };
  /** Whether the worker would like to hand over at the next boundary. */
  wantsHandOver: () => boolean;
  stop: () => void;
}

/**
 * Follows a run item by item: writes the ledger, recognises a call that the ledger says is done already,
 * and finds the moment between two items at which a run may be cut without harm.
 */
export class Tracker {
  readonly effects: EffectRules;
  /** Calls whose beginning is on the ledger already. */
  readonly approved = new ApprovedCalls();
  /** Set when the run was stopped because a person must look: a call repeated, or one that may have happened. */
  quarantine: Failure | undefined;
  readonly #started = new Map<string, { server: string; tool: string }>();
  readonly #done: Map<string, DoneStep>;

  constructor(private readonly options: TrackerOptions) {
    this.effects = new EffectRules(options.rules);
    const { steps } = options.work;
    for (const step of steps) if (step.item) this.effects.learn(step.item);
    this.#done = doneCalls(steps);
  }

  /** Before its arguments are known, and so before the tool can act, the ledger says that a call began. */
  onItemStarted = (item: Item): void => {
    if (item.type !== "mcp_call" || this.approved.begin(item)) return;
    const step = stepOf(
      { ...item, output: null, error: null, status: "in_progress" },
      this.effects,
    );
    this.#started.set(step.item_id, { server: step.server_label ?? "", tool: step.tool ?? "" });
    this.options.recorder.save({
      ...step,
      arguments: step.arguments || undefined,
      call_key: undefined,
    });
  };

  onArguments = (itemId: string, args: string): void => {
    const call = this.#started.get(itemId);
    if (!call) return;
    const key = callKey(call.server, call.tool, args);
    const effect = this.effects.effectOf(call.server, call.tool);
    this.options.recorder.save({
      item_id: itemId,
      kind: "mcp_call",
      status: "started",
      effect,
      server_label: call.server,
      tool: call.tool,
      arguments: args,
      call_key: key,
    });
    const before = this.#done.get(key);
    if (effect !== "once" || before === undefined) return;
    this.#stop(
      "repeated_call",
      `Cannot go on: the run began ${call.tool} at ${call.server} with the same arguments as step ${before.number}, which is done; it was stopped, but the call may have been made a second time`,
    );
  };

  onItem = (item: Item): void => {
    if (item.type === "mcp_list_tools") this.effects.learn(item);
    // A request for approval is saved with the end of the run: only then does it wait for a person.
    if (isApprovalRequest(item)) return;
    const approved = this.approved.finish(item);
    const step = stepOf(approved?.ours ? unasked(item) : item, this.effects);
    this.#started.delete(step.item_id);
    if (approved) step.item_id = approved.stepId;
    this.options.recorder.save(step);
    // The model would be told of an error and might well call again: better a person looks first.
    if (step.status === "uncertain" && this.options.work.on_uncertain === "review") {
      this.#stop(
        "call_uncertain",
        `Cannot tell whether ${step.tool} at ${step.server_label} happened: the connection to the tool failed during the call`,
      );
      return;
    }
    // A message is followed by the end of the run: cutting there would throw the answer away.
    const boundary = item.type !== "message" && this.#started.size + this.approved.size === 0;
    if (boundary && this.options.wantsHandOver()) this.options.stop();
  };

  #stop(code: FailureCode, message: string): void {
    this.quarantine ??= failure(code, message);
    this.options.stop();
  }
}
