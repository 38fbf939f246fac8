/** Makes calls of ours, and writes the ledger before and after. */
import type { Failure } from "../model/failure.ts";
import type { Item } from "../model/items.ts";
import type { DoneStep, Work } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import { makeFailure } from "../platform/make-failure.ts";
import type { Plan } from "../profiles/plan.ts";
import {
  doneStepOf,
  type Outcome,
  requestFor,
  stepOfCall,
  unknownEnd,
} from "../tools/own/call-steps.ts";
import type { Judged } from "../tools/own/judge-calls.ts";
import type { OwnCall, OwnResult } from "../tools/own/own-call.ts";
import { recordNow } from "./record-now.ts";
import { asMcpCall } from "./rounds.ts";
import type { RunStop } from "./run-stop.ts";
import type { StepWriter } from "./step-writer.ts";
import type { RunStream } from "./stream/run-stream.ts";

/** How a response's calls are made. */
export interface Making {
  work: Work;
  stop: RunStop;
  stepWriter: StepWriter;
  wantsHandOver: () => boolean;
  /** False if each call must end before the next starts, and none starts after one that ends the run. */
  parallel: boolean;
  /** Shows a finished call to those who follow the run. */
  show: ((item: Item) => void) | undefined;
}

/** How a run makes its calls. */
export function makingOf(work: Work, { plan, control, stepWriter, stream }: {
  plan: Plan;
  control: Pick<Making, "stop" | "wantsHandOver">;
  stepWriter: StepWriter;
  stream: RunStream | undefined;
}): Making {
  return {
    work,
    stop: control.stop,
    stepWriter,
    wantsHandOver: control.wantsHandOver,
    parallel: plan.body["parallel_tool_calls"] !== false,
    show: stream?.addItem,
  };
}

export type Made =
  | { kind: "made"; steps: DoneStep[] }
  /** No call is made: somebody outside is asked first. The steps say who, and about what. */
  | { kind: "asks"; steps: Step[] }
  | { kind: "failed"; failure: Failure }
  /** The run was stopped; `stop` has the reason. */
  | { kind: "stopped" };

/**
 * Makes the calls of one response. The ledger has each call as started before it is made, and as finished before the model
 * gets its result. If a person or the caller is asked about one of them, none is made until the answer is there. A worker
 * whose time is nearly up leaves them to the next one.
 * @param asked whether somebody is asked about something else in the same response
 * @param after the number of the last step so far
 */
export async function makeCalls(
  making: Making,
  judged: Judged[],
  { asked, after }: { asked: boolean; after: number },
): Promise<Made> {
  const { stop, stepWriter } = making;
  const review = judged.find((one) => one.kind === "review");
  if (review !== undefined) {
    stop.stop({ kind: "review", failure: review.failure });
    return { kind: "stopped" };
  }
  if (judged.length === 0) return { kind: "made", steps: [] };
  if (asked || judged.some(({ kind }) => kind === "ask" || kind === "hand_out")) {
    return { kind: "asks", steps: waitingSteps(judged) };
  }
  if (making.wantsHandOver()) {
    if (await recordNow(making, waitingSteps(judged))) stop.stop({ kind: "hand_over" });
    else stop.stop({ kind: "lost" });
    return { kind: "stopped" };
  }
  if (!await recordNow(making, writtenFirst(judged, making.parallel))) {
    stop.stop({ kind: "lost" });
    return { kind: "stopped" };
  }
  const ends = await endsOf(making, judged, after);
  await stepWriter.drain();
  if (stop.signal.aborted) return { kind: "stopped" };
  // Only after the others have ended, because otherwise they would be in doubt too.
  const doubt = ends.find((end) => end.kind === "doubt");
  if (doubt !== undefined) {
    stop.stop({ kind: "review", failure: doubt.failure });
    return { kind: "stopped" };
  }
  const fatal = ends.find((end) => end.kind === "fatal");
  if (fatal !== undefined) return { kind: "failed", failure: fatal.failure };
  const steps = ends.flatMap((end) => end.kind === "done" ? [end.step] : []);
  for (const step of steps) making.show?.(asMcpCall(step));
  return { kind: "made", steps };
}

/** The calls of a response that somebody is asked about, or that somebody else makes: they wait. */
export function waitingSteps(judged: Judged[]): Step[] {
  return judged.flatMap((one) => [
    ...(one.kind === "ask" ? [requestFor(one.call)] : []),
    stepOfCall(one.call, "waiting", {}, one.kind === "hand_out" ? "caller" : "worker"),
  ]);
}

/**
 * What the ledger must have before anything happens. If calls are made one by one, all but the first only wait, because they
 * may never start. So do calls that write their own rows, unless there is only one: if the run is lost, the next one must know
 * which of them are left, and not ask the model again.
 */
function writtenFirst(judged: Judged[], parallel: boolean): Step[] {
  const first = judged.findIndex(({ kind }) => kind === "make");
  const isAlone = judged.filter(({ kind }) => kind === "make").length === 1;
  return judged.flatMap((one, at) => {
    if (one.kind === "refuse") return [stepOfCall(one.call, "failed", { error: one.error })];
    const waits = one.kind === "make" && (one.tool.records ? !isAlone : !parallel && at > first);
    return waits ? [stepOfCall(one.call, "waiting")] : startOf(one);
  });
}

/** A tool that writes its own row needs no row before the call. */
function startOf(one: Judged): Step[] {
  return one.kind === "make" && !one.tool.records ? [stepOfCall(one.call, "started")] : [];
}

type End =
  | { kind: "done"; step: DoneStep }
  | { kind: "fatal"; failure: Failure }
  /** Nobody knows whether the call was made. */
  | { kind: "doubt"; failure: Failure }
  /** Nothing is known about the call, or nothing may be written any more. */
  | { kind: "open" };

async function endsOf(making: Making, judged: Judged[], after: number): Promise<End[]> {
  const run = (one: Judged, at: number) => endOf(making, one, after + at + 1);
  if (making.parallel) return await Promise.all(judged.map(run));
  const { stop } = making;
  const first = judged.findIndex(({ kind }) => kind === "make");
  const ends: End[] = [];
  for (const [at, one] of judged.entries()) {
    if (stop.signal.aborted) break;
    if (at > first && !await recordNow(making, startOf(one))) {
      stop.stop({ kind: "lost" });
      break;
    }
    const end = await run(one, at);
    ends.push(end);
    // The calls after it keep waiting.
    if (end.kind === "doubt" || end.kind === "fatal") break;
  }
  return ends;
}

async function endOf(making: Making, one: Judged, number: number): Promise<End> {
  if (one.kind === "refuse") {
    return { kind: "done", step: doneStepOf(one.call, number, { error: one.error }) };
  }
  if (one.kind !== "make") return { kind: "open" };
  const { call, ready, tool } = one;
  const { stop } = making;
  const acts = call.effect === "once" && !tool.records;
  const release = acts ? stop.hold("begun") : undefined;
  const signal = acts ? stop.cut : stop.signal;
  try {
    if (acts && stop.signal.aborted) {
      making.stepWriter.save(stepOfCall(call, "waiting"));
      return { kind: "open" };
    }
    const result = await ready.make(call, signal);
    if (tool.records) return endOfRecorded(making, call, number, result);
    // Calls that a run knows nothing about when it is cut stay in flight in the ledger; what it knows is reported.
    if (signal.aborted && result.kind !== "output") return { kind: "open" };
    return record(making, call, number, result);
  } finally {
    release?.();
  }
}

/** The row already exists if the call was made. Without an answer there is no row, and nothing has happened. */
function endOfRecorded({ stop }: Making, call: OwnCall, number: number, result: OwnResult): End {
  if (result.kind === "fatal") {
    return { kind: "fatal", failure: makeFailure(result.code, about(call, result.message)) };
  }
  if (result.kind === "unknown") {
    stop.stop({ kind: "lost" });
    return { kind: "open" };
  }
  return { kind: "done", step: doneStepOf(call, number, outcomeOf(result)) };
}

function record(making: Making, call: OwnCall, number: number, result: OwnResult): End {
  const { work, stepWriter } = making;
  if (result.kind === "unknown" && call.effect === "once" && work.on_uncertain === "review") {
    stepWriter.save(stepOfCall(call, "uncertain", { error: result.error }));
    const why = `Cannot tell whether ${call.tool} happened: ${result.error}`;
    return { kind: "doubt", failure: makeFailure("call_uncertain", why) };
  }
  const outcome = outcomeOf(result);
  stepWriter.save(stepOfCall(call, "error" in outcome ? "failed" : "finished", outcome));
  return result.kind === "fatal"
    ? { kind: "fatal", failure: makeFailure(result.code, about(call, result.message)) }
    : { kind: "done", step: doneStepOf(call, number, outcome) };
}

function outcomeOf(result: OwnResult): Outcome {
  switch (result.kind) {
    case "output":
      return { output: result.output, ...(result.parts ? { parts: result.parts } : {}) };
    case "fatal":
      return { error: result.message };
    case "unknown":
      return { error: unknownEnd(result.error) };
    case "error":
      return { error: result.error };
  }
}

function about({ tool }: OwnCall, message: string): string {
  return `Cannot continue after the call of ${tool}: ${message}`;
}
