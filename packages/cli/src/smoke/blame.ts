/** Finds the part to blame if a job gets no result: the first broken part on the way from the database to a worker. */
import type { Project } from "../api/project.ts";
import { checkCron } from "../doctor/cron.ts";
import { checkNet, checkVault } from "../doctor/database.ts";
import type { Verdict } from "../doctor/finding.ts";
import { checkFunction } from "../doctor/functions.ts";
import { reportSchema } from "../doctor/report.ts";
import { checkWake } from "../doctor/wake.ts";
import { Failure } from "../failure.ts";

const probeMs = 10_000;

/** @returns what is wrong and how to fix it, or where to look if every part answers */
export async function blame(project: Project): Promise<{ what: string; fix: string }> {
  const report = await project.call("response_doctor", {}, reportSchema);
  const parts: [string, () => Verdict | Promise<Verdict>][] = [
    ["Vault", () => checkVault(report, project.connection.url)],
    ["run-jobs", () => checkFunction(project, "run-jobs")],
    ["the wake-up", () => checkWake(project, probeMs)],
    ["cron", () => checkCron(report)],
    ["pg_net", () => checkNet(report)],
  ];
  for (const [part, run] of parts) {
    const { status, message, fix } = await verdictOf(run);
    if (status === "wrong") return { what: `${part}: ${message}`, fix: fix ?? "" };
  }
  const route = report.routes.find(({ pause_reason }) => pause_reason !== null);
  if (route) {
    return {
      what: `the route ${route.route} is paused (${route.pause_reason})`,
      fix: "npx durable-responses routes; check OpenAI's limits and billing",
    };
  }
  return {
    what: "every part answers, but the job did not get its turn: other jobs may be ahead of it",
    fix: "dashboard > Edge Functions > run-jobs > Logs; npx durable-responses jobs list",
  };
}

async function verdictOf(run: () => Verdict | Promise<Verdict>): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { status: "wrong", message: error.message, fix: error.hint ?? "" };
  }
}
