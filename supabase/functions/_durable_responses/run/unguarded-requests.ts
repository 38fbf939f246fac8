/** Requests whose response may make calls that must not be made twice, without being told to by us. */
import type { Failure } from "../model/failure.ts";
import type { Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import {
  asksForSomething,
  nameOf,
  type Streamed,
  type UpstreamResponse,
} from "../model/upstream-response.ts";
import { isResult } from "../openai/verdict.ts";
import { makeFailure } from "../platform/make-failure.ts";
import type { Plan } from "../profiles/plan.ts";
import { hasUnguardedTools } from "../tools/effect-rules.ts";
import { openYesesOf } from "../tools/unapproved-calls.ts";
import { hidesRun } from "../tools/what-it-shows.ts";
import type { RunStop } from "./run-stop.ts";
import type { StepWriter } from "./step-writer.ts";

export interface UnguardedRequestsOptions {
  work: Work;
  plan: Plan;
  stop: RunStop;
  stepWriter: StepWriter;
}

/**
 * The requests of one attempt. The guard writes a call into the ledger before OpenAI may make it. Where that is not possible (an
 * API ignores `require_approval`, the caller's input has a yes, OpenAI runs a shell), the whole request is written instead. It
 * is in flight until it is refused, or its response has shown what it did. If the attempt ends before, nobody knows what was
 * called, and a person decides. A profile with `guard: "off"` does without.
 */
export class UnguardedRequests {
  #isUnguarded: boolean;
  #sent = 0;
  #open: { step: Step; release: () => void } | undefined;

  constructor(private readonly options: UnguardedRequestsOptions) {
    const { work, plan: { body, sideEffects } } = options;
    this.#isUnguarded = work.ignores_approval || openYesesOf(body).size > 0 ||
      hasUnguardedTools(body, sideEffects);
  }

  /** Whether a request is in flight of which nobody knows what it does. */
  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** A call was made without its yes: from now on, requests of this attempt are written, too. */
  notice(): void {
    this.#isUnguarded = true;
  }

  /** The row of the request that is about to be sent; none if its calls have rows of their own. */
  begin(): Step[] {
    const { work, plan, stop } = this.options;
    const mayAct = work.once_tools && work.on_uncertain === "review" && plan.guard !== "off";
    if (!mayAct || !this.#isUnguarded) return [];
    const step: Step = {
      item_id: `unguarded_run_${++this.#sent}`,
      kind: "unguarded_run",
      status: "started",
      effect: "once",
    };
    this.#open = { step, release: stop.hold("announced") };
    return [step];
  }

  /** It was not sent, or has shown what it did. */
  end(): void {
    if (this.#open === undefined) return;
    const { step, release } = this.#open;
    this.#open = undefined;
    this.options.stepWriter.save({ ...step, status: "void" });
    release();
  }

  /** Why nobody can tell from its response what it did; undefined if that is shown, or if it ends the job with an answer. */
  hiddenIn(response: UpstreamResponse, streamed: Streamed): Failure | undefined {
    if (this.#open === undefined || !hidesRun(response, streamed)) return undefined;
    const { output } = this.options.plan;
    if (!asksForSomething(response) && isResult(response, output)) return undefined;
    return makeFailure(
      "call_uncertain",
      `Cannot tell whether ${
        nameOf(response)
      } called tools: nobody was asked before, and it is ${response.status} without showing what it did`,
    );
  }
}
