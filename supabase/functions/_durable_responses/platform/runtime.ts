import { after } from "./clock.ts";

/** What the Edge runtime adds to Deno, behind an interface that a plain Deno process has too. */
interface EdgeRuntimeGlobal {
  EdgeRuntime?: { waitUntil(promise: Promise<unknown>): void };
}

/** Whether this is an Edge Function, and not a worker in a process of its own. */
export function isEdgeFunction(): boolean {
  return "EdgeRuntime" in globalThis;
}

/** Keeps the worker alive for work after the response. In plain Deno the process lives anyway. */
export function waitUntil(work: Promise<unknown>): void {
  const { EdgeRuntime } = globalThis as EdgeRuntimeGlobal;
  EdgeRuntime?.waitUntil(work);
}

/**
 * The same for work that begins once the answer is on its way. A bundler may put everything into one file: then an `import()`
 * runs before the answer is sent, and with it all that it loads.
 */
export function afterAnswer(work: () => Promise<unknown>): void {
  waitUntil(new Promise<void>((resolve) => after(0, resolve)).then(work));
}

/**
 * How long this worker has lived, in ms. A request may land on a worker that was started for an earlier one, so the time
 * left is the wall clock minus this age.
 */
export function workerAgeMs(): number {
  return performance.now();
}

/** Calls back once when the platform is about to end this worker (90% of the wall clock, CPU, memory). */
export function onShutdown(callback: () => void): void {
  addEventListener("beforeunload", callback, { once: true });
}
