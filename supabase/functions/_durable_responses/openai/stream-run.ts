/** One streamed request to OpenAI, with its budgets. */
import { APIError } from "openai/core/error";
import type { Failure } from "../model/failure.ts";
import { type Item, itemSchema } from "../model/items.ts";
import type { RequestBody } from "../model/request.ts";
import { parseUpstreamResponse, type UpstreamResponse } from "../model/upstream-response.ts";
import * as z from "../model/zod.ts";
import { makeFailure } from "../platform/make-failure.ts";
import { callOpenAI } from "./call.ts";
import { classifyError } from "./classify.ts";
import { readEvents } from "./events.ts";

/** The budgets of one synchronous attempt, ms. */
export interface RunBudgets {
  attemptMs: number;
  /** What earlier requests of the attempt have used of it. */
  spentMs: number;
  /** What is left until the job's deadline. */
  deadlineMs: number;
  /** Longest silence of the stream. */
  stallMs: number;
}

export interface RunHooks {
  /** Ends the run from outside (lease lost, worker ending); it then ends as `aborted`. */
  signal: AbortSignal;
  /** An item has begun; a call's arguments are not there yet. */
  onItemStarted: (item: Item) => void;
  /** A call's arguments are complete and the tool is about to be called. May abort `signal`. */
  onArguments: (itemId: string, args: string) => void;
  /** An item is finished. May abort `signal`: between items is the time to stop. */
  onItem: (item: Item) => void;
  /** A piece of the answer's text, as an unparsed event: see run/live/run-text.ts. */
  onText?: (block: string) => void;
}

export type RunResult =
  | { kind: "done"; response: UpstreamResponse; requestId: string | null }
  | {
    kind: "failed";
    failure: Failure;
    requestId: string | null;
    /** True when OpenAI said so: nothing runs there any more. False when it may run on unseen. */
    final: boolean;
  }
  | { kind: "aborted" };

const eventSchema = z.looseObject({ type: z.string() });
const errorEvent = z.looseObject({
  code: z.nullish(z.string()),
  message: z._default(z.string(), "no message"),
});
const argumentsEvent = z.looseObject({ item_id: z.string(), arguments: z.string() });
const terminalEvents = new Set(["response.completed", "response.failed", "response.incomplete"]);

/**
 * Runs a request synchronously: streamed, so that silence can be told from work and finished items are
 * seen as they finish. Nothing is thrown: every way to end is a result. A stream that ends without a
 * terminal event has not finished, whatever it said before.
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
  try {
    const answer = await callOpenAI("POST", "/responses", {
      body: { ...body, stream: true },
      signal: stop.signal,
      timeoutMs: budgets.stallMs,
    });
    requestId = answer.headers.get("x-request-id");
    lastHeard = performance.now();
    if (answer.body) {
      const onChunk = () => lastHeard = performance.now();
      for await (const raw of readEvents(answer.body, onChunk, hooks.onText)) {
        const result = onEvent(raw, hooks);
        if (result) return { ...result, requestId };
        if (ended !== undefined) break;
      }
    }
    if (ended === undefined) {
      return {
        kind: "failed",
        requestId,
        final: false,
        failure: makeFailure(
          "stream_cut",
          "Cannot trust the answer: the stream ended without a terminal event",
        ),
      };
    }
  } catch (error) {
    if (ended === undefined) {
      const why = classifyRunError(error);
      return { kind: "failed", requestId, failure: why, final: isAnswer(error, why) };
    }
  } finally {
    clearTimeout(attempt);
    clearInterval(stall);
    hooks.signal.removeEventListener("abort", onAbort);
    stop.abort();
  }
  return ended === "aborted"
    ? { kind: "aborted" }
    : { kind: "failed", failure: ended, requestId, final: false };
}

/** Longest delay that setTimeout takes, ms. */
const maxTimerMs = 2 ** 31 - 1;

/** Whichever ends first: the attempt's budget or the job's deadline. */
function timeLimit(budgets: RunBudgets): { afterMs: number; why: Failure } {
  const { attemptMs, spentMs, deadlineMs } = budgets;
  return deadlineMs <= attemptMs - spentMs
    ? {
      afterMs: Math.min(deadlineMs, maxTimerMs),
      why: makeFailure("deadline_exceeded", "Cannot finish the run: the job's deadline has passed"),
    }
    : {
      afterMs: Math.min(attemptMs - spentMs, maxTimerMs),
      why: makeFailure(
        "attempt_timeout",
        `Cannot finish the attempt: its budget of ${attemptMs} ms is used up`,
      ),
    };
}

type Settled =
  | { kind: "done"; response: UpstreamResponse }
  | { kind: "failed"; failure: Failure; final: true };

function onEvent(raw: unknown, hooks: RunHooks): Settled | undefined {
  const event = eventSchema.parse(raw);
  if (terminalEvents.has(event.type)) {
    return { kind: "done", response: parseUpstreamResponse(event["response"]) };
  }
  if (event.type === "response.output_item.added") {
    hooks.onItemStarted(itemSchema.parse(event["item"]));
  } else if (event.type === "response.output_item.done") {
    hooks.onItem(itemSchema.parse(event["item"]));
  } else if (event.type === "response.mcp_call_arguments.done") {
    const { item_id, arguments: args } = argumentsEvent.parse(event);
    hooks.onArguments(item_id, args);
  } else if (event.type === "error") {
    const { code, message } = errorEvent.parse(event["error"] ?? event);
    return {
      kind: "failed",
      final: true,
      failure: classifyError(new APIError(undefined, { code, message }, message, undefined)),
    };
  }
  return undefined;
}

/** An answer of OpenAI's, or a request that never left. */
function isAnswer(error: unknown, why: Failure): boolean {
  return error instanceof APIError && !why.maybeAccepted;
}

function classifyRunError(error: unknown): Failure {
  if (error instanceof SyntaxError || error instanceof z.$ZodError) {
    return makeFailure(
      "stream_invalid",
      "Cannot read the stream: it holds something that is not a Responses API event",
    );
  }
  return classifyError(error);
}
