/** Checks all tools of all profiles that are Postgres functions, for check and doctor. */
import type { Project } from "../api/project.ts";
import type { ProfileFinding, ProfilesReport } from "../check/report.ts";
import { compareTool } from "./compare.ts";
import { askForFunctions } from "./facts.ts";

export function sqlToolsOf({ profiles }: ProfilesReport) {
  return profiles.flatMap(({ name: profile, sql_tools = [] }) =>
    sql_tools.map((tool) => ({ profile, ...tool }))
  );
}

/**
 * Asks the database once, and only if there is such a tool.
 * @throws Failure if it does not answer
 */
export async function findSqlToolFaults(
  project: Project,
  report: ProfilesReport,
): Promise<ProfileFinding[]> {
  const tools = sqlToolsOf(report);
  if (tools.length === 0) return [];
  const names = [...new Set(tools.map((tool) => tool.function))];
  const facts = await askForFunctions(project, names);
  return tools.flatMap(({ profile, ...tool }) =>
    compareTool(tool, facts).map((found) => ({ profile, path: tool.path, ...found }))
  );
}
