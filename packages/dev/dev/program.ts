/** The command line of `dev`. */
import { type Command, Option } from "commander";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { defaultDataFolder } from "./data-folder.ts";
import { runOpenAIOnly } from "./openai-only.ts";
import {
  parseCommand,
  parseFunctionName,
  parsePort,
  parsePorts,
  parseProjectUrl,
  parseSeconds,
  type Ports,
} from "./option-values.ts";
import { checkBy, type ProfileCheck } from "./profile-check.ts";
import { exitCodeFor, optionWith, usualCommand } from "./usual-command.ts";
import { runStack } from "./whole-stack.ts";

const usualPorts = { api: 54321, db: 54322 };
const usualOpenAIPort = 54325;
const usualWallClockSeconds = 150;

interface Given {
  project: string;
  data?: string;
  fresh: boolean;
  ports: Ports;
  wallClock: number;
  open: boolean;
  functionName: string;
  check?: string[];
  plans?: string;
  openaiOnly: boolean;
  openaiPort: number;
  listen: string;
  url?: string;
}

async function dev(given: Given, ownCheck?: ProfileCheck): Promise<void> {
  const project = resolve(given.project);
  if (!existsSync(join(project, "supabase"))) {
    throw new Error(`Cannot run the project: there is no folder '${join(project, "supabase")}'`);
  }
  const plans = given.plans === undefined ? {} : { plans: resolve(given.plans) };
  if (given.openaiOnly) {
    const { openaiPort: port, listen, url } = given;
    return await runOpenAIOnly({
      project,
      port,
      listen,
      ...(url !== undefined && { url }),
      ...plans,
    });
  }
  await runStack({
    project,
    data: resolve(given.data ?? defaultDataFolder(project)),
    fresh: given.fresh,
    ports: given.ports,
    wallClockS: given.wallClock,
    open: given.open,
    functionName: given.functionName,
    check: given.check ? checkBy(given.check, project) : ownCheck,
    ...plans,
  });
}

function devProgram(ownCheck?: ProfileCheck): Command {
  const program = usualCommand("npm run dev --")
    .description(
      "Runs the project on this machine: database, API, functions and the OpenAI stand-in",
    )
    .option("--project <folder>", "the folder that holds supabase/", ".")
    .option("--data <folder>", "where the database and its users are kept")
    .option("--fresh", "start with a new database and new users", false)
    .addOption(
      optionWith("--ports <api,db>", "preferred ports", parsePorts, {
        value: usualPorts,
        text: Object.values(usualPorts).join(","),
      }),
    )
    .option(
      "--wall-clock <seconds>",
      "life of a function's worker",
      parseSeconds,
      usualWallClockSeconds,
    )
    .option("--no-open", "print the console's URL, but open no browser")
    .option(
      "--function-name <name>",
      "the name of the function `respond` in this project",
      parseFunctionName,
      "respond",
    )
    // From the CLI, which brings the check: a command line as JSON.
    .addOption(new Option("--check <command>").argParser(parseCommand).hideHelp())
    .option("--plans <file>", "a JSON file of plans for the OpenAI stand-in")
    .addOption(
      new Option("--openai-only", "only the OpenAI stand-in, next to `supabase start`")
        .default(false).conflicts(["data", "fresh", "ports", "wallClock"]),
    )
    .option("--openai-port <port>", "its port, with --openai-only", parsePort, usualOpenAIPort)
    .option("--listen <address>", "the address it listens on, with --openai-only", "127.0.0.1")
    .option("--url <url>", "the project's URL for webhooks, with --openai-only", parseProjectUrl);
  return program.action(() => dev(program.opts<Given>(), ownCheck));
}

/**
 * Runs it. What cannot be done is said on stderr, with its causes, and ends the process.
 * @param ownCheck the check of the profiles if the command line names none
 */
export async function runDev(args: string[], ownCheck?: ProfileCheck): Promise<void> {
  try {
    await devProgram(ownCheck).parseAsync(args, { from: "user" });
  } catch (error) {
    const said = error instanceof Error ? messages(error).join("\n  because: ") : String(error);
    console.error(`Error: ${said}`);
    Deno.exit(exitCodeFor(error));
  }
}

function messages(error: Error): string[] {
  return [error.message, ...(error.cause instanceof Error ? messages(error.cause) : [])];
}
