/** One attempt at a job: its parts, and how its end is written. */
import * as jobs from "../db/jobs.ts";
import { persist, recordUnapprovedCall, recordWarning } from "../db/persist.ts";
import type { Failure } from "../model/failure.ts";
import { isApprovalRequest } from "../model/items.ts";
import type { Work } from "../model/job.ts";
import { workerError } from "../openai/classify.ts";
import { isTooLong } from "../openai/too-long.ts";
import { judge } from "../openai/verdict.ts";
import { describe, log } from "../platform/log.ts";
import { type Plan, planOrFailure } from "../profiles/plan.ts";
import type { Profiles } from "../profiles/profile.ts";
import { type EffectRules, effectsOf } from "../tools/effect-rules.ts";
import { ToolsUnavailable } from "../tools/mcp/tools-unavailable.ts";
import { judgeCalls } from "../tools/own/judge-calls.ts";
import { type RunnableTools, runnableTools } from "../tools/own/runnable-tools.ts";
import { ToolCallGuard } from "../tools/tool-call-guard.ts";
import { ToolCallTracker } from "../tools/tool-call-tracker.ts";
import { isUnapproved } from "../tools/unapproved-calls.ts";
import { continueInBackground } from "./continue-in-background.ts";
import { liveText } from "./live/live-text.ts";
import { type Made, makeCalls, makingOf } from "./own-calls.ts";
import { resultWriter } from "./result-writer.ts";
import { sumOf, wholeOutput } from "./rounds.ts";
import { type Control, type RoundsResult, runRounds } from "./run-rounds.ts";
import { StepWriter } from "./step-writer.ts";
import type { StopReason } from "./run-stop.ts";
import { RunStream } from "./stream/run-stream.ts";
import { UnguardedRequests } from "./unguarded-requests.ts";

type Write = () => Promise<unknown>;
type Closing = () => Promise<void>;

/**
 * Runs one claimed job and writes how it ended. Nothing is thrown: if the end cannot be written, the lease expires, and the
 * next worker takes the job.
 */
export async function runAttempt(
  profiles: Profiles,
  work: Work,
  control: Control,
): Promise<void> {
  const stepWriter = new StepWriter(work, control.stop);
  const { stop, streamIsNew } = control;
  // A caller that cancels a streaming job sees its stream end.
  const stream = work.streamed
    ? await RunStream.open(work, streamIsNew, () => stop.stop({ kind: "lost" }))
    : undefined;
  const connections: Closing[] = [];
  try {
    const write = await attempt(profiles, work, control, { stepWriter, stream, connections });
    const shown = stream?.finish(isGone(stop.reason));
    if (write && !await persist(write, control.stop.signal)) {
      log.warn("result dropped: the attempt has ended", { job_id: work.id, attempt: work.attempt });
    }
    await shown;
  } catch (error) {
    log.error("cannot record how the attempt ended; its lease will expire", {
      job_id: work.id,
      attempt: work.attempt,
      error: describe(error),
    });
  } finally {
    await stepWriter.drain();
    stop.end();
    stream?.close();
    await Promise.all(connections.map((close) => close()));
  }
}

/** Whether another worker has, or may have, the job. */
function isGone(reason: StopReason | undefined): boolean {
  return reason?.kind === "lost" || reason?.kind === "expired";
}

/** What an attempt has besides its job. */
interface Beside {
  stepWriter: StepWriter;
  stream: RunStream | undefined;
  /** Connections to close when its end is written. */
  connections: Closing[];
}

/** @returns what must be written; undefined if another worker continues or a person decides */
async function attempt(
  profiles: Profiles,
  claimed: Work,
  control: Control,
  { stepWriter, stream, connections }: Beside,
): Promise<Write | undefined> {
  const since = performance.now();
  try {
    const planned = await planOrFailure(profiles, claimed);
    if ("failure" in planned) return end(claimed, planned.failure, control);
    const effects = effectsOf(claimed.steps, planned.plan.sideEffects);
    const { stop, wantsHandOver } = control;
    const opened = await openTools(planned.plan, effects, stop.signal);
    if ("failure" in opened) {
      return stop.signal.aborted
        ? await stopped(claimed, control, stepWriter)
        : end(claimed, opened.failure, control);
    }
    const { tools } = opened;
    connections.push(tools.close);
    stream?.handOut(tools);
    await warnOf(claimed, "MCP tools that cannot be offered", tools.warnings);
    const plan = { ...planned.plan, body: tools.body };
    const parts = { plan, tools, effects, control, stepWriter, stream };
    const open = await makeOpenCalls(claimed, parts);
    if (open.kind === "stopped") return await stopped(claimed, control, stepWriter);
    if (open.kind === "failed") return end(claimed, open.failure, control);
    if (open.kind === "asks") return () => jobs.suspend(claimed, null, open.steps);
    const work = { ...claimed, steps: [...claimed.steps, ...open.steps] };
    const guardFor = (wanted: boolean) =>
      new ToolCallGuard(work, plan.body, effects, wanted, plan.approveWhen);
    const inBackground = { ...parts, work, since, guard: guardFor(work.guard === "always") };
    const continued = await continueInBackground(inBackground);
    if (typeof continued !== "string") return end(claimed, continued.failure, control);
    if (continued !== "here" && continued !== "started") return undefined;
    const guard = guardFor(plan.guard !== "off");
    const unguarded = new UnguardedRequests({ work, plan, stop, stepWriter });
    const tracker = new ToolCallTracker({
      work,
      effects,
      save: (step) => stepWriter.save(step),
      wantsHandOver,
      handOver: () => stop.stop({ kind: "hand_over" }),
      hold: (stage) => stop.hold(stage),
      onUnapproved: (item, step) => {
        if (!isUnapproved(item, step, guard, plan.body)) return;
        unguarded.notice();
        void recordUnapprovedCall(work, step);
      },
      holdForReview: (failure) => stop.stop({ kind: "review", failure }),
    });
    const text = liveText.open(work);
    const areStarted = continued === "started";
    const run = { ...parts, work, guard, tracker, unguarded, text, areStarted, since };
    const result = await runRounds(run).finally(() => text.close());
    await warnOf(
      work,
      "Rules in side_effects for tools that no server lists",
      effects.unknownRules(plan.body.tools),
    );
    return await ending(work, plan, result, control, tracker, stepWriter);
  } catch (error) {
    log.error("attempt failed unexpectedly", { job_id: claimed.id, error: describe(error) });
    return end(claimed, workerError(error), control);
  }
}

/** Another attempt may reach servers that cannot be asked now, unless their address is refused. */
async function openTools(
  plan: Plan,
  effects: EffectRules,
  signal: AbortSignal,
): Promise<{ tools: RunnableTools } | { failure: Failure }> {
  try {
    return { tools: await runnableTools(plan, effects, signal) };
  } catch (error) {
    if (error instanceof ToolsUnavailable) return { failure: error.failure };
    throw error;
  }
}

/** Makes the calls that an earlier attempt's response asked for, and that nobody has made. */
async function makeOpenCalls(
  work: Work,
  run: {
    plan: Plan;
    tools: RunnableTools;
    effects: EffectRules;
    control: Control;
    stepWriter: StepWriter;
    stream: RunStream | undefined;
  },
): Promise<Made> {
  const asked = work.open_calls.map(({ item, item_id: stepId, call_repeat: repeat, ...row }) => ({
    item,
    stepId,
    row: { number: row.number, attempt: row.attempt, repeat },
  }));
  const { tools, effects } = run;
  const judged = await judgeCalls(asked, { work, tools, effects });
  const after = work.steps.at(-1)?.number ?? 0;
  return await makeCalls(makingOf(work, run), judged, { asked: false, after });
}

/** What is written for a stopped run: usually nothing, because another worker continues it. */
async function stopped(
  work: Work,
  control: Control,
  stepWriter: StepWriter,
): Promise<Write | undefined> {
  const { reason } = control.stop;
  // The ledger is written before the end: the next worker must know what the run did.
  await stepWriter.drain();
  if (reason?.kind === "review") return () => jobs.holdForReview(work, reason.failure);
  if (reason?.kind === "ledger_refused") return end(work, workerError(reason.error), control);
  return undefined;
}

async function ending(
  work: Work,
  plan: Plan,
  result: RoundsResult,
  control: Control,
  tracker: ToolCallTracker,
  stepWriter: StepWriter,
): Promise<Write | undefined> {
  const { reason } = control.stop;
  const after = (write: Write): Write => async () => {
    await stepWriter.drain();
    await write();
  };
  if (reason?.kind === "review" || reason?.kind === "ledger_refused" || result.kind === "aborted") {
    return await stopped(work, control, stepWriter);
  }
  if (result.kind === "asks") {
    const rest = await stepWriter.rest();
    const requests = result.response.output.filter(isApprovalRequest);
    const asked = requests.map((request) => tracker.askedBy(request));
    const answers = new Map(
      [...result.answers].map(([request, answer]) => [tracker.askedBy(request).item_id, answer]),
    );
    return () => jobs.suspend(work, result.response, [...rest, ...asked, ...result.steps], answers);
  }
  const { requestId } = result;
  if (result.kind === "failed") {
    return after(endAfter(tracker, work, withRequestId(result.failure, requestId), control));
  }
  const { response } = result;
  const verdict = judge(response, plan.output);
  if (verdict.kind === "fail") {
    return after(endAfter(tracker, work, withRequestId(verdict.failure, requestId), control));
  }
  const steps = await stepWriter.rest();
  const output = wholeOutput(work.steps, response.output);
  const { parsed } = verdict;
  const whole = { ...response, usage: sumOf([...work.usages, response.usage]) };
  return () => resultWriter.write(work, { response: whole, output, parsed, requestId, steps });
}

/** If what a run has called is too long for its model, another attempt tells it in a shorter form (run/continuation.ts). */
function endAfter(
  { hasCalled }: ToolCallTracker,
  work: Work,
  why: Failure,
  control: Control,
): Write {
  const mayHelp = why.class === "transient" || hasCalled && isTooLong(why);
  return end(work, why, control, mayHelp);
}

/** Queues the job again if another try may help. Otherwise fails it. */
function end(
  work: Work,
  why: Failure,
  { onRequeued }: Control,
  mayHelp = why.class === "transient",
): Write {
  return async () => {
    if (!mayHelp) return await jobs.fail(work, why);
    const { status, run_at, updated_at } = await jobs.retryLater(work, why);
    // Both by the database's clock.
    if (status === "queued") {
      onRequeued?.(Date.parse(String(run_at)) - Date.parse(String(updated_at)));
    }
  };
}

function withRequestId(why: Failure, requestId: string | null): Failure {
  return why.requestId || !requestId ? why : { ...why, requestId };
}

/** The owner learns how many there are; operators read in the log which. */
async function warnOf(work: Work, what: string, which: readonly string[]): Promise<void> {
  if (which.length > 0) await recordWarning(work, `${what}: ${which.length}`, which.join("; "));
}
