/**
 * The off-platform worker: the same code as the Edge Function run-jobs, as a plain process without a wall clock. It serves
 * the same queue next to Edge workers, and takes the jobs that none of those could finish. SIGTERM and SIGINT drain it: runs
 * end at their next step and are handed over.
 *
 * Environment: SUPABASE_URL, SUPABASE_SECRET_KEYS (or SUPABASE_SERVICE_ROLE_KEY), OPENAI_API_KEY,
 * DURABLE_RESPONSES_WORKER_SECRET and the secrets that the profiles name; see docs/operating.md.
 */
import { reconcileBackground } from "../../supabase/functions/_durable_responses/jobs/reconcile.ts";
import { settleAnswer } from "../../supabase/functions/_durable_responses/jobs/settle-answer.ts";
import { wakeWorker } from "../../supabase/functions/_durable_responses/jobs/wake.ts";
import { environment } from "../../supabase/functions/_durable_responses/platform/environment.ts";
import { RequestError } from "../../supabase/functions/_durable_responses/platform/errors.ts";
import { log } from "../../supabase/functions/_durable_responses/platform/log.ts";
import { serveQueue } from "../../supabase/functions/_durable_responses/worker/process.ts";
import { profiles } from "../../supabase/functions/_shared/profiles.ts";

if (Deno.args.includes("--help")) {
  console.log(
    "Usage: npm run worker\n\nServes the queue until SIGTERM; docs/operating.md says what it needs.",
  );
  Deno.exit(0);
}
try {
  const { concurrency, leaseMs } = environment();
  await serveQueue({
    profiles,
    reconcile: () => reconcileBackground(profiles),
    wakeAnother: wakeWorker,
    settleAnswer: (key, response) => settleAnswer(profiles, key, response),
    concurrency,
    leaseMs,
  });
} catch (error) {
  if (!(error instanceof RequestError)) throw error;
  log.error(error.message, { code: error.code, hint: error.hint });
  Deno.exit(1);
}
