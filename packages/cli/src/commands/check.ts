/** `durable-responses check`: finds mistakes in the profiles before a user does, and writes their types for the frontend. */
import { randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { connectIfKnown, readAllSecrets } from "../api/connection.ts";
import { Project } from "../api/project.ts";
import type { ProfileFinding, ProfilesReport } from "../check/report.ts";
import { runCheck } from "../check/run-check.ts";
import { typesFile, typesPath } from "../check/types-file.ts";
import type { Verdict } from "../doctor/finding.ts";
import { checkModels } from "../doctor/profiles.ts";
import { errorCode, Failure } from "../failure.ts";
import { parseToml } from "../init/config-toml.ts";
import { findDeno } from "../project/find-deno.ts";
import { readText, requireProject } from "../project/locate.ts";
import { aboutRelease, profilesPath } from "../project/release.ts";
import { findSqlToolFaults, sqlToolsOf } from "../sql-tools/check-sql-tools.ts";
import { visibleJson } from "../../../text/visible.ts";
import { asCalled } from "../terminal/called.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface CheckOptions {
  cwd: string;
  json?: boolean;
  /** Warnings fail too, for CI. */
  strict?: boolean;
  /** The Deno that loads the profiles. */
  deno?: string;
  /** Where to write the types, instead of next to profiles.ts. */
  types?: string;
  secretsFile?: string;
}

/** @returns the exit code: 1 if requests of a profile would fail; with `strict`, also if there is a warning */
export async function check(terminal: Terminal, options: CheckOptions): Promise<0 | 1> {
  const supabase = await requireProject(options.cwd);
  // Nothing runs with a file that cannot be read, and nothing here needs it: it would be found later.
  parseToml(await readText(join(supabase, "config.toml")) ?? "");
  const secrets = await readAllSecrets(supabase, options.secretsFile);
  const deno = await findDeno(supabase, options.deno);
  const loaded = await checkedProfiles(supabase, deno, secrets);
  const sqlTools = await sqlToolFindings(supabase, secrets, loaded);
  const report = { ...loaded, findings: [...loaded.findings, ...sqlTools ?? []] };
  const isOk = report.findings.every(({ severity }) => severity !== "wrong");
  const types = options.types === undefined
    ? join(supabase, typesPath)
    : resolve(options.cwd, options.types);
  const written = isOk && await writeTypes(types, report);
  const models = await checkModels(report.profiles, secrets);
  const warnings = report.findings.filter(({ severity }) => severity === "warn").length +
    (isAlarm(models) ? 1 : 0);
  const passes = isOk && !(options.strict && warnings > 0);
  if (options.json) {
    terminal.out(visibleJson({ ok: passes, ...report, models }));
    return passes ? 0 : 1;
  }
  for (const line of showReport(report, models, terminal)) terminal.out(line);
  if (sqlTools === undefined) {
    terminal.out(
      `${indent}Its SQL tools were not compared with their Postgres functions: SUPABASE_URL or SUPABASE_SECRET_KEY is not set`,
    );
  }
  if (isOk && !passes) {
    terminal.out(`${warnings} ${warnings === 1 ? "warning fails" : "warnings fail"} with --strict`);
  }
  if (written) {
    terminal.out(`Types for the frontend: ${relative(options.cwd, types)}`);
  }
  return passes ? 0 : 1;
}

/** What OpenAI announces about models is a warning here: requests work until the day of the shutdown. */
function isAlarm({ status }: Verdict): boolean {
  return status === "warn" || status === "wrong";
}

/** Undefined if there are SQL tools, but the project's URL or key is unknown: the check works without. */
async function sqlToolFindings(
  supabase: string,
  secrets: Readonly<Record<string, string | undefined>>,
  report: ProfilesReport,
): Promise<ProfileFinding[] | undefined> {
  if (sqlToolsOf(report).length === 0) return [];
  const connection = await connectIfKnown(supabase, secrets);
  if (connection === undefined) return undefined;
  try {
    return await findSqlToolFaults(new Project(connection), report);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [{
      profile: "",
      path: "",
      severity: "warn",
      message: `The SQL tools were not compared with their Postgres functions: ${error.message}`,
      hint: error.hint ?? "Make sure that the project is running, then check again",
    }];
  }
}

/** @throws Failure if Deno cannot load the check, or there is no product in the project */
export async function checkedProfiles(
  supabase: string,
  deno: string,
  secrets: Readonly<Record<string, string | undefined>>,
): Promise<ProfilesReport> {
  const { folder } = await aboutRelease();
  return await runCheck({
    supabase,
    template: folder,
    deno,
    env: { ...process.env, ...secrets },
  });
}

/** @returns whether the text has changed; another tool's file is not overwritten */
export async function writeTypes(path: string, report: ProfilesReport): Promise<boolean> {
  const text = typesFile(report);
  const before = await readText(path);
  if (before === text) return false;
  if (before !== undefined && !before.startsWith("// Made by npx durable-responses check")) {
    throw new Failure(`Cannot write types to '${path}': check did not create this file`, {
      hint: "Choose another file with --types, or delete this one",
    });
  }
  try {
    await mkdir(dirname(path), { recursive: true });
    // Renamed into place, because a write would follow a link that came with the project, to any file.
    const beside = `${path}.${randomUUID()}`;
    await writeFile(beside, text, { flag: "wx" });
    await rename(beside, path);
  } catch (cause) {
    throw new Failure(`Cannot write '${path}': ${errorCode(cause) ?? String(cause)}`, { cause });
  }
  return true;
}

/** Lines for a person: the findings, and what is fine. */
export function showReport(
  { profiles, findings }: ProfilesReport,
  models: Verdict,
  { color }: Terminal,
): string[] {
  const names = profiles.map(({ name }) => `'${name}'`).join(", ");
  const wrong = findings.filter(({ severity }) => severity === "wrong").length;
  return [
    ...findings.flatMap((finding) => showFinding(finding, color)),
    ...(isAlarm(models)
      ? [
        `${color.yellow("warn".padEnd(7))} models: ${models.message}`,
        ...(models.fix === undefined ? [] : [`${indent}${color.dim("→")} ${models.fix}`]),
      ]
      : []),
    wrong === 0
      ? `${color.green("ok".padEnd(7))} ${names} in supabase/${profilesPath}`
      : `${wrong} wrong in supabase/${profilesPath}`,
    // A choice, and no mistake: with --strict, a warning would forbid it.
    ...(profiles.length > 0 && profiles.every(({ name }) => name !== "default")
      ? [`${indent}None is called 'default', so each request must name its \`profile\``]
      : []),
  ];
}

const indent = " ".repeat(8);

function showFinding(
  { profile, severity, message, hint }: ProfileFinding,
  color: Terminal["color"],
): string[] {
  const paint = severity === "wrong" ? color.red : color.yellow;
  const whose = profile === "" ? "" : `${profile}: `;
  return [
    `${paint(severity.padEnd(7))} ${whose}${message}`,
    `${indent}${color.dim("→")} ${asCalled(hint)}`,
  ];
}
