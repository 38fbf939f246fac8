/** Going on in background, after a background response that asked and has its answers. */
import { APIError } from "openai/core/error";
import * as jobs from "../db/jobs.ts";
import { persist, recordWarning } from "../db/persist.ts";
import type { Failure } from "../model/failure.ts";
import type { Work } from "../model/job.ts";
import { isFinalUpstream } from "../model/upstream-response.ts";
import { createBackground } from "../openai/background.ts";
import { classifyError } from "../openai/classify.ts";
import { describe, log } from "../platform/log.ts";
import { answersTo, type Form, formsFor, nextForm } from "./continuation.ts";
import { recordStarts, type Run } from "./run-rounds.ts";

/** Where the run continues: in background, in this worker, or nowhere, because it is no longer this worker's. */
export type ContinuedIn = "background" | "here" | "elsewhere";

/**
 * Sends the answers to what a background response asked, as a background request of its own, whose response is the job's next
 * attempt. The calls that get a yes are on the ledger first. A request that got no readable answer may have been taken: where
 * its response may act it is waited for, as the next attempt, with no id.
 */
export async function continueInBackground(
  run: Pick<Run, "work" | "plan" | "control" | "guard" | "stepWriter">,
): Promise<ContinuedIn> {
  const { work, plan, control, guard } = run;
  const { signal } = control.stop;
  const forms = formsInBackground(run);
  if (forms.length === 0) return "here";
  const calls = guard.approvedBefore();
  if (!await recordStarts(run, calls) || signal.aborted) return "elsewhere";
  const next = { id: work.id, attempt: work.attempt + 1 };
  // Beside the calls that get a yes here: what nothing asks before, as at a submit.
  const mayAct = calls.length > 0 ||
    work.once_tools && work.on_uncertain === "review" && !work.guarded;
  for (let form = forms[0]; form !== undefined;) {
    try {
      const { accept_ms: acceptMs, poll_ms: pollMs } = plan.budgets;
      const { response, requestId } = await createBackground(
        guard.guard(form.body),
        next,
        acceptMs,
      );
      // If it has already ended, the next poll reads it.
      return await record(run, response.id, requestId, isFinalUpstream(response) ? 0 : pollMs);
    } catch (error) {
      const why = classifyError(error);
      const refused = error instanceof APIError && !why.maybeAccepted;
      if (!refused && mayAct) return await record(run, null, null, plan.budgets.poll_ms);
      const other = refused ? nextForm(forms, form, why) : undefined;
      if (other === undefined) return await stay(run, why);
      await recordWarning(
        work,
        `The API refused the finished steps as ${form.name}, so they were sent as ${other.name}: ${why.message}`,
      );
      form = other;
    }
  }
  return "here";
}

/** The ways to continue in background, best first; none if the run must not. */
function formsInBackground({ work, plan }: Pick<Run, "work" | "plan">): Form[] {
  const { background: asked, steps } = work;
  if (!plan.background || asked === null || !isLast(steps, asked.attempt)) return [];
  // What it asked for itself: calls of ours were made since, by this attempt or by one that did not come further.
  const answered = steps.filter(({ attempt, kind }) =>
    kind === "mcp_approval_request" && attempt === asked.attempt ||
    kind === "function_call" && attempt >= asked.attempt
  );
  if (answered.length === 0) return [];
  const told = formsFor(plan.body, steps, false);
  return [
    ...(asked.response_id === null ? [] : [answersTo(plan.body, answered, asked.response_id)]),
    ...("forms" in told ? told.forms : []),
  ];
}

/** Whether nothing has been done since an attempt ended, but what it asked us to do. */
function isLast(steps: Work["steps"], attempt: number): boolean {
  return steps.every((step) => step.attempt <= attempt || step.kind === "function_call");
}

/** Hands the job over to its background response, whatever becomes of this worker. */
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
        log.warn("the attempt has ended; its response will be cancelled", {
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

/** Background refused it: the run continues in this worker, if it still owns the job. */
async function stay({ work, control }: Pick<Run, "work" | "control">, why: Failure) {
  const noted = await persist(
    () => jobs.recordBackgroundFailure(work, why),
    control.stop.signal,
  );
  return noted ? "here" : "elsewhere";
}
