/** Waits for work that has no limit of its own, or that others wait for too. */
import { CallUnanswered } from "./server.ts";

export interface Limits {
  signal: AbortSignal;
  /** If the work itself has no limit, in ms. */
  ms?: number;
}

/**
 * Waits until the run is stopped or the time is up. The work itself continues, and its result is then ignored.
 * @throws CallUnanswered, and what the work throws
 */
export async function waitFor<T>(work: Promise<T>, { signal, ms }: Limits): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new CallUnanswered("the run was stopped during it"));
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const timer = ms === undefined ? undefined : setTimeout(
    () => reject(new CallUnanswered(`there was no answer within ${ms / 1000} s`)),
    ms,
  );
  try {
    return await Promise.race([work, ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
