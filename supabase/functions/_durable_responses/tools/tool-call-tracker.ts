/** The calls of a run while it streams. */
import type { Failure, FailureCode } from "../model/failure.ts";
import { callSchema, isApprovalRequest, isInFlight, type Item } from "../model/items.ts";
import { isLeftCall } from "../model/left-calls.ts";
import type { DoneStep, Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { type ApprovedCall, ApprovedCalls, asApproved, type CallStage } from "./approved-calls.ts";
import type { EffectRules } from "./effect-rules.ts";
import { doneCalls } from "./ledger.ts";
import { isListedAgain, madeTwice, repeatOf } from "./repeated-call.ts";
import { StepIds } from "./step-ids.ts";
import { callKey, stepOf, withoutApproval } from "./step-of-item.ts";
import { isUnreadable, mayBeApproved } from "./what-it-shows.ts";

export interface ToolCallTrackerOptions {
  work: Work;
  /** Learns from what the servers say during the run. */
  effects: EffectRules;
  /** Puts a step into the ledger, soon. The run does not wait for it. */
  save: (step: Step) => void;
  /** Whether the worker wants to hand over at the next boundary. */
  wantsHandOver: () => boolean;
  /** Stops the run between two items, where that does no harm. */
  handOver: () => void;
  /** Registers calls that must not be made twice. The function that it returns is called when their end is known. */
  hold: (stage: CallStage) => () => void;
  /** A call has started that nobody said yes to. */
  onUnapproved: (item: Item, step: Step) => void;
  /** Stops the run because a person must decide: a call was repeated, or nobody knows whether one was made. */
  holdForReview: (why: Failure) => void;
}

/**
 * Follows a run item by item. It writes the ledger, recognizes a call that the ledger has as finished, and finds the moment
 * between two items at which a run may be cut without harm.
 */
export class ToolCallTracker {
  /** Calls whose start is already in the ledger. */
  readonly #approved = new ApprovedCalls();
  /** What the last request with a yes has brought besides approved calls. */
  #others: Item[] = [];
  readonly #started = new Map<string, { server: string; tool: string }>();
  readonly #done: Map<string, DoneStep>;
  readonly #ids: StepIds;
  readonly #held = new Map<CallStage, () => void>();
  /** The ids of calls without a yes that were judged. */
  readonly #unapproved = new Set<string>();
  #hasCalled = false;

  constructor(private readonly options: ToolCallTrackerOptions) {
    const { steps, run_since } = options.work;
    this.#done = doneCalls(steps.filter(({ attempt }) => attempt < run_since));
    this.#ids = new StepIds(options.work.id);
    // Calls that earlier attempts left open are steps of this one now: no other item gets their ids.
    for (const { item_id, item } of options.work.open_calls) this.#ids.keep(item_id, item);
  }

  /** Calls that OpenAI is about to be told to make, as they will be in the ledger. */
  named(calls: ApprovedCall[]): ApprovedCall[] {
    return this.#ids.apart(calls);
  }

  /** Expects such calls: the ledger has them as started. */
  expect(calls: ApprovedCall[]): void {
    this.#others = [];
    for (const call of calls) this.#approved.add(call);
    this.#holdCalls();
  }

  /** Whether OpenAI has made a call in this attempt that the next one need not repeat. */
  get hasCalled(): boolean {
    return this.#hasCalled;
  }

  /** The expected calls that have not started. */
  get unmade(): ApprovedCall[] {
    return this.#approved.unseen;
  }

  /** Whether something that the request has brought may be an expected call, although it was not recognized as one. */
  get isUnclear(): boolean {
    const yeses = this.unmade.flatMap(({ approvalId, sentAs }) => [approvalId, sentAs]);
    return yeses.length > 0 &&
      this.#others.some((item) => mayBeApproved(item, yeses, this.options.effects));
  }

  /** Whether the request has brought something that may be a call, in a form that nobody knows. */
  get isUnreadable(): boolean {
    return this.#others.some(isUnreadable);
  }

  /** The expected calls that never started. They are no longer expected. */
  takeUnmade(): ApprovedCall[] {
    const unmade = this.#approved.takeUnseen();
    this.#holdCalls();
    return unmade;
  }

  /** The id of the step of a call that others make. */
  idOfCall(call: Item): string {
    return this.#ids.of(call, call);
  }

  /** The step of a request for approval: it waits for a person. */
  askedBy(request: Item): Step {
    return stepOf(request, this.options.effects, this.#ids.of(request, request));
  }

  /** The ledger has a call as started before its arguments are known, and so before the tool can act. */
  readonly onItemStarted = (item: Item, place: unknown): void => {
    if (item.type !== "mcp_call") {
      this.#others.push(item);
      return;
    }
    if (this.#approved.begin(item, place)) return this.#holdCalls();
    if (this.#ids.known(place) !== undefined) return;
    this.#others.push(item);
    const step = stepOf(
      { ...item, output: null, error: null, status: "in_progress" },
      this.options.effects,
      this.#ids.of(item, place),
    );
    this.#started.set(step.item_id, { server: step.server_label ?? "", tool: step.tool ?? "" });
    this.#holdCalls();
    this.#noticeUnapproved(item, step);
    this.options.save({ ...step, arguments: step.arguments || undefined, call_key: undefined });
  };

  readonly onArguments = (place: unknown, args: string): void => {
    const itemId = this.#ids.known(place);
    const call = itemId === undefined ? undefined : this.#started.get(itemId);
    if (itemId === undefined || call === undefined) return;
    const key = callKey(call.server, call.tool, args);
    const effect = this.options.effects.effectOf(call.server, call.tool);
    this.options.save({
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
    if (effect === "once" && before !== undefined) {
      this.options.holdForReview(madeTwice(call, before.number));
    }
  };

  /** @param last the run ends with it: there is no boundary any more */
  readonly onItem = (item: Item, place: unknown, last = false): void => {
    const { effects, save, work, wantsHandOver, handOver } = this.options;
    if (item.type === "mcp_list_tools") effects.learn(item);
    // A request for approval is saved with the end of the run: only then does it wait for a person. So is a call that others
    // make: it is made when the response is whole.
    if (isApprovalRequest(item) || isLeftCall(item)) return;
    // Some servers report an item in the middle, and again at its end.
    if (item.type === "mcp_call" && isInFlight(item) && !last) return this.#onInFlight(item, place);
    const approved = this.#approved.finish(item, place);
    const id = approved?.stepId ?? this.#ids.of(item, place);
    const named = approved ? asApproved(item, approved) : item;
    const step = stepOf(approved?.ours ? withoutApproval(named) : named, effects, id);
    if (!approved) this.#others.push(item);
    if (!approved && step.kind === "mcp_call") this.#judgeMade(item, step);
    this.#started.delete(id);
    this.#hasCalled ||= step.kind.endsWith("_call");
    save(step);
    this.#holdCalls();
    // The model would get an error and might call again, so a person decides first.
    if (step.status === "uncertain" && work.on_uncertain === "review") {
      this.#holdForReview(
        "call_uncertain",
        `Cannot tell whether ${step.tool} at ${step.server_label} happened: its error is not surely the tool's own, such as a connection that failed during the call`,
      );
      return;
    }
    // A message is followed by the end of the run: cutting there would throw the answer away.
    const { announced, begun } = this.#approved.open;
    const boundary = item.type !== "message" && this.#started.size + announced + begun === 0;
    if (boundary && !last && wantsHandOver()) handOver();
  };

  /** A call that nobody said yes to may be shown only when it was made. */
  #judgeMade(item: Item, step: Step): void {
    const before = this.#done.get(step.call_key ?? "");
    if (before !== undefined && isListedAgain(before, item)) return;
    this.#noticeUnapproved(item, step);
    const repeat = repeatOf(step, this.#done);
    if (repeat !== undefined) this.options.holdForReview(repeat);
  }

  #noticeUnapproved(item: Item, step: Step): void {
    if (this.#unapproved.has(step.item_id)) return;
    this.#unapproved.add(step.item_id);
    this.options.onUnapproved(item, step);
  }

  #onInFlight(item: Item, place: unknown): void {
    this.onItemStarted(item, place);
    const { arguments: args } = callSchema.parse(item);
    if (args !== "") this.onArguments(place, args);
  }

  /** Holds each stage while it has calls that must not be made twice. */
  #holdCalls(): void {
    const { effects, hold } = this.options;
    const { announced, begun } = this.#approved.open;
    const started = [...this.#started.values()].filter(({ server, tool }) =>
      effects.effectOf(server, tool) === "once"
    );
    const open: Record<CallStage, number> = { announced, begun: begun + started.length };
    for (const stage of ["begun", "announced"] as const) {
      const release = this.#held.get(stage);
      if (open[stage] > 0) this.#held.set(stage, release ?? hold(stage));
      else if (release !== undefined) {
        this.#held.delete(stage);
        release();
      }
    }
  }

  #holdForReview(code: FailureCode, message: string): void {
    this.options.holdForReview(makeFailure(code, message));
  }
}
