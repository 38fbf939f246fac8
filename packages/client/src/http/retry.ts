/** Trying again what may be tried again. */
import { DurableResponsesError } from "../errors.ts";

const firstPauseMs = 300;
const longestPauseMs = 8_000;
/** A longer Retry-After is the caller's to wait for. */
const longestRetryAfterMs = 30_000;
/** No answer, request timeout, too many, and a gateway or a function that is starting, full or away. */
const passing = new Set([undefined, 408, 429, 502, 503, 504, 546]);

/** Errors that a repeat does not fix soon: a bad argument, and a user at the limit of unfinished jobs. */
const lasting = new Set(["invalid_argument", "too_many_jobs"]);

/** Whether the same request may go well later. */
export function isPassing(error: unknown): error is DurableResponsesError {
  return error instanceof DurableResponsesError &&
    !lasting.has(error.code) &&
    passing.has(error.status);
}

/**
 * Calls `send` up to `maxRetries` times more, while it fails with what passes. Only for requests that may safely reach the
 * server twice.
 */
export async function withRetries<T>(
  maxRetries: number,
  signal: AbortSignal | undefined,
  send: () => Promise<T>,
): Promise<T> {
  for (let retries = 0;; retries++) {
    try {
      return await send();
    } catch (error) {
      if (retries >= maxRetries || !isPassing(error)) throw error;
      const wait = error.retryAfterMs ?? backoff(retries);
      if (wait > longestRetryAfterMs) throw error;
      await pause(wait, signal);
    }
  }
}

/** Exponential with half jitter: never at once, never all at the same time. */
function backoff(retries: number): number {
  const step = Math.min(firstPauseMs * 2 ** retries, longestPauseMs);
  return step / 2 + Math.random() * step / 2;
}

/** @throws the signal's reason when it is aborted */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const end = () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    };
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
