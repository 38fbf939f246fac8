/** The command line of the console on this machine, for any project. */
import type { Command } from "commander";
import { parseFunctionName, parsePort, parseProjectUrl } from "../dev/option-values.ts";
import { usualCommand } from "../dev/usual-command.ts";
import { startConsole } from "./server.ts";

interface Given {
  url: string;
  key: string;
  port: number;
  functionName: string;
}

function consoleProgram(name: string): Command {
  const program = usualCommand(name)
    .description("Opens the console for a Supabase project; calls go through this process")
    .requiredOption("--url <url>", "the project's URL, https://<ref>.supabase.co", parseProjectUrl)
    .requiredOption("--key <key>", "the project's publishable key")
    .option("--port <port>", "port to use when it is free", parsePort, 54327)
    .option(
      "--function-name <name>",
      "what `respond` is called in the project",
      parseFunctionName,
      "respond",
    );
  return program.action(async () => {
    const { url: projectUrl, key, port, functionName } = program.opts<Given>();
    // Not a parser of the option: commander shows the value that a parser refuses.
    if (/^sb_secret_/.test(key)) {
      program.error("error: option '--key <key>' is a secret key: it must be the publishable key");
    }
    const { url } = await startConsole({
      port,
      config: { url: projectUrl, publishableKey: key, functionName },
      forwards: true,
    });
    console.log(`Console: ${url}\nCtrl-C stops it`);
  });
}

/** Runs it. @param name of the command, for its help */
export async function runConsole(name: string, args: string[]): Promise<void> {
  await consoleProgram(name).parseAsync(args, { from: "user" });
}
