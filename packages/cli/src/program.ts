/** The commands, their options and their help. */
import { join } from "node:path";
import process from "node:process";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { isWebAddress } from "./api/connection.ts";
import { check, type CheckOptions } from "./commands/check.ts";
import { connect } from "./commands/connect.ts";
import { type ConsoleOptions, openConsole } from "./commands/console.ts";
import { dev } from "./commands/dev.ts";
import { doctor, type DoctorOptions } from "./commands/doctor.ts";
import { init, type InitOptions } from "./commands/init.ts";
import type { JobsOptions } from "./commands/jobs.ts";
import { listRoutes, resetRoute } from "./commands/routes.ts";
import { worker, type WorkerOptions } from "./commands/worker.ts";
import { Failure } from "./failure.ts";
import { importKinds } from "./init/import-map.ts";
import { defaultDeno, optionsOf, reaching } from "./options.ts";
import { addJobs } from "./program-jobs.ts";
import { functionName } from "./project/manifest.ts";
import { aboutRelease, docsFolder, functionNames } from "./project/release.ts";
import { defaultWaitS } from "./smoke/smoke.ts";
import { asCalled, shownPath } from "./terminal/called.ts";
import { processTerminal, type Terminal } from "./terminal/terminal.ts";

/** Options of `dev` that are about the OpenAI stand-in alone. */
const onlyOfOpenAI = ["openaiPort", "listen", "url"];
/** Options of `doctor` that are about the smoke test alone. */
const onlyOfSmoke = ["smokeModel", "smokeProfile", "smokeWait"];

/**
 * Runs a command line, and prints errors on stderr.
 * @returns the exit code: 0, 1 for a problem or a refusal, 2 for wrong usage, 130 for Ctrl-C
 */
export async function run(argv: string[]): Promise<number> {
  const terminal = processTerminal();
  const result = { code: 0 };
  try {
    const { version } = await aboutRelease();
    const main = program(terminal, version, result);
    await main.parseAsync(withoutUselessHelp(main, argv), { from: "user" });
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

/**
 * If help is requested for an unknown command, commander shows the help of its parent. Without `--help`, it says that there
 * is no such command, and suggests one.
 */
function withoutUselessHelp(main: Command, argv: string[]): string[] {
  const words = argv[0] === "help" ? argv.slice(1) : argv;
  let command = main;
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next === undefined) {
      const isUnknown = command.commands.length > 0 && /^[^-]/.test(word);
      return isUnknown ? words.filter((each) => !["-h", "--help"].includes(each)) : argv;
    }
    command = next;
  }
  return argv;
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
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error:/, terminal.color.red("Error:"))),
    })
    .showHelpAfterError("Run with --help for usage")
    .addHelpText(
      "after",
      `
New here? Run init in your Supabase project, then dev to try it on your machine.

All commands except init, check, dev and console need the project (--url, SUPABASE_URL,
or the one that the folder is linked to) and its secret key
(SUPABASE_SECRET_KEY, or a prompt in a terminal).
Exit codes: 0 done, 1 a problem or a refusal, 2 wrong usage, 130 stopped.
Documentation: ${shownPath(cwd, join(docsFolder(), "README.md"))}`,
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
    .option("--model <name>", "the model of the first profile")
    .option(
      "--server <label>",
      "with --profile mcp: the label of its MCP server",
    )
    .option(
      "--restore <file>",
      "replace a file that you changed with the release's version, and keep yours beside it; repeatable",
      (path: string, before: string[] = []) => [...before, path],
    )
    .option(
      "--function-name <name>",
      "another name for the function `respond`, at the first init",
      wholeFunctionName,
    )
    .addOption(
      new Option("--imports <from>", "where the functions' packages come from").choices(
        importKinds,
      ),
    )
    .action((options: Omit<InitOptions, "cwd">) => init(terminal, { ...options, cwd }));

  main.command("check")
    .description("check the profiles, and write their types for the frontend")
    .option("--strict", "warnings fail too, such as a secret that is not set: for CI")
    .option("--types <file>", "where to write the types, instead of beside profiles.ts")
    .option("--deno <path>", `the Deno to load the profiles with ${defaultDeno}`)
    .option(
      "--secrets-file <path>",
      "a file with the functions' secrets (default: the environment, and what init wrote)",
    )
    .option("--json", "as JSON, for machines")
    .action(async (options: Omit<CheckOptions, "cwd">) => {
      result.code = await check(terminal, { ...options, cwd });
    });

  main.command("dev")
    .description("run this project on your machine, without Docker or a key")
    .option("--fresh", "start with a new database and new users")
    .option(
      "--data <folder>",
      "where the database and its users are kept (default: ~/.local/state/durable-responses)",
    )
    .option("--ports <api,db>", "ports to use if they are free (default: 54321,54322)")
    .option("--wall-clock <seconds>", "how long a function's worker lives (default: 150)")
    .option("--no-open", "print the console's URL, but open no browser")
    .option("--plans <file>", "a JSON file of plans for the OpenAI stand-in")
    .addOption(
      new Option("--openai-only", "only the OpenAI stand-in, next to `supabase start`")
        .conflicts(["data", "fresh", "ports", "wallClock"]),
    )
    .option("--openai-port <port>", "with --openai-only: the stand-in's port (default: 54325)")
    .option(
      "--listen <address>",
      "with --openai-only: the address to listen on (default: 127.0.0.1)",
    )
    .option("--url <url>", "with --openai-only: the project's URL, to which webhooks go")
    .option("--deno <path>", `the Deno to run it with ${defaultDeno}`)
    .action(async (options: Record<string, string | boolean>, command: Command) => {
      const { deno, openaiOnly, ...given } = options;
      refuseAlone(command, onlyOfOpenAI, "openaiOnly");
      result.code = await dev({
        cwd,
        ...(typeof deno === "string" && { deno }),
        openaiOnly: openaiOnly === true,
        rest: asArguments(given),
      });
    });

  main.command("console")
    .description("open the console for a project at Supabase, served on this machine")
    .option("--url <url>", "the project's URL (default: SUPABASE_URL, or the linked project)")
    .option("--key <key>", "its publishable key (default: SUPABASE_PUBLISHABLE_KEY)")
    .option("--port <port>", "the port to use if it is free (default: 54327)")
    .option("--deno <path>", `the Deno to run it with ${defaultDeno}`)
    .action(async (options: Omit<ConsoleOptions, "cwd">) => {
      result.code = await openConsole({ ...options, cwd });
    });

  reaching(main.command("connect"))
    .description(
      "tell the database the URL of the functions and the secret that wakes them",
    )
    .option(
      "--project-url <url>",
      "the URL for the database, if it differs from --url",
      webAddress,
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
    .option("--smoke-model <name>", "with --smoke: the jobs' model, instead of the profile's")
    .option("--smoke-profile <name>", "with --smoke: the jobs' profile, instead of the first one")
    .option(
      "--smoke-wait <seconds>",
      "with --smoke: how long each job may take",
      seconds,
      defaultWaitS,
    )
    .action(async (options: Omit<DoctorOptions, "cwd">, command: Command) => {
      refuseAlone(command, onlyOfSmoke, "smoke");
      result.code = await doctor(terminal, { ...options, cwd });
    });

  addJobs(main, terminal, cwd);

  const routes = reaching(main.command("routes"))
    .description("show breaker, pause and limits of each route: a profile with its model and tools")
    .option("--json", "as JSON")
    .action((options: JobsOptions) => listRoutes(terminal, { ...options, cwd }));
  reaching(routes.command("reset <route>"))
    .description("try background mode again at once, and end a pause")
    .action((route: string, _: unknown, command: Command) =>
      resetRoute(terminal, route, { ...optionsOf(command), cwd })
    );

  reaching(main.command("worker"))
    .description(
      "run a worker on this machine, next to the Edge Functions, for runs that take longer than they live",
    )
    .option("--deno <path>", `the Deno to run it with ${defaultDeno}`)
    .option("--print", "print the command instead of running it")
    .action(async (options: Omit<WorkerOptions, "cwd">) => {
      result.code = await worker(terminal, { ...options, cwd });
    });
  return main;
}

/** Wrong usage: an option that does nothing without another one. */
function refuseAlone(command: Command, names: readonly string[], needed: string): void {
  const alone = names.find((name) => command.getOptionValueSource(name) === "cli");
  if (alone === undefined || command.getOptionValue(needed) === true) return;
  command.error(`error: option '${flagOf(alone)}' needs ${flagOf(needed)}`);
}

/** The flag of an option that commander knows by another name. */
function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The options in the form of the command line. */
function asArguments(options: Record<string, string | boolean>): string[] {
  return Object.entries(options).flatMap(([name, value]) => {
    const flag = flagOf(name);
    if (typeof value === "string") return [flag, value];
    return value ? (name === "open" ? [] : [flag]) : [flag.replace("--", "--no-")];
  });
}

function webAddress(text: string): string {
  if (isWebAddress(text)) return text;
  throw new InvalidArgumentError("It must look like https://<project-ref>.supabase.co.");
}

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 3600) return value;
  throw new InvalidArgumentError("It must be a number of seconds above 0, up to 3600.");
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
