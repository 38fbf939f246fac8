import { type Outcome, parseOutcome } from "../model/outcome.ts";
import type { RequestBody } from "../model/request.ts";
import type { Fence } from "../model/rows.ts";
import { callForJson } from "./call.ts";

/** Longest wait for a retrieve or a cancel, ms. */
const CALL_TIMEOUT_MS = 15_000;
const JOB_KEY = "durable_responses_job_id";
const ATTEMPT_KEY = "durable_responses_attempt";

/** The metadata that lets a response find back to its attempt when nobody recorded its id. */
export function metadataFor(fence: Fence): Record<string, string> {
  return { [JOB_KEY]: fence.id, [ATTEMPT_KEY]: String(fence.attempt) };
}

/** The attempt that a response belongs to, or undefined when it is not one of ours. */
export function fenceOf(outcome: Outcome): Fence | undefined {
  const id = outcome.metadata[JOB_KEY];
  const attempt = Number(outcome.metadata[ATTEMPT_KEY]);
  return id !== undefined && Number.isInteger(attempt) ? { id, attempt } : undefined;
}

/**
 * Hands a request to background mode.
 * @param acceptMs the accept budget: how long OpenAI may take to answer with an id
 */
export async function createBackground(
  body: RequestBody,
  fence: Fence,
  acceptMs: number,
): Promise<{ outcome: Outcome; requestId: string | null }> {
  const { data, requestId } = await callForJson("POST", "/responses", {
    body: {
      ...body,
      background: true,
      store: true,
      metadata: { ...body.metadata, ...metadataFor(fence) },
    },
    timeoutMs: acceptMs,
  });
  return { outcome: parseOutcome(data), requestId };
}

/** What OpenAI now knows of a response. */
export async function retrieve(responseId: string): Promise<Outcome> {
  const { data } = await callForJson("GET", pathOf(responseId), { timeoutMs: CALL_TIMEOUT_MS });
  return parseOutcome(data);
}

/** Cancels a background response and returns what became of it; a second cancel changes nothing. */
export async function cancelUpstream(responseId: string): Promise<Outcome> {
  const path = `${pathOf(responseId)}/cancel`;
  return parseOutcome((await callForJson("POST", path, { timeoutMs: CALL_TIMEOUT_MS })).data);
}

function pathOf(responseId: string): string {
  return `/responses/${encodeURIComponent(responseId)}`;
}
