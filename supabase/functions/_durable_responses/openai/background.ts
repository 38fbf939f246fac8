/** Background mode: create, retrieve, cancel, and the metadata that links a response to its attempt. */
import type { AttemptKey } from "../model/job.ts";
import type { RequestBody } from "../model/request.ts";
import { parseUpstreamResponse, type UpstreamResponse } from "../model/upstream-response.ts";
import { callForJson } from "./call.ts";

/** Longest wait for a retrieve or a cancel, ms. */
const callTimeoutMs = 15_000;
const jobKey = "durable_responses_job_id";
const attemptKey = "durable_responses_attempt";

/** The metadata by which a response is matched with its attempt when nobody recorded its id. */
export function metadataFor(key: AttemptKey): Record<string, string> {
  return { [jobKey]: key.id, [attemptKey]: String(key.attempt) };
}

/** The attempt that a response belongs to, or undefined when it is not one of ours. */
export function attemptKeyOf(response: UpstreamResponse): AttemptKey | undefined {
  const id = response.metadata[jobKey];
  const attempt = Number(response.metadata[attemptKey]);
  return id !== undefined && Number.isInteger(attempt) ? { id, attempt } : undefined;
}

/**
 * Hands a request to background mode.
 * @param acceptMs the accept budget: how long OpenAI may take to answer with an id
 */
export async function createBackground(
  body: RequestBody,
  key: AttemptKey,
  acceptMs: number,
): Promise<{ response: UpstreamResponse; requestId: string | null }> {
  const { data, requestId } = await callForJson("POST", "/responses", {
    body: {
      ...body,
      background: true,
      store: true,
      metadata: { ...body.metadata, ...metadataFor(key) },
    },
    timeoutMs: acceptMs,
  });
  return { response: parseUpstreamResponse(data), requestId };
}

/** What OpenAI now knows of a response. */
export async function retrieve(responseId: string): Promise<UpstreamResponse> {
  const { data } = await callForJson("GET", pathOf(responseId), { timeoutMs: callTimeoutMs });
  return parseUpstreamResponse(data);
}

/** Cancels a background response and returns it as it is then; a second cancel changes nothing. */
export async function cancelUpstream(responseId: string): Promise<UpstreamResponse> {
  const path = `${pathOf(responseId)}/cancel`;
  return parseUpstreamResponse(
    (await callForJson("POST", path, { timeoutMs: callTimeoutMs })).data,
  );
}

function pathOf(responseId: string): string {
  return `/responses/${encodeURIComponent(responseId)}`;
}
