import * as jobs from "../db/jobs.ts";
import { persist } from "../db/persist.ts";
import type { Outcome } from "../model/outcome.ts";
import type { RequestBody } from "../model/request.ts";
import type { DoneStep, Work } from "../model/rows.ts";
import { metadataFor } from "../openai/background.ts";
import { type RunResult, runStreamed } from "../openai/run.ts";
import type { Plan } from "../profiles/resolve.ts";
import { type ApprovedCall, startOf } from "../tools/approved-calls.ts";
import { Gate } from "../tools/gate.ts";
import type { Tracker } from "../tools/tracker.ts";
import { untilLastFact } from "./continuation.ts";
import type { TextSink } from "./live/live-text.ts";
import { warn } from "./notes.ts";
import type { Recorder } from "./recorder.ts";
import { formsFor, refusedForm, refusedReasoning } from "./resume.ts";
import { turnSteps } from "./turn-steps.ts";
import { joinTurns } from "./turns.ts";

/** How a worker steers a run. */
export interface Control {
  /** Aborted when the lease is lost or the worker's time is up; then the run's end is not written here. */
  controller: AbortController;
  /** Whether the run should end at the next boundary between items. */
  wantsHandOver: () => boolean;
}

/** What a run is made of. */
export interface Parts {
  work: Work;
  plan: Plan;
  control: Control;
  tracker: Tracker;
  recorder: Recorder;
  text: TextSink;
}

/**
 * One attempt's talk with OpenAI: a request and, as long as its response stops to ask before a call, the
 * next one with the answers. All of it is one run to whoever looks.
 */
export class Dialogue {
  readonly #gate: Gate;
  readonly #since = performance.now();
  readonly #turns: Outcome[] = [];

  constructor(private readonly parts: Parts) {
    const { work, plan, tracker } = parts;
    this.#gate = new Gate(work, plan.body, tracker.effects);
  }

  async run(): Promise<RunResult> {
    const { work, control, tracker } = this.parts;
    let steps = work.steps;
    let calls = this.#gate.approvedBefore();
    for (;;) {
      if (!await this.#begin(calls)) return { kind: "aborted" };
      const result = await this.#goOn(steps);
      this.#forgetUnmade(result);
      if (result.kind !== "done") return result;
      const { outcome } = result;
      const decision = this.#gate.decide(outcome);
      if (decision.kind === "stop") {
        return { ...result, outcome: joinTurns(this.#turns, outcome) };
      }
      if (decision.kind === "quarantine") tracker.quarantine = decision.failure;
      if (decision.kind === "quarantine" || control.wantsHandOver()) {
        control.controller.abort();
        return { kind: "aborted" };
      }
      for (const repeat of decision.repeats) await warn(work, repeat);
      this.#turns.push(outcome);
      calls = decision.calls;
      steps = [
        ...untilLastFact(steps),
        ...turnSteps(outcome.output, decision.answers, tracker.effects, {
          attempt: work.attempt,
          after: steps.at(-1)?.number ?? 0,
        }),
      ];
    }
  }

  /** Sends what is asked and done in the first form that the API takes. */
  async #goOn(steps: DoneStep[]): Promise<RunResult> {
    const { work, plan } = this.parts;
    const forms = formsFor(plan.body, steps);
    if (!Array.isArray(forms)) {
      return { kind: "failed", failure: forms, requestId: null, over: true };
    }
    let result: RunResult = { kind: "aborted" };
    for (const [index, form] of forms.entries()) {
      result = await this.#send(form.body);
      if (result.kind !== "failed") break;
      if (refusedReasoning(form.body, result.failure)) return await this.#goOn(steps);
      const next = forms[index + 1];
      if (next === undefined || !refusedForm(form, result.failure)) break;
      await warn(
        work,
        `The API refused what is done as ${form.name}, so it was told as ${next.name}: ${result.failure.message}`,
      );
    }
    return result;
  }

  async #send(body: RequestBody): Promise<RunResult> {
    const { work, plan, control, tracker, text } = this.parts;
    const { onItemStarted, onArguments, onItem } = tracker;
    const spentMs = performance.now() - this.#since;
    return await runStreamed(
      { ...this.#gate.guard(body), metadata: { ...body.metadata, ...metadataFor(work) } },
      {
        attemptMs: plan.budgets.attempt_ms,
        spentMs,
        stallMs: plan.budgets.stall_ms,
        deadlineMs: work.deadline_left_ms - spentMs,
      },
      { onItemStarted, onArguments, onItem, onText: text.add, signal: control.controller.signal },
    );
  }

  /**
   * Writes that calls begin, before OpenAI is told that it may make them. A database that is away is
   * waited for: nothing has been done yet.
   * @returns false when the run must stop: the attempt is over, or the worker is
   */
  async #begin(calls: ApprovedCall[]): Promise<boolean> {
    if (calls.length === 0) return true;
    const { work, control, recorder, tracker } = this.parts;
    const { signal } = control.controller;
    await recorder.drain();
    let current = false;
    const save = async () => current = await jobs.saveSteps(work, calls.map(startOf));
    try {
      if (signal.aborted || !await persist(save, signal) || !current) return false;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
    for (const call of calls) tracker.approved.add(call);
    return true;
  }

  /** What OpenAI has not begun when it says that a response is over, or refuses it, was not made. */
  #forgetUnmade(result: RunResult): void {
    const { tracker, recorder } = this.parts;
    const over = result.kind === "done" || result.kind === "failed" && result.over;
    if (!over) return;
    for (const call of tracker.approved.takeUnseen()) {
      recorder.save({ ...startOf(call), status: "void" });
    }
  }
}
