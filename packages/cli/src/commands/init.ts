/** `durable-responses init`: puts the functions, migrations and settings into a Supabase project, or upgrades them. */
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { readAllSecrets } from "../api/connection.ts";
import { runCheck } from "../check/run-check.ts";
import { typesPath } from "../check/types-file.ts";
import { checkModels } from "../doctor/profiles.ts";
import { applyChanges, finishEarlier } from "../init/apply.ts";
import type { ImportKind } from "../init/import-map.ts";
import { makePlan, type Plan } from "../init/plan.ts";
import { askSecrets, askStarter } from "../init/questions.ts";
import { readSecrets } from "../init/secrets-file.ts";
import { nextSteps } from "../init/next-steps.ts";
import { showConflicts, showPlan } from "../init/show.ts";
import { defaultStarter, type Starter, wrongModel, wrongServer } from "../init/starters.ts";
import { wayOut } from "../init/way-out.ts";
import { Failure } from "../failure.ts";
import { showReport, writeTypes } from "./check.ts";
import { devIsInstalled } from "../project/dev-package.ts";
import { installedDeno } from "../project/find-deno.ts";
import { readText, requireProject } from "../project/locate.ts";
import { profilesPath, readRelease, type Release } from "../project/release.ts";
import { askYes } from "../terminal/ask.ts";
import { asCalled } from "../terminal/called.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface InitOptions {
  cwd: string;
  yes?: boolean;
  dryRun?: boolean;
  keepChanged?: boolean;
  profile?: Starter["kind"];
  model?: string;
  server?: string;
  /** As a person types it: relative to the project's folder, to the current folder, or to `supabase/`. */
  restore?: string[];
  functionName?: string;
  imports?: ImportKind;
}

export async function init(
  terminal: Terminal,
  options: InitOptions,
): Promise<void> {
  const { color } = terminal;
  const supabase = await requireProject(options.cwd);
  const release = await readRelease();
  const asks = terminal.interactive && !options.yes && !options.dryRun;
  checkStarter(options, asks);
  if (!options.dryRun) {
    const finished = await finishEarlier(supabase);
    if (finished !== undefined) {
      terminal.out(
        `Finished an earlier init that was interrupted: ${finished} files written.`,
      );
    }
  }

  const plan = await makePlan(supabase, release, {
    ...await wishes(supabase, options, asks),
    keepChanged: options.keepChanged ?? false,
    restore: (options.restore ?? []).map((path) => withinSupabase(path, supabase, options.cwd)),
    functionName: options.functionName,
    imports: options.imports,
  });
  for (const line of ignoredOptions(plan, options)) terminal.note(line);
  if (plan.conflicts.length > 0) {
    for (const line of showConflicts(plan, color)) terminal.note(line);
    throw new Failure(
      `Cannot put release ${release.version} in: ${
        count(plan.conflicts.length)
      } in the way, nothing was changed`,
      { hint: wayOut(plan) },
    );
  }
  if (plan.changes.length === 0) {
    terminal.out(`Nothing to do: release ${release.version} is in place.`);
    for (const line of leftLines(plan)) terminal.out(line);
    return;
  }

  terminal.out(`${title(plan, release)}\n`);
  for (const line of showPlan(plan, color)) terminal.out(line);
  if (await readText(join(supabase, typesPath)) === undefined) {
    terminal.out(
      color.green(`  + supabase/${typesPath}  (types for the frontend, written by check)`),
    );
  }
  terminal.out("");
  if (options.dryRun) return;
  if (!options.yes) {
    if (!terminal.interactive) {
      throw new Failure(
        "Cannot ask for confirmation: there is no terminal; nothing was changed",
        {
          hint: "Add --yes to do it, or --dry-run to see what would change",
          exitCode: 2,
        },
      );
    }
    if (!await askYes("Do this?")) {
      throw new Failure("Stopped: nothing was changed", { exitCode: 130 });
    }
  }
  await applyChanges(supabase, plan.changes);
  terminal.out(color.green("Done."));
  for (const { path, copy } of plan.copies) {
    terminal.out(`Your version of supabase/${path} is in supabase/${copy}`);
  }
  for (const line of leftLines(plan)) terminal.out(line);
  const checked = await checkAfterwards(terminal, supabase, release);
  terminal.out("Next:\n");
  const hasDev = await devIsInstalled(supabase);
  for (const line of nextSteps(plan, { checked, hasDev })) terminal.out(asCalled(line));
}

/** Init has done its work by then, and nobody waits long for its last step. */
const checkTimeoutMs = 60_000;

/**
 * Checks the profiles as the functions will load them. If there is no Deno on this machine, nothing is downloaded: `check`
 * is then one of the next steps.
 * @returns whether the check ran
 */
async function checkAfterwards(
  terminal: Terminal,
  supabase: string,
  { folder }: Release,
): Promise<boolean> {
  try {
    const deno = await installedDeno(supabase);
    if (deno === undefined) {
      terminal.note(unchecked("there is no Deno on this machine"));
      return false;
    }
    const secrets = await readAllSecrets(supabase, undefined);
    const report = await runCheck({
      supabase,
      template: folder,
      deno,
      env: secrets,
      timeoutMs: checkTimeoutMs,
    });
    const models = await checkModels(report.profiles, secrets);
    for (const line of showReport(report, models, terminal)) terminal.out(line);
    if (report.findings.every(({ severity }) => severity !== "wrong")) {
      const written = await writeTypes(join(supabase, typesPath), report);
      if (written) terminal.out(`Types for the frontend: supabase/${typesPath}`);
    }
    return true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // All files are in place: a check that cannot be made is for later.
    terminal.note(unchecked(error.message));
    return false;
  }
}

function unchecked(why: string): string {
  return asCalled(`The profiles are not checked (${why}). Check them: npx durable-responses check`);
}

/** Files that differ from the release because their owner changed them. */
function leftLines({ kept }: Plan): string[] {
  const left = kept.filter(({ path }) => path !== profilesPath);
  return left.length === 0 ? [] : [
    "Kept your changes in:",
    ...left.map(({ path, why }) => `  supabase/${path}  (${why})`),
    "  npx durable-responses init --restore FILE takes the release's version.",
  ].map((line) => asCalled(line));
}

/** Options about the first profile that were given although there are profiles already. */
function ignoredOptions({ kept }: Plan, { profile, model, server }: InitOptions): string[] {
  const given = Object.entries({ profile, model, server }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`]
  );
  const isTheirs = kept.some(({ path }) => path === profilesPath);
  return isTheirs && given.length > 0
    ? [
      `${
        given.join(", ")
      }: not used, because supabase/${profilesPath} already exists. It is yours: add the profile to it by hand`,
    ]
    : [];
}

function withinSupabase(path: string, supabase: string, cwd: string): string {
  const normal = path.replaceAll("\\", "/");
  if (/^(?:functions|migrations)\//.test(normal)) return normal;
  if (normal.startsWith("supabase/")) return normal.slice("supabase/".length);
  return relative(supabase, resolve(cwd, path)).replaceAll("\\", "/");
}

async function wishes(supabase: string, options: InitOptions, asks: boolean) {
  const given = {
    ...(options.profile !== undefined && { kind: options.profile }),
    ...(options.model !== undefined && { model: options.model }),
    ...(options.server !== undefined && { server: options.server }),
  };
  const hasProfiles = await readText(`${supabase}/${profilesPath}`) !== undefined;
  const starter = asks && !hasProfiles ? await askStarter(given) : { ...defaultStarter, ...given };
  const known = await readSecrets(supabase);
  const fromShell = process.env["OPENAI_API_KEY"];
  const secrets = asks
    ? await askSecrets(hasProfiles ? defaultStarter : starter, known)
    : fromShell
    ? { OPENAI_API_KEY: fromShell }
    : {};
  return { starter, secrets };
}

function checkStarter({ profile, model, server }: InitOptions, asks: boolean): void {
  // Who is asked may still choose it.
  const kind = profile ?? (asks ? "mcp" : defaultStarter.kind);
  if (server !== undefined && kind !== "mcp") {
    throw new Failure(`Cannot use --server ${server}: the profile '${kind}' has no MCP server`, {
      hint: "Add --profile mcp, or leave --server out",
      exitCode: 2,
    });
  }
  const wrong = (model !== undefined && wrongModel(model)) ||
    (server !== undefined && wrongServer(server));
  if (wrong) {
    throw new Failure(`Cannot use '${model ?? server}': ${wrong}`, {
      exitCode: 2,
    });
  }
}

function title({ installed }: Plan, { version }: Release): string {
  if (installed === undefined) {
    return `Release ${version} goes into this project:`;
  }
  return installed === version
    ? `Release ${version} is in this project; these files are missing or different:`
    : `From release ${installed} to ${version}:`;
}

function count(files: number): string {
  return files === 1 ? "1 file is" : `${files} files are`;
}
