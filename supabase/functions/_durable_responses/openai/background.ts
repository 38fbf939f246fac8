/** Background mode: create, retrieve, cancel, and the metadata that links a response to its attempt. */
import { isRecord } from "../model/is-record.ts";
import type { AttemptKey } from "../model/job.ts";
import type { RequestBody } from "../model/request.ts";
import { errorIn } from "../model/reported-error.ts";
import {
  isResponse,
  parseUpstreamResponse,
  type UpstreamResponse,
} from "../model/upstream-response.ts";
import * as z from "../model/zod.ts";
import { callForJson, type JsonAnswer } from "./call.ts";
import { beginningOf, ErrorAnswer, UnreadableAnswer } from "./unreadable.ts";

/** Longest wait for a retrieve or a cancel, in ms. */
const callTimeoutMs = 15_000;
const jobKey = "durable_responses_job_id";
const attemptKey = "durable_responses_attempt";

/** The metadata that matches a response with its attempt if nobody recorded its id. */
export function metadataFor(key: AttemptKey): Record<string, string> {
  return { [jobKey]: key.id, [attemptKey]: String(key.attempt) };
}

/** As the database stores it. */
const highestAttempt = 2_147_483_647;

/**
 * The attempt that a response belongs to, or undefined if it is not one of ours. Metadata with our keys may still be
 * somebody else's: the values are those of an attempt only if they are what we write.
 */
export function attemptKeyOf(response: UpstreamResponse): AttemptKey | undefined {
  const id = z.uuid().safeParse(response.metadata[jobKey]).data;
  const text = response.metadata[attemptKey] ?? "";
  const attempt = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
  return id !== undefined && attempt >= 1 && attempt <= highestAttempt
    ? { id, attempt }
    : undefined;
}

/** A response, and OpenAI's id of the request that it answers. */
export interface Accepted {
  response: UpstreamResponse;
  requestId: string | null;
}

/**
 * Sends a request in background mode.
 * @param acceptMs the accept budget: how long OpenAI may take to answer with an id
 * @throws APIError or ErrorAnswer for a refusal; UnreadableAnswer for an answer that is not a response with an id: OpenAI
 *   may still have accepted the request
 */
export async function createBackground(
  body: RequestBody,
  key: AttemptKey,
  acceptMs: number,
): Promise<Accepted> {
  const answer = await callForJson("POST", "/responses", {
    body: {
      ...body,
      background: true,
      store: true,
      metadata: { ...body.metadata, ...metadataFor(key) },
    },
    timeoutMs: acceptMs,
  });
  const response = responseIn(answer);
  const whose = { jobId: key.id, attempts: [key.attempt], others: [] };
  return { response: refuseOther(response, whose, response.id), requestId: answer.requestId };
}

/** Whose response is asked for. */
export interface Whose {
  jobId: string;
  /** The attempts that its metadata may name. */
  attempts: readonly number[];
  /** The responses of the job's other attempts. */
  others: readonly string[];
}

/** What OpenAI now knows about a response. */
export async function retrieve(responseId: string): Promise<UpstreamResponse> {
  const answer = await callForJson("GET", pathOf(responseId), { timeoutMs: callTimeoutMs });
  return responseIn(answer, responseId);
}

/**
 * The response, by the id by which it is known, if it is the one that was asked for. A cache, or a server whose ids repeat, may
 * show what an earlier request brought, which says nothing about this one.
 * @throws UnreadableAnswer for another response
 */
export function refuseOther(
  response: UpstreamResponse,
  whose: Whose,
  responseId: string,
): UpstreamResponse {
  const other = otherThan(response, whose);
  if (other !== undefined) {
    const asked = response.id === responseId ? "the one that was asked for" : responseId;
    throw new UnreadableAnswer(`instead of ${asked}, it is ${other}`);
  }
  return { ...response, id: responseId };
}

/** What a response is that is not the one that was asked for. Metadata say it surely, if the server keeps them. */
function otherThan(
  response: UpstreamResponse,
  { jobId, attempts, others }: Whose,
): string | undefined {
  if (others.includes(response.id)) return `the response ${response.id} of an earlier attempt`;
  const key = attemptKeyOf(response);
  if (key === undefined || key.id === jobId && attempts.includes(key.attempt)) return undefined;
  return key.id === jobId
    ? `the response of attempt ${key.attempt}`
    : "the response of another job";
}

/** Cancels a background response and returns its current state. A second cancel changes nothing. */
export async function cancelUpstream(responseId: string): Promise<UpstreamResponse> {
  const answer = await callForJson("POST", `${pathOf(responseId)}/cancel`, {
    timeoutMs: callTimeoutMs,
  });
  return responseIn(answer, responseId);
}

/**
 * The response in an answer.
 * @param id the response's id, if the answer does not contain it
 */
function responseIn(answer: JsonAnswer, id = ""): UpstreamResponse {
  const { headers, requestId } = answer;
  const data = unwrapped(answer.data);
  const told = isResponse(data) ? null : errorIn(data);
  if (told !== null) throw new ErrorAnswer(told, headers);
  const unusable = (why: string) =>
    new UnreadableAnswer(`${beginningOf(JSON.stringify(data))}, which ${why}`, requestId);
  if (!isResponse(data)) throw unusable("is not a response");
  const response = parseUpstreamResponse(data);
  const known = response.id === "" ? { ...response, id } : response;
  if (known.id === "") throw unusable("has no id");
  return known;
}

/** Some gateways put the response into an object of their own, or a list. */
function unwrapped(data: unknown): unknown {
  if (isResponse(data)) return data;
  const within = Array.isArray(data) && data.length === 1
    ? data
    : isRecord(data) && data["type"] === undefined
    ? [data["response"], data["data"]]
    : [];
  return within.find(isResponse) ?? data;
}

function pathOf(responseId: string): string {
  return `/responses/${encodeURIComponent(responseId)}`;
}
