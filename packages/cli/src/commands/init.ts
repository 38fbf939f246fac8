/** `durable-responses init`: puts the functions, migrations and settings into a Supabase project, or upgrades them. */
import process from "node:process";
import { applyChanges, finishEarlier } from "../init/apply.ts";
import { makePlan, type Plan } from "../init/plan.ts";
import { askSecrets, askStarter } from "../init/questions.ts";
import { readSecrets, secretsFile } from "../init/secrets-file.ts";
import { showConflicts, showPlan } from "../init/show.ts";
import { defaultStarter, type Starter, wrongModel, wrongServer } from "../init/starters.ts";
import { Failure } from "../failure.ts";
import { readText, requireProject } from "../project/locate.ts";
import { profilesPath, readRelease, type Release } from "../project/release.ts";
import { askYes } from "../terminal/ask.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface InitOptions {
  cwd: string;
  yes?: boolean;
  dryRun?: boolean;
  keepChanged?: boolean;
  profile?: Starter["kind"];
  model?: string;
  server?: string;
}

export async function init(
  terminal: Terminal,
  options: InitOptions,
): Promise<void> {
  const { color } = terminal;
  const supabase = await requireProject(options.cwd);
  const release = await readRelease();
  const asks = terminal.interactive && !options.yes && !options.dryRun;
  checkStarter(options);
  if (!options.dryRun) {
    const finished = await finishEarlier(supabase);
    if (finished !== undefined) {
      terminal.out(
        `Finished an earlier init that was cut off: ${finished} files put in place.`,
      );
    }
  }

  const plan = await makePlan(supabase, release, {
    ...await wishes(supabase, options, asks),
    keepChanged: options.keepChanged ?? false,
  });
  if (plan.conflicts.length > 0) {
    for (const line of showConflicts(plan, color)) terminal.note(line);
    throw new Failure(
      `Cannot put release ${release.version} in: ${
        count(plan.conflicts.length)
      } in the way, nothing was changed`,
      {
        hint:
          "Rename or delete a file to get the release's; --keep-changed keeps those that you changed as they are",
      },
    );
  }
  if (plan.changes.length === 0) {
    terminal.out(`Nothing to do: release ${release.version} is in place.`);
    return;
  }

  terminal.out(`${title(plan, release)}\n`);
  for (const line of showPlan(plan, color)) terminal.out(line);
  terminal.out("");
  if (options.dryRun) return;
  if (!options.yes) {
    if (!terminal.interactive) {
      throw new Failure(
        "Cannot ask whether to do this: there is no terminal; nothing was changed",
        {
          hint: "Add --yes to do it, or --dry-run only to see it",
          exitCode: 2,
        },
      );
    }
    if (!await askYes("Do this?")) {
      throw new Failure("Stopped: nothing was changed", { exitCode: 130 });
    }
  }
  await applyChanges(supabase, plan.changes);
  terminal.out(`${color.green("Done.")} Next:\n`);
  for (const line of nextSteps(plan)) terminal.out(line);
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

function checkStarter({ model, server }: InitOptions): void {
  const wrong = (model !== undefined && wrongModel(model)) ||
    (server !== undefined && wrongServer(server));
  if (wrong) {
    throw new Failure(`Cannot take '${model ?? server}': ${wrong}`, {
      exitCode: 2,
    });
  }
}

function title({ installed }: Plan, { version }: Release): string {
  if (installed === undefined) {
    return `Release ${version} goes into this project:`;
  }
  return installed === version
    ? `Release ${version} is in this project; this is missing or different:`
    : `From release ${installed} to ${version}:`;
}

function nextSteps({ installed }: Plan): string[] {
  const file = `supabase/${secretsFile}`;
  const steps: [string, string][] = [
    ["Set up the database", "npx supabase db push --remote --include-all"],
    [
      `Fill in ${file}, then set the secrets`,
      `npx supabase secrets set --remote --env-file ${file}`,
    ],
    [
      "Deploy the functions",
      "npx supabase functions deploy --remote --use-api respond openai-webhook run-jobs",
    ],
    [
      "Tell the database where they are",
      "SUPABASE_SECRET_KEY=sb_secret_… npx durable-responses connect",
    ],
    [
      "Check everything, and register the profiles",
      "SUPABASE_SECRET_KEY=sb_secret_… npx durable-responses doctor",
    ],
  ];
  // An upgrade keeps its secrets and Vault values.
  const needed = installed === undefined
    ? steps
    : steps.filter((_, index) => index !== 1 && index !== 3);
  return [
    ...needed.flatMap((
      [what, command],
      index,
    ) => [`  ${index + 1}. ${what}:`, `     ${command}`]),
    ...(installed === undefined
      ? [
        "",
        "  For webhooks: add https://<project-ref>.supabase.co/functions/v1/openai-webhook at",
        "  https://platform.openai.com/settings/project/webhooks for the events response.completed, response.failed,",
        `  response.cancelled and response.incomplete, and put its secret into ${file}.`,
      ]
      : []),
  ];
}

function count(files: number): string {
  return files === 1 ? "1 file is" : `${files} files are`;
}
