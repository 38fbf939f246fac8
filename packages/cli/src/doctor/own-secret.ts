/** Whether the worker secret that is set here is the project's: `connect` and `worker` would use it. */
import type { Connection } from "../api/connection.ts";
import { type Project, refusalOf } from "../api/project.ts";
import { readSecrets, secretsFile, workerSecret } from "../init/secrets-file.ts";
import { isLocal } from "../terminal/here.ts";
import { ok, type Verdict, warn } from "./finding.ts";

/**
 * The verdict on the wake-up, with the secret that is set here compared with that of run-jobs.
 * @param verdict that the database and run-jobs have the same one
 */
export async function withOwnSecret(project: Project, verdict: Verdict): Promise<Verdict> {
  const own = await ownSecret(project.connection);
  if (own === undefined) return verdict;
  const answer = await project.knock("run-jobs", {
    method: "POST",
    body: { source: "doctor" },
    headers: { "x-worker-secret": own },
  });
  if (answer.status === 202) {
    return ok("the database reaches run-jobs; its secret, that of run-jobs and yours are the same");
  }
  const { code, message } = refusalOf(answer);
  if (code !== "invalid_worker_secret") {
    return warn(
      `the database reaches run-jobs, but run-jobs does not answer you: ${code}: ${message}`,
      "run doctor again; if it stays so, look at its log: dashboard > Edge Functions > run-jobs > Logs",
    );
  }
  return warn(
    `the database reaches run-jobs, but your ${workerSecret} is not the project's`,
    isLocal(project.connection.url)
      ? `unset it here: dev has its own`
      : `give the project yours (npx supabase secrets set --remote --env-file supabase/${secretsFile}, then npx durable-responses connect), or replace yours with the project's`,
  );
}

/** The one that is set here. What init wrote is for the hosted project: `dev` does not use it, so it says nothing there. */
async function ownSecret({ url, secrets, supabase }: Connection): Promise<string | undefined> {
  const own = secrets[workerSecret];
  if (own === undefined || !isLocal(url) || supabase === undefined) return own;
  return own === (await readSecrets(supabase))[workerSecret] ? undefined : own;
}
