// @ts-types="./delay.d.ts"
import { delay } from "deno-std/async/delay.js";

/** Resolves after `ms`, 0 of which still lets other work run first; rejects with the signal's reason once it is aborted. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, { signal });
}

/** Never resolves; rejects with the signal's reason once it is aborted. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
