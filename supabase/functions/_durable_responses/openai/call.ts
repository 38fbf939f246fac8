/** One HTTP call to OpenAI. */
import {
  APIConnectionError,
  APIConnectionTimeoutError,
  APIError,
  APIUserAbortError,
} from "openai/core/error";
import { jsonOf } from "../model/json-of.ts";
import { addressBelow } from "../platform/address.ts";
import { after } from "../platform/clock.ts";
import { environment } from "../platform/environment.ts";
import { fetchOnce } from "../platform/fetch-once.ts";
import { describe } from "../platform/log.ts";
import {
  AnswerTooLarge,
  beginningOf,
  maxAnswerChars,
  maxCountedChars,
  UnreadableAnswer,
} from "./unreadable.ts";

const openaiUrl = "https://api.openai.com/v1";
/** How a runtime reports that it gave up on a connection. */
const timedOut = /timed? ?out/i;

export interface CallOptions {
  /** Sent as JSON. */
  body?: Record<string, unknown>;
  /** Longest wait for the answer, in ms. */
  timeoutMs: number;
  /** Ends the call, and the reading of its answer. */
  signal?: AbortSignal;
}

/**
 * Makes one call to OpenAI, once. A POST that is lost and repeated can be two runs with two sets of side effects, so the
 * state machine decides about every retry.
 *
 * Types, errors and webhook signatures come from the openai package. Its client is not used, because it brings all resources
 * of the API, 385 kB: 40 ms of a cold start whose other parts together take 25 (docs/benchmarks.md, cold). Loading it later
 * would only move this time into somebody's first request.
 * @param path below the base URL, such as `/responses`
 * @returns an answer of status 2xx; `timeoutMs` does not cover its body
 * @throws APIError as the SDK's client does: a subclass by status, or by the reason why no answer came
 */
export async function callOpenAI(
  method: "GET" | "POST",
  path: string,
  options: CallOptions,
): Promise<Response> {
  return await within(options, (signal) => send(method, path, options.body, signal));
}

/** An answer of status 2xx. */
export interface JsonAnswer {
  data: unknown;
  headers: Headers;
  requestId: string | null;
}

/**
 * The same as callOpenAI, and reads the answer as JSON. `timeoutMs` covers its body too.
 * @throws APIError; UnreadableAnswer for a body that is not JSON; AnswerTooLarge for one of more
 *   than maxAnswerChars; the TypeError of a body that is cut off
 */
export async function callForJson(
  method: "GET" | "POST",
  path: string,
  options: CallOptions,
): Promise<JsonAnswer> {
  return await within(options, async (signal) => {
    const answer = await send(method, path, options.body, signal);
    const { headers, status } = answer;
    const requestId = headers.get("x-request-id");
    return { data: await parsed(await textOf(answer), status, requestId), headers, requestId };
  });
}

/** The whole body. Of one that is too long only the length is counted, for the error. */
async function textOf({ body }: Response): Promise<string> {
  let text = "";
  let tooLong = 0;
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (tooLong === 0 && text.length <= maxAnswerChars) continue;
    tooLong += text.length;
    text = "";
    if (tooLong > maxCountedChars) break;
  }
  if (tooLong > 0) throw new AnswerTooLarge(tooLong, maxAnswerChars);
  return text + decoder.decode();
}

const looksStreamed = /^\s*(?:event|data|id|retry)?:/;

async function parsed(text: string, status: number, requestId: string | null): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    if (looksStreamed.test(text)) {
      const { bodyOfStream } = await import("./streamed-answer.ts");
      const body = await bodyOfStream(text);
      if (body !== undefined) return body;
    }
    const what = `${status} with ${beginningOf(text)}, which is not JSON`;
    throw new UnreadableAnswer(what, requestId, cause);
  }
}

/** Does work that ends when the time is up or the caller aborts, and says which of the two it was. */
async function within<T>(
  { timeoutMs, signal }: CallOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const inTime = after(timeoutMs, () => late.abort());
  try {
    return await work(signal ? AbortSignal.any([signal, late.signal]) : late.signal);
  } catch (cause) {
    if (cause instanceof APIError) throw cause;
    if (signal?.aborted) throw Object.assign(new APIUserAbortError(), { cause });
    if (late.signal.aborted) throw Object.assign(new APIConnectionTimeoutError(), { cause });
    throw cause;
  } finally {
    inTime();
  }
}

async function send(
  method: "GET" | "POST",
  path: string,
  body: CallOptions["body"],
  signal: AbortSignal,
): Promise<Response> {
  const { openaiBaseUrl = openaiUrl } = environment();
  let answer: Response;
  try {
    answer = await fetchOnce(addressBelow(openaiBaseUrl, path), {
      method,
      headers: headersFor(body !== undefined),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A followed POST would become a GET of something else, whose answer would be taken for the answer to the POST.
      redirect: method === "POST" ? "manual" : "follow",
      signal,
    });
  } catch (cause) {
    throw signal.aborted ? cause : unanswered(cause);
  }
  if (answer.ok) return answer;
  if (answer.status < 400) {
    await answer.body?.cancel();
    throw new UnreadableAnswer(`${answer.status}, which is not an answer of the API`);
  }
  throw await refusalOf(answer);
}

function headersFor(hasBody: boolean): Record<string, string> {
  const { openaiKey, openaiOrganization, openaiProject } = environment();
  return {
    accept: "application/json",
    authorization: `Bearer ${openaiKey}`,
    ...(hasBody ? { "content-type": "application/json" } : {}),
    ...(openaiOrganization ? { "openai-organization": openaiOrganization } : {}),
    ...(openaiProject ? { "openai-project": openaiProject } : {}),
  };
}

function unanswered(cause: unknown): APIError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  return timedOut.test(`${error} ${error.cause ?? ""}`)
    ? Object.assign(new APIConnectionTimeoutError(), { cause: error })
    : new APIConnectionError({ cause: error });
}

/** How much of a refusal is read, in characters. An error is short; a page can be of any size. */
const maxRefusalChars = 65_536;

/** The error for a refusal. If the body is cut off or not JSON, only the status counts. */
export async function refusalOf(answer: Response): Promise<APIError> {
  const text = await startOf(answer).catch(describe);
  return APIError.generate(answer.status, objectIn(text), text, answer.headers);
}

async function startOf({ body }: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  // Leaving the loop cancels the rest.
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > maxRefusalChars) return text.slice(0, maxRefusalChars);
  }
  return text + decoder.decode();
}

function objectIn(text: string): object | undefined {
  const value = jsonOf(text);
  return typeof value === "object" && value !== null ? value : undefined;
}
