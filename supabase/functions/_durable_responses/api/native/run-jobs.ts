import * as z from "../../model/zod.ts";
import { sameSecret } from "../../platform/digest.ts";
import { environment } from "../../platform/environment.ts";
import { RequestError } from "../../platform/errors.ts";
import { describe, log } from "../../platform/log.ts";
import { afterAnswer, onShutdown, waitUntil } from "../../platform/runtime.ts";
import type { Profiles } from "../../profiles/profile.ts";
import { newWorkerId } from "../../worker/worker-id.ts";
import type { Worker } from "../../worker/worker.ts";
import { readText } from "../http/body.ts";
import { requireMethod } from "../http/method.ts";
import { answering, json } from "../http/reply.ts";

/** What a wake-up says about itself: `{"source": "cron"}`. Only for the log. */
const wakeSchema = z.object({ source: z.string().check(z.maxLength(40)) });

/** A worker, which has looked for nothing yet as long as it is being loaded. */
interface Place {
  id: string;
  worker?: Worker;
}

/** At most one worker per isolate: a second wake-up finds the first worker and makes it look again. */
let current: Place | undefined;
let watching = false;
/** Whether the platform is about to end this isolate. */
let ending = false;

/**
 * The Edge Function `run-jobs`. Cron or a nudge wakes it, with the worker secret. It answers 202 at once, and then loads what
 * a worker needs and works in `waitUntil`.
 */
export function runJobs(
  { profiles }: { profiles: Profiles },
): (request: Request) => Promise<Response> {
  return answering((request) => wake(profiles, request));
}

async function wake(profiles: Profiles, request: Request): Promise<Response> {
  requireMethod(request, "POST");
  const { workerSecret } = environment();
  if (!await sameSecret(request.headers.get("x-worker-secret") ?? "", workerSecret)) {
    throw new RequestError(
      "invalid_worker_secret",
      "Cannot wake the worker: x-worker-secret is missing or wrong",
      {
        hint:
          "Vault's durable_responses_worker_secret and the function's DURABLE_RESPONSES_WORKER_SECRET must be the same",
      },
    );
  }
  const source = await sourceOf(request);
  if (current) {
    // One that may start nothing more looks for a successor as it signs off. If its own request for one arrives here, because
    // the platform gives this isolate more time than it believes to have, then cron wakes the successor.
    if (current.worker?.mayStart) current.worker.wake();
    log.info("woken", { worker: current.id, source });
  } else {
    const place = { id: newWorkerId() };
    current = place;
    afterAnswer(() => work(profiles, place, source));
  }
  return json(202, { worker: current.id });
}

async function sourceOf(request: Request): Promise<string> {
  try {
    return wakeSchema.parse(JSON.parse(await readText(request))).source;
  } catch (error) {
    // Whoever wakes it by hand need not say who they are.
    if (error instanceof SyntaxError || error instanceof z.$ZodError) return "unknown";
    throw error;
  }
}

async function work(profiles: Profiles, place: Place, source: string): Promise<void> {
  if (!watching) {
    watching = true;
    onShutdown(() => {
      ending = true;
      waitUntil(current?.worker?.stop() ?? Promise.resolve());
    });
  }
  try {
    const { edgeWorker } = await import("../../jobs/edge-worker.ts");
    // Not before the answer: an isolate's first log line prepares the search for secrets.
    log.info("woken", { worker: place.id, source });
    if (ending) return;
    const worker = edgeWorker(profiles, place.id);
    place.worker = worker;
    // A nudge while it signed off must not be lost. And a claim leaves out what is locked at that moment, by a webhook for
    // example, or by its own polls: who hears that work is left looks again. Once: there may be work that it may not do.
    let lookedAgain = false;
    for (;;) {
      await worker.run();
      const workLeft = await worker.signOff();
      if (!worker.woken && (!workLeft || lookedAgain)) break;
      lookedAgain = !worker.woken;
    }
  } catch (error) {
    log.error("worker ended unexpectedly; leases run out and cron wakes another", {
      worker: place.id,
      error: describe(error),
    });
  } finally {
    current = undefined;
  }
}
