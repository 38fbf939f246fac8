/** Wakes the worker as cron does, from the database, and reads the result. */
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { Project } from "../api/project.ts";
import { ok, type Verdict, wrong } from "./finding.ts";

const probeSchema = z.object({
  request_id: z.number(),
  answer: z.object({
    status: z.number().nullable(),
    error: z.string().nullable(),
  }).nullable(),
});

const everyMs = 300;

/** Proves Vault's two values, pg_net, and that the function's secret is the same as Vault's. */
export async function checkWake(
  project: Project,
  timeoutMs = 20_000,
): Promise<Verdict> {
  const { request_id } = await project.call(
    "probe_response_worker",
    {},
    probeSchema,
  );
  for (
    const end = Date.now() + timeoutMs;
    Date.now() < end;
    await delay(everyMs)
  ) {
    const probe = await project.call("probe_response_worker", {
      p_request_id: request_id,
    }, probeSchema);
    if (probe.answer) return judge(probe.answer.status, probe.answer.error);
  }
  return wrong(
    `pg_net has not sent a request within ${timeoutMs / 1000} s`,
    "select net.worker_restart()",
  );
}

function judge(status: number | null, error: string | null): Verdict {
  if (status === 202) {
    return ok("the database reaches run-jobs, and both have the same secret");
  }
  if (status === 401) {
    return wrong(
      "run-jobs refuses the secret in Vault",
      "npx durable-responses connect, with the functions' secret",
    );
  }
  if (status === 404) {
    return wrong(
      "there is no run-jobs at the URL in Vault",
      "npx durable-responses connect, and deploy the functions",
    );
  }
  return wrong(
    `the database cannot wake run-jobs: ${error ?? `HTTP ${status}`}`,
    "check Vault's durable_responses_project_url: npx durable-responses connect",
  );
}
