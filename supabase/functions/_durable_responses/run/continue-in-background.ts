/** Continues in background after a background response whose questions are answered. */
import { APIError } from "openai/core/error";
import * as jobs from "../db/jobs.ts";
import { persist, recordWarning } from "../db/persist.ts";
import { withdrawContinuation } from "../db/steps.ts";
import { sendableOrWhyNot } from "../files/sendable.ts";
import type { Failure } from "../model/failure.ts";
import type { AttemptKey, Work } from "../model/job.ts";
import { leftKindOf } from "../model/left-calls.ts";
import { idsOfInput, type RequestBody } from "../model/request.ts";
import { isFinalUpstream, type UpstreamResponse } from "../model/upstream-response.ts";
import { isOnlyWords } from "../model/what-was-done.ts";
import { type Accepted, createBackground } from "../openai/background.ts";
import { classifyError, classifyResponseError } from "../openai/classify.ts";
import { isRefusedBeforeItRan } from "../openai/refusal.ts";
import { deadlinePassed } from "../openai/stream-run.ts";
import { ErrorAnswer } from "../openai/unreadable.ts";
import { describe, log } from "../platform/log.ts";
import { type ApprovedCall, startOf } from "../tools/approved-calls.ts";
import { isRequest } from "../tools/ledger.ts";
import { StepIds } from "../tools/step-ids.ts";
import { isOnlyOne } from "./carried-items.ts";
import { answersTo, type Form, formsFor, nextForm } from "./continuation.ts";
import { recordNow } from "./record-now.ts";
import type { Run } from "./run-rounds.ts";

/**
 * Where the run continues: in background, in this worker, or nowhere, because this worker no longer has it. Or why this attempt
 * ends here, with nothing sent. `started`: in this worker, and the ledger has the calls that get a yes as started.
 */
export type ContinuedIn = "background" | "here" | "started" | "elsewhere" | { failure: Failure };

/** Failures after which all jobs of a route wait. */
const limits: ReadonlySet<string> = new Set(["openai_rate_limited", "openai_quota_exceeded"]);

type BackgroundRun = Pick<Run, "work" | "plan" | "control" | "guard" | "stepWriter" | "since">;

/**
 * Sends the answers to what a background response asked, in a new background request, whose response is the job's next
 * attempt. If its response may act, the ledger has the calls that get a yes first, and that they are being sent. From then on,
 * if the request gets no readable answer or this worker dies, the job waits for the response, as the next attempt, without an
 * id (26_guard.sql).
 */
export async function continueInBackground(
  run: BackgroundRun,
): Promise<ContinuedIn> {
  const { work, plan, control: { stop }, guard, stepWriter } = run;
  const { signal } = stop;
  const recording = { work, stop, stepWriter };
  const forms = formsInBackground(run);
  if (forms.length === 0) return "here";
  // Every yes that a form has, so that none leaves without its row.
  const yeses = new Set(forms.flatMap((form) => form.yeses));
  const calls = new StepIds(work.id).apart(guard.callsOf([...yeses]));
  const next = { id: work.id, attempt: work.attempt + 1 };
  // Besides the calls that get a yes here, there may be calls that nobody is asked about, as in a submit.
  const mayAct = calls.length > 0 ||
    work.once_tools && work.on_uncertain === "review" && !work.guarded;
  const { accept_ms: acceptMs, background_ms: backgroundMs, poll_ms: pollMs } = plan.budgets;
  let areWritten = false;
  for (let form = forms[0]; form !== undefined;) {
    const ready = await sendableOrWhyNot(guard.guard(form.body), work.id, backgroundMs);
    if ("failure" in ready) return await stay(run, calls, ready.failure, areWritten);
    // Last: if this worker dies between this write and the request, nobody knows whether OpenAI has the yes. Before each form: a
    // webhook may have shown meanwhile that OpenAI has accepted what it then refused.
    const isCurrent = !mayAct || await recordNow(recording, calls.map(startOf), true);
    if (signal.aborted || !isCurrent) return await notSent(run, calls);
    areWritten = calls.length > 0;
    // A worker may have waited for the database until the job's time was up: what came of the request could only be given up.
    if (isLate(run)) return await leave(run, calls, deadlinePassed());
    const sent = await send(ready.body, next, acceptMs);
    if ("response" in sent) {
      const { response, requestId } = sent;
      const isTold = tellsItsEnd(response);
      const dueMs = isFinalUpstream(response) && !isTold ? 0 : pollMs;
      const where = await record(run, response.id, requestId, dueMs);
      if (isTold && where === "background") await run.control.settleAnswer(next, response);
      return where;
    }
    const { failure: why, refused } = sent;
    if (!refused && mayAct) return await record(run, null, null, pollMs);
    const other = refused ? nextForm(forms, form, why) : undefined;
    if (other === undefined) {
      return limits.has(why.code)
        ? await leave(run, calls, why)
        : await stay(run, calls, why, areWritten);
    }
    await recordWarning(
      work,
      `The API refused the finished steps as ${form.name}, so they were sent as ${other.name}: ${why.message}`,
    );
    form = other;
  }
  return "here";
}

/**
 * Whether a response that has ended says how. A failure, or a cancel, that shows nothing may be a gateway's word for no answer: the
 * next poll reads it.
 */
function tellsItsEnd(response: UpstreamResponse): boolean {
  if (!isFinalUpstream(response)) return false;
  if (response.status === "completed" || response.status === "incomplete") return true;
  return !isOnlyWords(response) ||
    response.status === "failed" && isRefusedBeforeItRan(classifyResponseError(response));
}

/** @returns the response, or why there is none: only if the request was `refused`, OpenAI does not have it */
async function send(
  body: RequestBody,
  next: AttemptKey,
  acceptMs: number,
): Promise<Accepted | { failure: Failure; refused: boolean }> {
  try {
    return await createBackground(body, next, acceptMs);
  } catch (error) {
    const failure = classifyError(error);
    // Of what else is thrown, nobody knows whether it was before the request or after.
    const isAnswer = error instanceof APIError || error instanceof ErrorAnswer;
    return { failure, refused: isAnswer && !failure.maybeAccepted };
  }
}

function isLate({ work, since }: Pick<Run, "work" | "since">): boolean {
  return work.deadline_left_ms <= performance.now() - since;
}

/** The ways to continue in background, best first; none if the run must not. */
function formsInBackground({ work, plan }: Pick<Run, "work" | "plan">): Form[] {
  const { background: asked, steps } = work;
  if (!plan.background || asked === null || !isLast(steps, asked.attempt)) return [];
  // Answers to what it asked. Our calls were made later, by this attempt or by one that got no further.
  const answered = steps.filter((step) =>
    isRequest(step) && step.attempt === asked.attempt ||
    leftKindOf(step) !== undefined && step.attempt >= asked.attempt
  );
  if (answered.length === 0) return [];
  // Where two requests or calls have the same id, an id answers neither.
  const given = idsOfInput(plan.body);
  const byId = asked.response_id !== null &&
    answered.every((step) => isOnlyOne(step, answered, given));
  const told = formsFor(plan.body, steps, false);
  return [
    ...(byId ? [answersTo(plan.body, answered, asked.response_id ?? "")] : []),
    ...("forms" in told ? told.forms : []),
  ];
}

/** Whether nothing has been done since an attempt ended, except what it asked us to do. */
function isLast(steps: Work["steps"], attempt: number): boolean {
  return steps.every((step) => step.attempt <= attempt || leftKindOf(step) !== undefined);
}

/** Hands the job over to its background response, whatever happens to this worker. */
async function record(
  { work, control }: Pick<Run, "work" | "control">,
  responseId: string | null,
  requestId: string | null,
  pollMs: number,
): Promise<ContinuedIn> {
  try {
    await persist(async () => {
      const { orphaned } = await jobs.continueInBackground(work, responseId, requestId, pollMs);
      if (orphaned) {
        log.warn("the job has moved on; the response will be cancelled", {
          job_id: work.id,
          response_id: responseId,
        });
      }
    }, control.stop.signal);
    return "background";
  } catch (error) {
    log.warn("cannot record that a run continues in background; its webhook may", {
      job_id: work.id,
      response_id: responseId,
      error: describe(error),
    });
    return "elsewhere";
  }
}

/** Background was refused: the run continues in this worker, if it still owns the job. */
async function stay(
  run: BackgroundRun,
  calls: ApprovedCall[],
  why: Failure,
  areWritten: boolean,
): Promise<ContinuedIn> {
  const isCurrent = await persist(
    () => jobs.recordBackgroundFailure(run.work, why),
    run.control.stop.signal,
  );
  if (!isCurrent) return await notSent(run, calls);
  return areWritten ? "started" : "here";
}

/** The attempt ends, and its calls were not made: a limit that a synchronous request would meet too, or the deadline. */
async function leave(
  run: BackgroundRun,
  calls: ApprovedCall[],
  failure: Failure,
): Promise<ContinuedIn> {
  return await withdraw(run, calls) ? { failure } : "elsewhere";
}

/** The run continues elsewhere, and its next worker sends the yes. */
async function notSent(run: BackgroundRun, calls: ApprovedCall[]): Promise<ContinuedIn> {
  await withdraw(run, calls);
  return "elsewhere";
}

/**
 * Writes that the calls were not made. If that cannot be written, the job waits in vain for the response, then a person decides.
 * @returns whether it was written
 */
async function withdraw(
  { work, control }: BackgroundRun,
  calls: ApprovedCall[],
): Promise<boolean> {
  const unmade = calls.map((call) => ({ ...startOf(call), status: "void" as const }));
  let isCurrent = false;
  try {
    const write = async () => isCurrent = await withdrawContinuation(work, unmade);
    return await persist(write, control.stop.signal) && isCurrent;
  } catch (error) {
    log.warn("cannot record that a run was not continued in background", {
      job_id: work.id,
      error: describe(error),
    });
    return false;
  }
}
