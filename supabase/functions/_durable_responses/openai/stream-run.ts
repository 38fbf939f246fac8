/** One streamed request to OpenAI, with its budgets. */
import { APIError } from "openai/core/error";
import type { Failure } from "../model/failure.ts";
import type { RequestBody } from "../model/request.ts";
import { maxTimerMs } from "../platform/clock.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { callForJson, callOpenAI } from "./call.ts";
import { classifyError } from "./classify.ts";
import { readEvents } from "./events.ts";
import { type Ending, type ItemHooks, RunReader } from "./read-run.ts";
import { isSurelyBefore } from "./refusal.ts";
import { AnswerTooLarge, Beginning, UnreadableAnswer } from "./unreadable.ts";

/** The budgets of one synchronous attempt, in ms. */
export interface RunBudgets {
  attemptMs: number;
  /** How much of it earlier requests of the attempt have used. */
  spentMs: number;
  /** What is left until the job's deadline. */
  deadlineMs: number;
  /** Longest silence of the stream. */
  stallMs: number;
}

export interface RunHooks extends ItemHooks {
  /** Ends the run from outside (lease lost, worker ending). The run then ends as `aborted`. */
  signal: AbortSignal;
  /** A delta, as an unparsed event: of text, of a call's arguments, of anything that is written in pieces. */
  onDelta?: (block: string) => void;
  /** Any other event that does not end the response. */
  onEvent?: (event: unknown) => void;
  /** The organization may not stream: the run continues without streaming, and is silent until its answer. */
  onUnstreamed?: (why: Failure) => void;
}

export type RunResult =
  | Ending & { requestId: string | null }
  | { kind: "aborted" };

/** Models that this organization may not stream. Each is tried once per isolate. */
const unstreamedModels = new Set<string>();

/**
 * Runs a request synchronously: streamed, so that silence can be told from work, and finished items are seen as they finish.
 * Nothing is thrown: every way to end is a result. A stream without a terminal event has not finished, whatever it said
 * before.
 */
export async function runStreamed(
  body: RequestBody,
  budgets: RunBudgets,
  hooks: RunHooks,
): Promise<RunResult> {
  const stop = new AbortController();
  let ended: Failure | "aborted" | undefined;
  const end = (why: Failure | "aborted") => {
    ended ??= why;
    stop.abort();
  };
  const onAbort = () => end("aborted");
  if (hooks.signal.aborted) return { kind: "aborted" };
  hooks.signal.addEventListener("abort", onAbort, { once: true });
  const { afterMs, why } = timeLimit(budgets);
  const attempt = setTimeout(() => end(why), afterMs);
  let lastHeard = performance.now();
  const stall = setInterval(() => {
    if (performance.now() - lastHeard > budgets.stallMs) {
      end(
        makeFailure(
          "stream_stalled",
          `Cannot continue the run: the stream was silent for more than ${budgets.stallMs} ms`,
        ),
      );
    }
  }, Math.min(1000, Math.max(50, budgets.stallMs / 4)));
  let requestId: string | null = null;
  let streamed = true;
  const heard = (id: string | null) => {
    requestId = id;
    lastHeard = performance.now();
  };
  try {
    const ending = await answerOf(body, budgets, hooks, {
      signal: stop.signal,
      heard,
      onChunk: () => lastHeard = performance.now(),
      // An answer that is not streamed is silent until it is complete: only the other budgets end it.
      onUnstreamed: () => {
        streamed = false;
        clearInterval(stall);
      },
      ended: () => ended !== undefined,
    });
    if (ending !== undefined) return { ...ending, requestId };
    ended ??= "aborted";
  } catch (error) {
    if (ended === undefined) {
      const why = classifyRunError(error);
      // Without a status, it was never sent.
      const isBefore = streamed || why.status === undefined;
      const request = isAnswer(error, why) ? refusedBy(why, isBefore) : "unknown";
      return { kind: "failed", requestId, failure: why, request };
    }
  } finally {
    clearTimeout(attempt);
    clearInterval(stall);
    hooks.signal.removeEventListener("abort", onAbort);
    stop.abort();
  }
  return ended === "aborted"
    ? { kind: "aborted" }
    : { kind: "failed", failure: ended, requestId, request: "unknown" };
}

/** Whichever ends first: the attempt's budget or the job's deadline. */
export function timeLimit(budgets: RunBudgets): { afterMs: number; why: Failure } {
  const { attemptMs, spentMs, deadlineMs } = budgets;
  return deadlineMs <= attemptMs - spentMs
    ? {
      afterMs: Math.min(deadlineMs, maxTimerMs),
      why: deadlinePassed(),
    }
    : {
      afterMs: Math.min(attemptMs - spentMs, maxTimerMs),
      why: makeFailure(
        "attempt_timeout",
        `Cannot finish the attempt: its budget of ${attemptMs} ms is used up`,
      ),
    };
}

export function deadlinePassed(): Failure {
  return makeFailure("deadline_exceeded", "Cannot finish the run: the job's deadline has passed");
}

interface Call {
  signal: AbortSignal;
  /** The answer has started. */
  heard: (requestId: string | null) => void;
  onChunk: () => void;
  onUnstreamed: () => void;
  ended: () => boolean;
}

/**
 * Sends the request, streamed if the organization may stream.
 * @returns undefined if the run was ended meanwhile
 */
async function answerOf(
  body: RequestBody,
  budgets: RunBudgets,
  hooks: RunHooks,
  call: Call,
): Promise<Ending | undefined> {
  const { model = "" } = body;
  if (!unstreamedModels.has(model)) {
    let why: Failure;
    try {
      const ending = await streamOf(body, budgets, hooks, call);
      if (ending?.kind !== "failed" || ending.request !== "refused") return ending;
      if (ending.failure.code !== "stream_unsupported") return ending;
      why = ending.failure;
    } catch (error) {
      why = classifyError(error);
      if (why.code !== "stream_unsupported" || why.maybeAccepted) throw error;
    }
    unstreamedModels.add(model);
    hooks.onUnstreamed?.(why);
  }
  call.onUnstreamed();
  const { data, headers, requestId } = await callForJson("POST", "/responses", {
    body,
    signal: call.signal,
    // The attempt's own limit ends it first.
    timeoutMs: maxTimerMs,
  });
  call.heard(requestId);
  const ending = new RunReader(hooks, headers).read(data);
  if (ending === undefined) throw new UnreadableAnswer("it is not a response", requestId);
  return ending.kind === "failed" && ending.request !== "unknown"
    ? { ...ending, request: refusedBy(ending.failure, false) }
    : ending;
}

async function streamOf(
  body: RequestBody,
  budgets: RunBudgets,
  hooks: RunHooks,
  { signal, heard, onChunk, ended }: Call,
): Promise<Ending | undefined> {
  const answer = await callOpenAI("POST", "/responses", {
    body: { ...body, stream: true },
    signal,
    timeoutMs: budgets.stallMs,
  });
  heard(answer.headers.get("x-request-id"));
  const reader = new RunReader(hooks, answer.headers);
  const beginning = new Beginning();
  if (answer.body) {
    const onPiece = (chunk: Uint8Array) => {
      onChunk();
      beginning.add(chunk);
    };
    const onDelta = (block: string) => {
      reader.addDelta(block);
      hooks.onDelta?.(block);
    };
    for await (const event of readEvents(answer.body, onPiece, onDelta)) {
      const ending = reader.read(event);
      if (ending !== undefined) return ending;
      hooks.onEvent?.(event);
      if (ended()) return undefined;
    }
  }
  if (ended()) return undefined;
  const what = "Cannot trust the answer: the stream ended without a terminal event";
  const why = makeFailure(
    "stream_cut",
    reader.hasBegun
      ? what
      : `${what}. It has no event of a response. It begins with ${beginning.text}`,
  );
  return { kind: "failed", failure: why, request: "unknown" };
}

/** An answer from OpenAI, or a request that was never sent. */
function isAnswer(error: unknown, why: Failure): boolean {
  return error instanceof APIError && !why.maybeAccepted;
}

/**
 * What an answer with an error says about its request. An answer in one piece comes when everything is done: an error of the
 * server says nothing, and one that may be the model's may come after calls.
 */
function refusedBy(why: Failure, streamed: boolean): "refused" | "refused_or_over" | "unknown" {
  if (streamed) return "refused";
  if ((why.status ?? 400) >= 500) return "unknown";
  return isSurelyBefore(why) ? "refused" : "refused_or_over";
}

function classifyRunError(error: unknown): Failure {
  if (error instanceof SyntaxError && !(error instanceof AnswerTooLarge)) {
    return makeFailure(
      "stream_invalid",
      "Cannot read the stream: it contains something that is not a Responses API event",
    );
  }
  return classifyError(error);
}
