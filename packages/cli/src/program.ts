/** The commands, their options and their help. */
import process from "node:process";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { check, type CheckOptions } from "./commands/check.ts";
import { connect } from "./commands/connect.ts";
import { dev } from "./commands/dev.ts";
import { doctor } from "./commands/doctor.ts";
import { init, type InitOptions } from "./commands/init.ts";
import {
  type Action,
  actOnJob,
  type JobsOptions,
  listJobs,
  type ListOptions,
  showJob,
  statuses,
} from "./commands/jobs.ts";
import { listRoutes, resetRoute } from "./commands/routes.ts";
import { worker, type WorkerOptions } from "./commands/worker.ts";
import { Failure } from "./failure.ts";
import { importKinds } from "./init/import-map.ts";
import { functionName } from "./project/manifest.ts";
import { functionNames, readRelease } from "./project/release.ts";
import { defaultWaitS } from "./smoke/smoke.ts";
import { asCalled } from "./terminal/called.ts";
import { processTerminal, type Terminal } from "./terminal/terminal.ts";

/**
 * Runs a command line, and prints errors on stderr.
 * @returns the exit code: 0, 1 for a problem or a refusal, 2 for wrong usage, 130 for Ctrl-C
 */
export async function run(argv: string[]): Promise<number> {
  const terminal = processTerminal();
  const result = { code: 0 };
  try {
    const { version } = await readRelease();
    await program(terminal, version, result).parseAsync(argv, { from: "user" });
    return result.code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof Failure)) throw error;
    terminal.note(`${terminal.color.red("Error:")} ${error.message}`);
    if (error.hint !== undefined) {
      terminal.note(`  ${terminal.color.dim("→")} ${asCalled(error.hint)}`);
    }
    return error.exitCode;
  }
}

function program(
  terminal: Terminal,
  version: string,
  result: { code: number },
): Command {
  const cwd = process.cwd();
  const main = new Command("durable-responses")
    .description("OpenAI responses that always come back, on Supabase")
    .version(version)
    .exitOverride()
    .showHelpAfterError("Run with --help for usage")
    .addHelpText(
      "after",
      `
All commands except init, check and dev need the project (--url, SUPABASE_URL,
or the one that the folder is linked to) and its secret key
(SUPABASE_SECRET_KEY, or a prompt in a terminal).
Exit codes: 0 done, 1 a problem or a refusal, 2 wrong usage, 130 stopped.`,
    );

  main.command("init")
    .description(
      "put the functions, migrations and settings into this Supabase project, or upgrade them",
    )
    .option("-y, --yes", "do it without asking")
    .option("--dry-run", "only show what would change")
    .option("--keep-changed", "upgrade around the files that you changed")
    .addOption(
      new Option("--profile <kind>", "the first profile").choices([
        "question",
        "mcp",
        "structured",
      ]),
    )
    .option("--model <name>", "its model")
    .option(
      "--server <label>",
      "for --profile mcp: the label of the MCP server",
    )
    .option(
      "--restore <file>",
      "replace a file that you changed with the release's version; repeatable",
      (path: string, before: string[] = []) => [...before, path],
    )
    .option(
      "--function-name <name>",
      "another name for the function `respond`, at the first init",
      wholeFunctionName,
    )
    .addOption(
      new Option("--imports <from>", "the source of the functions' packages").choices(
        importKinds,
      ),
    )
    .action((options: Omit<InitOptions, "cwd">) => init(terminal, { ...options, cwd }));

  main.command("check")
    .description("check the profiles, and write their types for the frontend")
    .option("--types <file>", "where to write the types, instead of beside profiles.ts")
    .option("--deno <path>", "the Deno to load the profiles with")
    .option("--secrets-file <path>", "a file with the functions' secrets")
    .option("--json", "as JSON, for machines")
    .action(async (options: Omit<CheckOptions, "cwd">) => {
      result.code = await check(terminal, { ...options, cwd });
    });

  main.command("dev")
    .description("run this project on your machine, without Docker or a key")
    .option("--fresh", "start with a new database, new users and new keys")
    .option("--data <folder>", "where the database, users and keys are kept")
    .option("--ports <api,db>", "preferred ports (default: 54321,54322)")
    .option("--wall-clock <seconds>", "life of a function's worker (default: 150)")
    .option("--no-open", "print the console's URL, but open no browser")
    .option("--plans <file>", "a JSON file of plans for the OpenAI stand-in")
    .option("--openai-only", "only the OpenAI stand-in, next to `supabase start`")
    .option("--openai-port <port>", "its port (default: 54325)")
    .option("--listen <address>", "the address it listens on (default: 127.0.0.1)")
    .option("--url <url>", "the project's URL, for its webhooks")
    .option("--deno <path>", "the Deno to run it with")
    .action(async ({ deno, openaiOnly, ...given }: Record<string, string | boolean>) => {
      result.code = await dev(terminal, {
        cwd,
        ...(typeof deno === "string" && { deno }),
        openaiOnly: openaiOnly === true,
        rest: asArguments(given),
      });
    });

  reaching(main.command("connect"))
    .description(
      "tell the database the URL of the functions and the secret that wakes them",
    )
    .option(
      "--project-url <url>",
      "the URL for the database, if it differs from --url",
    )
    .action((options) => connect(terminal, { ...options, cwd }));

  reaching(main.command("doctor"))
    .description(
      "check every part of the project: ok, or what is wrong and how to fix it",
    )
    .option("--json", "as JSON, for machines")
    .option(
      "--smoke",
      "also run one tiny job through each path: webhook, polling, nudge, cron; a few hundred tokens",
    )
    .option("--smoke-model <name>", "their model, instead of the first profile's")
    .option("--smoke-profile <name>", "their profile")
    .option("--smoke-wait <seconds>", "how long each may take", seconds, defaultWaitS)
    .action(async (options) => {
      result.code = await doctor(terminal, { ...options, cwd });
    });

  addJobs(main, terminal, cwd);

  const routes = reaching(main.command("routes"))
    .description("breaker, pause and limits of each profile with its model and tools")
    .option("--json", "as JSON")
    .action((options: JobsOptions) => listRoutes(terminal, { ...options, cwd }));
  reaching(routes.command("reset <route>"))
    .description("try background mode again at once, and end a pause")
    .action((route: string, _: unknown, command: Command) =>
      resetRoute(terminal, route, { ...optionsOf(command), cwd })
    );

  reaching(main.command("worker"))
    .description(
      "run a worker without a wall clock on this machine, next to the Edge Functions",
    )
    .option("--deno <path>", "the Deno to run it with")
    .option("--print", "print the command instead of running it")
    .action(async (options: Omit<WorkerOptions, "cwd">) => {
      result.code = await worker(terminal, { ...options, cwd });
    });
  return main;
}

function addJobs(main: Command, terminal: Terminal, cwd: string): void {
  const jobs = main.command("jobs").description(
    "show jobs, and decide what needs a person",
  );
  reaching(jobs.command("list"), true)
    .description("the newest jobs")
    .option("--status <status,…>", `one or more of ${statuses.join(", ")}`)
    .option("--profile <name>", "only jobs of this profile")
    .option("--owner <user id>", "only jobs of this user")
    .option("--limit <n>", "how many at most", limit, 20)
    .action((options: Omit<ListOptions, "cwd">) => listJobs(terminal, { ...options, cwd }));
  reaching(jobs.command("show <id>"), true)
    .description("one job: its answer or error, and what happened to it")
    .action((id: string, options: Omit<JobsOptions, "cwd">) =>
      showJob(terminal, id, { ...options, cwd })
    );

  const act = (
    name: Action,
    usage: string,
    about: string,
    body: (options: Record<string, unknown>) => Record<string, unknown>,
  ) =>
    reaching(jobs.command(usage), true).description(about)
      .action((id: string, options: Record<string, unknown>) =>
        actOnJob(terminal, name, id, body(options), {
          ...connectionOf(options),
          cwd,
        })
      );
  act(
    "retry",
    "retry <id>",
    "run a failed or cancelled job again, as a new job that continues from its ledger",
    () => ({}),
  );
  act("cancel", "cancel <id>", "stop a job", () => ({}));
  act(
    "approve",
    "approve <id>",
    "approve or reject the tool calls that a job asks for",
    ({ reject, reason, ...seen }) => ({
      approve: reject !== true,
      ...(reason !== undefined && { reason }),
      ...seenOf(seen),
    }),
  )
    .option("--reject", "say no")
    .option("--reason <text>", "the reason, which is sent to the model")
    .option("--request <id>", "which call, as `jobs show` names it; needed when several wait")
    .option("--digest <digest>", "refuse any call other than the one with this digest");
  act(
    "resolve",
    "resolve <id>",
    "say whether a call in doubt was made",
    ({ outcome, output, ...seen }) => ({
      outcome,
      ...(output !== undefined && { output }),
      ...seenOf(seen),
    }),
  )
    .addOption(
      new Option("--outcome <outcome>", "what happened").choices([
        "happened",
        "did_not_happen",
        "cancel",
      ]).makeOptionMandatory(),
    )
    .option("--output <text>", "the tool's answer, if the call was made")
    .option(
      "--request <id>",
      "which call, as `jobs show` names it; needed when several are in doubt",
    )
    .option("--digest <digest>", "refuse any call other than the one with this digest");
}

/** The options in the form of the command line. */
function asArguments(options: Record<string, string | boolean>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (typeof value === "string") return [`--${flag}`, value];
    return value ? (name === "open" ? [] : [`--${flag}`]) : [`--no-${flag}`];
  });
}

/** The call that a decision is about, in the form that respond takes. */
function seenOf({ request, digest }: Record<string, unknown>) {
  return {
    ...(request !== undefined && { request_id: request }),
    ...(digest !== undefined && { digest }),
  };
}

/** Adds the options of every command that talks to a project. */
function reaching(command: Command, json = false): Command {
  command
    .option("--url <url>", "the project's URL")
    .option(
      "--secrets-file <path>",
      "a file with secrets such as SUPABASE_SECRET_KEY",
    );
  return json ? command.option("--json", "as JSON") : command;
}

function connectionOf(
  { url, secretsFile, json }: Record<string, unknown>,
): Omit<JobsOptions, "cwd"> {
  return {
    ...(typeof url === "string" && { url }),
    ...(typeof secretsFile === "string" && { secretsFile }),
    ...(json === true && { json }),
  };
}

/** A subcommand's options, together with those of the command above it. */
function optionsOf(command: Command): Omit<JobsOptions, "cwd"> {
  return connectionOf(command.optsWithGlobals());
}

function limit(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value;
  throw new InvalidArgumentError("It must be a whole number from 1 to 1000.");
}

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError("It must be a number of seconds, up to 3600.");
}

function wholeFunctionName(text: string): string {
  const [, ...others] = functionNames;
  const isFree = !others.some((name) => name === text);
  if (functionName.safeParse(text).success && isFree) return text;
  throw new InvalidArgumentError(
    isFree
      ? "Start with a letter, then use letters, digits, - and _, at most 63 characters."
      : "That is another function's name.",
  );
}
