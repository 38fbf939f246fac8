/** Retries what may be retried. */
import { DurableResponsesError } from "../errors.ts";

const firstPauseMs = 300;
const longestPauseMs = 8_000;
/** A longer Retry-After is left to the caller. */
const longestRetryAfterMs = 30_000;
/** No answer, a request timeout, too many requests, and a gateway or a function that is starting, full or unavailable. */
const passing = new Set([undefined, 408, 429, 502, 503, 504, 546]);

/** Errors that a repeat does not fix soon: a bad argument, and a user at the limit of unfinished jobs. */
const lasting = new Set(["invalid_argument", "too_many_jobs"]);

/** Whether the same request may succeed later. */
export function isPassing(error: unknown): error is DurableResponsesError {
  return error instanceof DurableResponsesError &&
    !lasting.has(error.code) &&
    passing.has(error.status);
}

/**
 * Calls `send` up to `maxRetries` more times while it fails with a temporary error. Only for requests that may safely reach
 * the server twice.
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

/** Exponential with half jitter: never at once, and never all at the same time. */
function backoff(retries: number): number {
  const step = Math.min(firstPauseMs * 2 ** retries, longestPauseMs);
  return step / 2 + Math.random() * step / 2;
}

/** @throws the signal's reason if it is aborted */
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
