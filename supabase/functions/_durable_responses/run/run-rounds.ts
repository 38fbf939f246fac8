/** The requests of one attempt, one after the other. */
import { recordWarning } from "../db/persist.ts";
import { sendableOrWhyNot } from "../files/sendable.ts";
import type { Failure } from "../model/failure.ts";
import { isApprovalRequest, readItem } from "../model/items.ts";
import { isLeftCall } from "../model/left-calls.ts";
import type { AttemptKey, DoneStep, Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import {
  asksForSomething,
  nameOf,
  type Streamed,
  type UpstreamResponse,
} from "../model/upstream-response.ts";
import { metadataFor } from "../openai/background.ts";
import { type RunResult, runStreamed, timeLimit } from "../openai/stream-run.ts";
import { isResult } from "../openai/verdict.ts";
import { makeFailure } from "../platform/make-failure.ts";
import type { Plan } from "../profiles/plan.ts";
import { type ApprovedCall, startOf } from "../tools/approved-calls.ts";
import type { EffectRules } from "../tools/effect-rules.ts";
import { pendingApprovals, withoutLapsed } from "../tools/ledger.ts";
import { judgeCalls } from "../tools/own/judge-calls.ts";
import type { RunnableTools } from "../tools/own/runnable-tools.ts";
import { repeatedQuestion } from "../tools/repeated-question.ts";
import type { Answers, ToolCallGuard } from "../tools/tool-call-guard.ts";
import type { ToolCallTracker } from "../tools/tool-call-tracker.ts";
import { showsWhatItDid } from "../tools/what-it-shows.ts";
import { untilLastFact } from "./carried-items.ts";
import type { TextSink } from "./live/live-text.ts";
import { type Made, makeCalls, makingOf } from "./own-calls.ts";
import { recordNow } from "./record-now.ts";
import {
  joinRounds,
  maxRounds,
  roundsBefore,
  shownItems,
  stepsOfRound,
  tooManyRounds,
} from "./rounds.ts";
import type { RunStop } from "./run-stop.ts";
import { isOver, refusable, refusal, type Send, sendInAnyForm } from "./send-forms.ts";
import type { StepWriter } from "./step-writer.ts";
import type { RunStream } from "./stream/run-stream.ts";
import type { UnguardedRequests } from "./unguarded-requests.ts";

/** Settles a background job whose response has ended, because it was there in answer to its create. */
export type SettleAnswer = (key: AttemptKey, response: UpstreamResponse) => Promise<void>;

/** How a worker steers a run. */
export interface Control {
  /** Stops the run if the lease is lost or the worker's time is up. Its end is then not written here. */
  stop: RunStop;
  /** Whether the run should end at the next boundary between items. */
  wantsHandOver: () => boolean;
  /** Whether the job's stream was opened for this attempt when it got its lease. */
  streamIsNew: boolean;
  /** Settles the job that waits for a response with what its create was answered with. It does not throw. */
  settleAnswer: SettleAnswer;
  /** Called when the job is queued again, with the time until it is due, in ms. */
  onRequeued?: (dueInMs: number) => void;
}

/** The parts of a run. */
export interface Run {
  work: Work;
  plan: Plan;
  /** The plan's tools of ours, and its request with all of them in it. */
  tools: RunnableTools;
  control: Control;
  effects: EffectRules;
  guard: ToolCallGuard;
  tracker: ToolCallTracker;
  stepWriter: StepWriter;
  text: TextSink;
  unguarded: UnguardedRequests;
  /** Only for a job that was submitted streaming. */
  stream: RunStream | undefined;
  /** Whether the ledger has the calls of the first request as started, although it was not sent. */
  areStarted: boolean;
  /** When the attempt began here, by `performance.now()`: its times that are left count from then. */
  since: number;
}

/** How the requests of an attempt end: with a result, or with a question to somebody outside. */
export type RoundsResult = RunResult | {
  kind: "asks";
  response: UpstreamResponse;
  /** The calls that wait, and our own questions about them. */
  steps: Step[];
  /** Answers to the requests that need no person. */
  answers: Answers;
};

/** Writes that the calls of a request may start. Returns false if the run must stop. */
type Announce = () => Promise<boolean>;

/**
 * Runs one attempt in rounds: a request, and as long as its response stops to ask before a call or asks for calls of ours,
 * the next request with the answers. From outside, all rounds are one run with one result. A run that must not continue is
 * stopped by `control.stop`, which has the reason, and its result is `aborted`.
 */
export async function runRounds(run: Run): Promise<RoundsResult> {
  const { work, control, effects, guard, tracker } = run;
  const sendWith = sender(run);
  const rounds: UpstreamResponse[] = [];
  const before = roundsBefore(work);
  let steps = work.steps;
  for (;;) {
    // Every yes that the request has, whoever gave it and when.
    const calls = tracker.named(guard.callsOf(pendingApprovals(steps)));
    const isFirst = rounds.length === 0;
    // They are void if this request, too, is not sent.
    if (isFirst && run.areStarted) tracker.expect(calls);
    const announce = announcing(run, calls, isFirst ? undefined : before + rounds.length);
    const mayAct = () => calls.length > 0 || run.unguarded.isOpen;
    const result = await sendInAnyForm(run, refusable(sendWith(announce), mayAct), steps);
    if (
      result.kind === "done" &&
      (asksAgain(run, result.response, calls) || hidesCalls(run, result))
    ) {
      return { kind: "aborted" };
    }
    if (result.kind === "done" || isOver(result) && !hasHidden(run)) {
      voidUnmadeCalls(run);
    }
    if (result.kind !== "done") return result;
    const { response } = result;
    if (!asksForSomething(response)) return { ...result, response: joinRounds(rounds, response) };
    if (control.stop.signal.aborted) return { kind: "aborted" };
    const round = before + rounds.length + 1;
    if (round > maxRounds) {
      return { ...result, ...ended(tooManyRounds()) };
    }
    const decision = await guard.decide(response);
    if (decision.kind === "review") {
      control.stop.stop({ kind: "review", failure: decision.failure });
      return { kind: "aborted" };
    }
    const asked = decision.kind === "stop" && response.output.some(isApprovalRequest);
    const made = await callsOfRound(run, { response, steps, asked, round });
    if (made.kind === "failed") return { ...result, ...ended(made.failure) };
    if (made.kind === "stopped") return { kind: "aborted" };
    for (const repeat of decision.repeats) await recordWarning(work, repeat);
    const { answers } = decision;
    if (asked || made.kind === "asks") {
      return {
        kind: "asks",
        response: joinRounds(rounds, response),
        steps: made.kind === "asks" ? made.steps : [],
        answers,
      };
    }
    if (control.wantsHandOver()) {
      control.stop.stop({ kind: "hand_over" });
      return { kind: "aborted" };
    }
    rounds.push(shownRound(response, made.steps));
    const place = { attempt: work.attempt, after: steps.at(-1)?.number ?? 0 };
    const ofRound = stepsOfRound(response.output, answers, effects, place);
    steps = withoutLapsed(untilLastFact(steps), [...ofRound, ...made.steps]);
  }
}

/**
 * Makes the calls of ours that a response asks for.
 * @param options.asked whether somebody is asked about something else in it
 */
async function callsOfRound(
  run: Run,
  { response, steps, asked, round }: {
    response: UpstreamResponse;
    steps: DoneStep[];
    asked: boolean;
    round: number;
  },
): Promise<Made> {
  const { work, tools, effects, tracker } = run;
  const items = response.output.filter(isLeftCall);
  const judged = await judgeCalls(
    items.map((item) => ({ item, stepId: tracker.idOfCall(item) })),
    { work: { ...work, steps }, tools, effects, round },
  );
  return await makeCalls(makingOf(work, run), judged, {
    asked,
    // The other items of the response are in the ledger before them.
    after: (steps.at(-1)?.number ?? 0) + response.output.length,
  });
}

/** A round as callers see it: each call of ours with its outcome. */
function shownRound(response: UpstreamResponse, made: DoneStep[]): UpstreamResponse {
  // In the order of the items: an API may use a call_id for several calls.
  const left = [...made];
  const output = response.output.flatMap((item) =>
    isLeftCall(item) ? shownItems(left.splice(0, 1)).map(readItem) : [item]
  );
  return { ...response, output };
}

/** Writes the calls of a round once, in whatever form its request is sent. */
function announcing(run: Run, calls: ApprovedCall[], round?: number): Announce {
  let announced = false;
  return async () => {
    if (announced) return true;
    if (!await recordStarts(run, calls, round)) return false;
    if (round !== undefined || !run.areStarted) run.tracker.expect(calls);
    announced = true;
    return true;
  };
}

function sender(run: Run): (announce: Announce) => Send {
  const { work, plan, control, guard, tracker, text, stream } = run;
  const { attempt_ms: attemptMs, stall_ms: stallMs } = plan.budgets;
  const { onItemStarted, onArguments, onItem } = tracker;
  const { signal, cut } = control.stop;
  // A stopped run reads on only for the ledger: another run may already show its own events.
  const shown = {
    onDelta: (block: string) => {
      if (signal.aborted) return;
      text.add(block);
      stream?.addDelta(block);
    },
    ...(stream && {
      onEvent: (event: unknown) => {
        if (!signal.aborted) stream.addEvent(event);
      },
    }),
  };
  const budgets = () => {
    const spentMs = performance.now() - run.since;
    return { attemptMs, spentMs, stallMs, deadlineMs: work.deadline_left_ms - spentMs };
  };
  return (announce) => async (body) => {
    const { afterMs: leftMs, why } = timeLimit(budgets());
    if (leftMs <= 0) return { ...refusal(why), requestId: null };
    const ready = await sendableOrWhyNot(guard.guard(body), work.id, leftMs);
    if ("failure" in ready) return { ...refusal(ready.failure), requestId: null };
    // Last: if this worker dies between this write and the request, nobody knows whether OpenAI has the yes.
    if (!await announce() || signal.aborted) {
      voidUnmadeCalls(run);
      return { kind: "aborted" };
    }
    // What was asked, or written, since may have taken all the time: then no call gets its yes.
    const now = budgets();
    const late = timeLimit(now);
    if (late.afterMs <= 0) return { ...refusal(late.why), requestId: null };
    stream?.endItems();
    return await runStreamed(
      { ...ready.body, metadata: { ...body.metadata, ...metadataFor(work) } },
      now,
      {
        key: work,
        onItemStarted,
        onArguments,
        onItem,
        ...shown,
        onUnstreamed: ({ message }) => void recordWarning(work, `Not streamed: ${message}`),
        signal: cut,
      },
    );
  };
}

/**
 * Writes that calls have started, before OpenAI gets the yes to make them.
 * @param round of this attempt that asked for them; undefined if an earlier attempt's did
 * @returns false if the run must stop: the attempt has ended, or the worker is ending. Then they are not made
 */
async function recordStarts(run: Run, calls: ApprovedCall[], round?: number): Promise<boolean> {
  const { work, control: { stop }, stepWriter, unguarded } = run;
  const starts = calls.map((call) => ({ ...startOf(call), round }));
  const isRecorded = await recordNow({ work, stop, stepWriter }, [...starts, ...unguarded.begin()]);
  if (isRecorded && !stop.signal.aborted) return true;
  // The write may have been made anyway.
  voidCalls(stepWriter, calls);
  unguarded.end();
  return false;
}

/** Whether a response is the one that asked first. Then the run is stopped, and a person decides. */
function asksAgain(
  { control, work }: Run,
  response: UpstreamResponse,
  calls: readonly ApprovedCall[],
): boolean {
  const repeated = repeatedQuestion(response, calls);
  if (repeated === undefined || work.on_uncertain !== "review") return false;
  const failure = makeFailure(
    "call_uncertain",
    `Cannot continue: ${nameOf(response)} ${repeated}`,
  );
  control.stop.stop({ kind: "review", failure });
  return true;
}

/** Whether a response hides whether calls were made that must not be made twice. Then the run is stopped, and a person decides. */
function hidesCalls(run: Run, { response, streamed }: RunResult & { kind: "done" }): boolean {
  const { control, unguarded } = run;
  const failure = untoldIn(run, response, streamed) ?? unguarded.hiddenIn(response, streamed);
  if (failure !== undefined) control.stop.stop({ kind: "review", failure });
  return failure !== undefined;
}

/** Whether what a request has brought may be a call, in a form that nobody knows. */
function hasHidden({ tracker, unguarded }: Run): boolean {
  return tracker.isUnclear || unguarded.isOpen && tracker.isUnreadable;
}

/** Why nobody can tell from a response whether a call was made that had its yes. */
function untoldIn(
  { tracker, work, plan }: Run,
  response: UpstreamResponse,
  streamed: Streamed,
): Failure | undefined {
  const call = tracker.unmade[0];
  if (call === undefined || work.on_uncertain !== "review") return undefined;
  const isAnswer = isResult(response, plan.output);
  if (showsWhatItDid(response, { isAnswer, streamed }) && !tracker.isUnclear) return undefined;
  return makeFailure(
    "call_uncertain",
    `Cannot tell whether ${call.tool} at ${call.server} was called: it had its yes, and ${
      nameOf(response)
    } is ${response.status} without showing what it did`,
  );
}

/**
 * A call that OpenAI has not started when it reports a response as final, or refuses the request, was not made. Nor was a
 * call that it was never told about.
 */
function voidUnmadeCalls({ tracker, stepWriter, unguarded }: Run): void {
  voidCalls(stepWriter, tracker.takeUnmade());
  unguarded.end();
}

/** Takes back that calls have started: OpenAI was never told to make them. */
function voidCalls(stepWriter: StepWriter, calls: ApprovedCall[]): void {
  for (const call of calls) stepWriter.save({ ...startOf(call), status: "void" });
}

/** The run ends here, and nothing of it runs at OpenAI any more. */
const ended = (failure: Failure) => ({ kind: "failed", failure, request: "over" }) as const;
