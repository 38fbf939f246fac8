/** Waking a worker, so that a queued job need not wait for cron. */
import { environment } from "../platform/environment.ts";
import { describe, log } from "../platform/log.ts";

/** How long a nudge may take, in ms: run-jobs answers at once. */
const nudgeTimeoutMs = 5_000;

/**
 * Wakes a worker now instead of at cron's next tick. A lost nudge costs only that tick, so a failure is logged and not
 * repeated.
 */
export async function wakeWorker(source: string): Promise<void> {
  const { supabaseUrl, workerSecret } = environment();
  try {
    const answer = await fetch(`${supabaseUrl}/functions/v1/run-jobs`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-worker-secret": workerSecret },
      body: JSON.stringify({ source }),
      signal: AbortSignal.timeout(nudgeTimeoutMs),
    });
    await answer.body?.cancel();
    if (!answer.ok) log.warn("nudge refused; cron will wake the worker", { status: answer.status });
  } catch (error) {
    log.warn("nudge lost; cron will wake the worker", { error: describe(error) });
  }
}
