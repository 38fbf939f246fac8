/** Options that several commands have. */
import type { Command } from "commander";
import type { JobsOptions } from "./commands/jobs.ts";

export const defaultDeno = "(default: the project's own, that in PATH, or from npm)";

/** Adds the options of every command that talks to a project. */
export function reaching(command: Command, json = false): Command {
  command
    .option("--url <url>", "the project's URL (default: SUPABASE_URL, or the linked project)")
    .option(
      "--secrets-file <path>",
      "a file with SUPABASE_SECRET_KEY and the functions' secrets (default: the environment, and what init wrote)",
    );
  return json ? command.option("--json", "as JSON") : command;
}

export function connectionOf(
  { url, secretsFile, json }: Record<string, unknown>,
): Omit<JobsOptions, "cwd"> {
  return {
    ...(typeof url === "string" && { url }),
    ...(typeof secretsFile === "string" && { secretsFile }),
    ...(json === true && { json }),
  };
}

/** A subcommand's options, together with those of the command above it. */
export function optionsOf(command: Command): Omit<JobsOptions, "cwd"> {
  return connectionOf(command.optsWithGlobals());
}
