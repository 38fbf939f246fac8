/** The command line of the console on this machine, for any project. */
import type { Command } from "commander";
import { decodeJwt, errors } from "jose";
import { z } from "zod";
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
    const fault = keyFault(key);
    if (fault !== undefined) program.error(`error: option '--key <key>' ${fault}`);
    const { url } = await startConsole({
      port,
      config: { url: projectUrl, publishableKey: key, functionName },
      forwards: true,
    });
    const got = Number(new URL(url).port);
    if (got !== port) console.log(`Port ${port} is in use; the console is on ${got} instead`);
    console.log(`Console: ${url} for ${projectUrl}\nCtrl-C stops it`);
  });
}

const jwtRole = z.object({ role: z.string() });

/** What is wrong with a key, if anything: every page that is served has it. */
function keyFault(key: string): string | undefined {
  if (key.startsWith("sb_publishable_")) return undefined;
  if (key.startsWith("sb_secret_")) return "is a secret key: it must be the publishable key";
  const role = roleOf(key);
  if (role === "anon") return undefined;
  return role === undefined
    ? "is not an API key: it must be the publishable key (sb_publishable_…), or the legacy anon key"
    : `is a key of the role ${role}: it must be the publishable key, or the legacy anon key`;
}

/** The role of a legacy key, which is a JWT. */
function roleOf(key: string): string | undefined {
  try {
    return jwtRole.safeParse(decodeJwt(key)).data?.role;
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return undefined;
    throw error;
  }
}

/** Runs it. @param name of the command, for its help */
export async function runConsole(name: string, args: string[]): Promise<void> {
  await consoleProgram(name).parseAsync(args, { from: "user" });
}
