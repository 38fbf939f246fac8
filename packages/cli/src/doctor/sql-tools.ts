/** The check of the tools that are Postgres functions, as one line of doctor. */
import type { Project } from "../api/project.ts";
import type { ProfilesReport } from "../check/report.ts";
import { findSqlToolFaults, sqlToolsOf } from "../sql-tools/check-sql-tools.ts";
import { ok, skipped, type Verdict } from "./finding.ts";
import { verdictOn } from "./profile-check.ts";

/** @param report undefined if the profiles could not be loaded */
export async function checkSqlTools(
  project: Project,
  report: ProfilesReport | undefined,
): Promise<Verdict> {
  if (report === undefined) return skipped("needs the profiles, and a Deno to load them");
  const functions = new Set(sqlToolsOf(report).map((tool) => tool.function));
  if (functions.size === 0) return ok("no profile has a tool that is a Postgres function");
  const found = verdictOn(await findSqlToolFaults(project, report));
  return found ?? ok(`checked against their tools: ${[...functions].join(", ")}`);
}
