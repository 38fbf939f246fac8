/** `durable-responses doctor`: one line for each part: ok, or what is wrong and how to fix it. */
import { join } from "node:path";
import { connect, type Connection, type ConnectionOptions } from "../api/connection.ts";
import { Project } from "../api/project.ts";
import type { ProfilesReport } from "../check/report.ts";
import { checkCron } from "../doctor/cron.ts";
import * as database from "../doctor/database.ts";
import type { Finding, Verdict } from "../doctor/finding.ts";
import { skipped, wrong } from "../doctor/finding.ts";
import { checkFunction, checkWebhook } from "../doctor/functions.ts";
import { loadProfiles, verdictOnProfiles } from "../doctor/profile-check.ts";
import { withOwnSecret } from "../doctor/own-secret.ts";
import { checkConfig, checkFiles } from "../doctor/project-files.ts";
import { checkModels, checkProfiles, localProfiles } from "../doctor/profiles.ts";
import { type Report, reportSchema } from "../doctor/report.ts";
import { checkServers } from "../doctor/servers.ts";
import { checkSqlTools } from "../doctor/sql-tools.ts";
import { checkWake } from "../doctor/wake.ts";
import { visibleJson } from "../../../text/visible.ts";
import { Failure } from "../failure.ts";
import { readText } from "../project/locate.ts";
import { expectedSchema, functionNames, profilesPath, readRelease } from "../project/release.ts";
import type { SmokeOptions } from "../smoke/job.ts";
import { type KnownProfiles, smoke, smokeOptions } from "../smoke/smoke.ts";
import { asCalled } from "../terminal/called.ts";
import { count as counted } from "../terminal/count.ts";
import { adviceFor } from "../terminal/here.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface DoctorOptions extends ConnectionOptions {
  json?: boolean;
  /** Also one tiny job through each path. */
  smoke?: boolean;
  smokeProfile?: string;
  smokeModel?: string;
  /** How long each job may take, in s. */
  smokeWait?: number;
}

/** @returns the exit code: 1 if something is wrong; warnings do not count */
export async function doctor(
  terminal: Terminal,
  options: DoctorOptions,
): Promise<0 | 1> {
  const findings: Finding[] = [];
  const connection = await connect(terminal, options);
  const adapted = ({ fix, ...verdict }: Verdict): Verdict =>
    fix === undefined ? verdict : { ...verdict, fix: adviceFor(connection.url, fix) };
  const check = async (
    name: string,
    run: () => Verdict | Promise<Verdict>,
  ): Promise<Verdict> => {
    const verdict = adapted(await verdictOf(run));
    const finding = { check: name, ...verdict };
    findings.push(finding);
    if (!options.json) {
      for (const line of show(finding, terminal)) terminal.out(line);
    }
    return verdict;
  };
  const project = new Project(connection);
  const release = await readRelease();
  let loading: ReturnType<typeof loadProfiles> | undefined;
  const load = () => loading ??= loadProfiles(connection.supabase, connection.secrets);
  const asked = options.smoke ? await knownBefore(project, options, load) : undefined;

  await check("project files", () => checkFiles(connection.supabase, release));
  await check("config.toml", () => checkConfig(connection.supabase, connection.functionName));
  const loaded = await checkProfilesFile(load, check);
  const report = await checkReport(project, check);
  const inReport = (name: string, run: (report: Report) => Verdict) =>
    check(
      name,
      () => report ? run(report.report) : skipped("needs the database"),
    );
  await inReport("migrations", (r) => database.checkMigrations(r, release));
  const expected = await expectedSchema(release, connection.supabase);
  await inReport("schema", (r) => database.checkSchema(r, expected));
  await check(
    "clock",
    () =>
      report
        ? database.checkClock(report.report, report.askedAt, report.answeredAt)
        : skipped("needs the database"),
  );
  for (const name of functionNames) {
    await check(name, () => checkFunction(project, name));
  }
  await check("webhook", () => checkWebhook(project));
  const vault = await inReport(
    "vault",
    (r) => database.checkVault(r, connection.url),
  );
  const wake = await check(
    "wake",
    () =>
      !report || vault.status === "wrong"
        ? skipped("needs the database and Vault's values")
        : wakeVerdict(project),
  );
  const profiles = await localProfiles(connection.supabase);
  await check(
    "profiles",
    () =>
      report
        ? checkProfiles(project, profiles, ["ok", "warn"].includes(wake.status))
        : skipped("needs the database"),
  );
  await check("servers", () => checkServers(project));
  await check(
    "sql tools",
    () => report ? checkSqlTools(project, loaded) : skipped("needs the database"),
  );
  await check("models", () => checkModels(profiles, connection.secrets));
  await inReport("cron", checkCron);
  await inReport("pg_net", database.checkNet);
  await inReport("jobs", database.checkJobs);
  await inReport("flags", database.checkFlags);
  await inReport("files", database.checkFiles);
  await inReport("routes", database.checkRoutes);
  await inReport("streams", database.checkStreams);
  await inReport("failures", database.checkErrors);

  if (options.smoke) {
    if (!options.json) terminal.out("\nOne tiny job through each path:");
    const deployed = report?.report.profiles ?? [];
    const wished = asked ?? await wishedSmoke(connection, options, { loaded, deployed });
    await smoke(project, wished, check);
  }

  const bad = findings.filter(({ status }) => status === "wrong").length;
  if (options.json) {
    terminal.out(
      visibleJson({ ok: bad === 0, url: connection.url, checks: findings }),
    );
  } else {
    terminal.out(`\n${summary(findings)}`);
  }
  return bad === 0 ? 0 : 1;
}

function summary(findings: Finding[]): string {
  const count = (wanted: Finding["status"]) =>
    findings.filter(({ status }) => status === wanted).length;
  const warnings = counted(count("warn"), "warning");
  const bad = count("wrong");
  if (bad > 0) {
    return `Wrong: ${bad} of ${findings.length} checks${count("warn") > 0 ? `, ${warnings}` : ""}.`;
  }
  return count("warn") > 0 ? `Nothing is wrong, ${warnings}.` : "All is well.";
}

async function wishedSmoke(
  { supabase }: Connection,
  options: DoctorOptions,
  known: Omit<KnownProfiles, "text">,
) {
  const text = supabase && await readText(join(supabase, profilesPath));
  const { smokeProfile: profile, smokeModel: model, smokeWait: waitS } = options;
  return smokeOptions({ profile, model, waitS }, { ...known, text });
}

async function wakeVerdict(project: Project): Promise<Verdict> {
  const verdict = await checkWake(project);
  return verdict.status === "ok" ? await withOwnSecret(project, verdict) : verdict;
}

/** What the smoke test does is known before the checks, which take their time, unless the database does not answer. */
async function knownBefore(
  project: Project,
  options: DoctorOptions,
  load: () => ReturnType<typeof loadProfiles>,
): Promise<SmokeOptions | undefined> {
  try {
    const { profiles: deployed } = await project.call("response_doctor", {}, reportSchema);
    const loaded = await load();
    return await wishedSmoke(project.connection, options, {
      loaded: "why" in loaded ? undefined : loaded,
      deployed,
    });
  } catch (error) {
    // A wrong profile or model ends here. Anything else is a finding of the checks.
    if (!(error instanceof Failure) || error.exitCode === 2) throw error;
    return undefined;
  }
}

type Check = (name: string, run: () => Promise<Verdict>) => Promise<Verdict>;

/** @returns Deno's findings in the profiles, if it could check them */
async function checkProfilesFile(
  load: () => ReturnType<typeof loadProfiles>,
  check: Check,
): Promise<ProfilesReport | undefined> {
  let found: ProfilesReport | undefined;
  await check("profiles.ts", async () => {
    const loaded = await load();
    if ("why" in loaded) return skipped(loaded.why);
    found = loaded;
    return verdictOnProfiles(loaded);
  });
  return found;
}

async function checkReport(
  project: Project,
  check: Check,
): Promise<
  { report: Report; askedAt: number; answeredAt: number } | undefined
> {
  let found:
    | { report: Report; askedAt: number; answeredAt: number }
    | undefined;
  await check("database", async () => {
    const askedAt = Date.now();
    const report = await project.call("response_doctor", {}, reportSchema);
    found = { report, askedAt, answeredAt: Date.now() };
    return {
      status: "ok",
      message: `answers, and accepts the key (${found.answeredAt - askedAt} ms)`,
    };
  });
  return found;
}

/** A check that could not run has not passed. The next one still runs. */
async function verdictOf(
  run: () => Verdict | Promise<Verdict>,
): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return wrong(error.message, error.hint ?? "fix it, then run doctor again");
  }
}

const width = 14;

function show(
  { check, status, message, fix }: Finding,
  { color }: Terminal,
): string[] {
  const paint = {
    ok: color.green,
    warn: color.yellow,
    wrong: color.red,
    skipped: color.dim,
  }[status];
  const line = `${paint(status.padEnd(7))} ${check.padEnd(width)} ${message}`;
  return fix === undefined
    ? [line]
    : [line, `${" ".repeat(8 + width)} ${color.dim("→")} ${asCalled(fix)}`];
}
