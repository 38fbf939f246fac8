/**
 * Responses at OpenAI that no job waits for any more: they are cancelled until they have ended, and read for what they did.
 */
import * as cancels from "../db/upstream-cancels.ts";
import { saveSteps } from "../db/steps.ts";
import type { Failure } from "../model/failure.ts";
import { isApprovalRequest } from "../model/items.ts";
import type { Upstream } from "../model/job.ts";
import type { Step } from "../model/step.ts";
import { isFinalUpstream, type UpstreamResponse } from "../model/upstream-response.ts";
import { cancelUpstream } from "../openai/background.ts";
import { classifyError } from "../openai/classify.ts";
import { isUnavailable } from "../platform/errors.ts";
import { describe, log } from "../platform/log.ts";
import { makeFailure } from "../platform/make-failure.ts";
import type { Profiles } from "../profiles/profile.ts";
import { recordUnapprovedCall } from "../db/persist.ts";
import { namesYes } from "../tools/approved-calls.ts";
import { type EffectRules, effectsOf } from "../tools/effect-rules.ts";
import { firstUnapproved } from "../tools/unapproved-calls.ts";
import { mayBeApproved, showsWhatItDid } from "../tools/what-it-shows.ts";
import { type LateOutput, stepsOfOutput } from "./output-steps.ts";
import { readResponse } from "./read-response.ts";

/** OpenAI may not know an id that it has just given out. Only after this time is an unknown id gone, in ms. */
export const settlesAfterMs = 120_000;

/** If a cancel is refused with one of these, the response has ended, or is unknown. */
const saysOver: ReadonlySet<string> = new Set([
  "openai_invalid_request",
  "openai_conflict",
  "openai_not_found",
]);

type Fate = { kind: "over"; response: UpstreamResponse | null } | {
  kind: "open";
  failure: Failure;
};

/**
 * Cancels a response that no job waits for. A cancel is only a request: the response has ended once it was read as final
 * afterwards, and by then the ledger has what it did. Until then it stays on the list, and the next worker asks again.
 */
export async function cancelAbandoned(profiles: Profiles, upstream: Upstream): Promise<void> {
  await settleAbandoned(profiles, upstream, () => cancelThenLook(upstream));
}

/** The same as cancelAbandoned for a response that is probably final, because its webhook came: it is read first. */
export async function readAbandoned(profiles: Profiles, upstream: Upstream): Promise<void> {
  await settleAbandoned(profiles, upstream, async () => {
    const seen = await look(upstream);
    return seen.kind === "over" && seen.response !== null ? seen : await cancelThenLook(upstream);
  });
}

async function settleAbandoned(
  profiles: Profiles,
  upstream: Upstream,
  end: () => Promise<Fate>,
): Promise<void> {
  try {
    const fate = await end();
    if (fate.kind === "open") {
      log.warn("a cancel is not confirmed yet; the next worker asks again", {
        job_id: upstream.job_id,
        code: fate.failure.code,
      });
      await cancels.recordCancelFailure(upstream, fate.failure);
      return;
    }
    // Nothing is stored for a deleted job, and it has no profile.
    if (fate.response && upstream.profile !== "") {
      await saveWhatWasDone(profiles, upstream, fate.response);
    }
    await cancels.confirmCancel(upstream, fate.response === null);
  } catch (error) {
    log.warn("cannot record the outcome of a cancelled response; the next worker will", {
      job_id: upstream.job_id,
      error: describe(error),
    });
    if (!isUnavailable(error)) {
      await cancels.recordCancelFailure(upstream, classifyError(error)).catch(ignored);
    }
  }
}

function ignored(error: unknown): void {
  log.warn("cannot record why a cancel is not confirmed", { error: describe(error) });
}

/** A late report, and so not part of any run. SQL holds an unfinished job for review, and flags a final one. */
async function saveWhatWasDone(
  profiles: Profiles,
  upstream: Upstream,
  response: UpstreamResponse,
): Promise<void> {
  const { job_id: id, attempt, profile } = upstream;
  const rules = Object.hasOwn(profiles, profile) ? profiles[profile]?.side_effects : undefined;
  const effects = effectsOf(upstream.lists.map((item) => ({ item })), rules ?? {});
  const late = stepsOfOutput(upstream, response, effects);
  const made = late.done.filter(({ step }) => step.effect === "once");
  const calls = [
    ...made.map(({ step }) => step),
    ...(upstream.own ? notMade(response, late, upstream.yeses, effects) : []),
  ];
  const strange = made.flatMap(({ known, step }) => known ? [] : [step]);
  const unapproved = upstream.guarded ? firstUnapproved(strange, upstream.yeses) : undefined;
  if (unapproved) await recordUnapprovedCall({ id, attempt }, unapproved);
  if (calls.length > 0) await saveSteps({ id, attempt }, calls);
}

/**
 * The calls that had their yes and that a response did not make, as void. They end a doubt, and change nothing else. A
 * response may not show what it did; and a call that is not surely one that we know may be any of them.
 */
function notMade(
  response: UpstreamResponse,
  { done, unseen }: LateOutput,
  yeses: readonly string[],
  effects: EffectRules,
): Step[] {
  if (!showsWhatItDid(response, { isAnswer: false })) return [];
  const isSure = ({ item, step, known }: LateOutput["done"][number]) =>
    known !== undefined && (namesYes(item, known) || step.call_key === known.key);
  const others = done.filter((one) => !isSure(one));
  if (others.some(({ item }) => mayBeApproved(item, yeses, effects))) return [];
  // A response that asks for a yes that it had is an earlier one.
  const asks = response.output.filter(isApprovalRequest);
  if (asks.some(({ id }) => typeof id === "string" && yeses.includes(id))) return [];
  return unseen.map(({ stepId }) => ({
    item_id: stepId,
    kind: "mcp_call",
    status: "void",
    effect: "once",
  }));
}

/** Only the look shows whether the response is over. If it is not, a refused cancel may say why. */
async function cancelThenLook(upstream: Upstream): Promise<Fate> {
  let refused: Failure | undefined;
  try {
    await cancelUpstream(upstream.response_id);
  } catch (error) {
    refused = classifyError(error);
  }
  const seen = await look(upstream);
  // A refusal that says that the response is over contradicts the look, and explains nothing.
  const isNoNews = refused === undefined || saysOver.has(refused.code);
  return seen.kind === "open" && refused && !isNoNews ? { kind: "open", failure: refused } : seen;
}

async function look(upstream: Upstream): Promise<Fate> {
  try {
    const { job_id: jobId, attempt, response_id: responseId, own, other_responses: others } =
      upstream;
    // The response that a synchronous attempt asked for in background names the attempt that would have waited for it.
    const attempts = own ? [attempt] : [attempt, attempt + 1];
    const key = { id: jobId, attempt };
    const response = await readResponse(responseId, key, { jobId, attempts, others });
    if (isFinalUpstream(response)) return { kind: "over", response };
    const still = `Cannot confirm the cancel of ${response.id}: it is still ${response.status}`;
    return { kind: "open", failure: makeFailure("background_stuck", still) };
  } catch (error) {
    if (isUnavailable(error)) throw error;
    const failure = classifyError(error);
    return failure.code === "openai_not_found" && upstream.asked_ms_ago >= settlesAfterMs
      ? { kind: "over", response: null }
      : { kind: "open", failure };
  }
}
