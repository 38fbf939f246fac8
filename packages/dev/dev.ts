/** `npm run dev`: the stack at the usual ports, until Ctrl-C. */
import { Command, InvalidArgumentError } from "commander";
import type { SignedInUser } from "./auth/auth.ts";
import type { ProfileFinding } from "../cli/src/check/report.ts";
import { checkOwnProfiles } from "./check-profiles.ts";
import { startConsoleFor } from "./console/for-stack.ts";
import { openBrowser } from "./console/open-browser.ts";
import { visible } from "../text/visible.ts";
import { type LogEvent, type Stack, startStack } from "./stack.ts";
import { banner } from "./stack/banner.ts";
import { openaiFromEnvironment } from "./stack/openai-access.ts";

const usualPorts = { api: 54321, db: 54322 };
/** Where `supabase start` has its Studio. */
const usualConsolePort = 54323;
const usualWallClockSeconds = 150;
/** Parts whose every line would drown those of the functions. */
const quietSources = new Set(["postgres", "postgrest", "everything"]);

interface DevOptions {
  ports: { api: number; db: number };
  wallClock: number;
  /** Whether the console is opened in a browser, where that can be. */
  open: boolean;
}

function parsePorts(text: string): DevOptions["ports"] {
  const [api, db, ...more] = text.split(",").map(Number);
  const isPort = (port: number | undefined): port is number =>
    Number.isInteger(port) && port !== undefined && port >= 1 && port <= 65535;
  if (isPort(api) && isPort(db) && more.length === 0) return { api, db };
  throw new InvalidArgumentError("It must be two ports, as in 54321,54322");
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError("It must be a number of seconds above 0");
}

function sayWherePortsWereTaken(stack: Stack, wanted: DevOptions["ports"]): void {
  const got = { api: Number(new URL(stack.apiUrl).port), db: stack.database.port };
  for (const part of ["api", "db"] as const) {
    if (got[part] !== wanted[part]) {
      console.log(`Port ${wanted[part]} is taken; the ${part} is at ${got[part]} instead`);
    }
  }
}

function printLog({ source, line }: LogEvent): void {
  if (!quietSources.has(source)) console.log(visible(`[${source}] ${line}`));
}

/** The stack is of use without the console, so a console that cannot be built or opened does not end it. */
async function showConsole(stack: Stack, user: SignedInUser, opens: boolean): Promise<void> {
  try {
    const { url } = await startConsoleFor(stack, user, usualConsolePort);
    console.log(`\nWatch, ask and approve in a browser: ${url}`);
    const trouble = opens ? await openBrowser(url) : undefined;
    if (trouble !== undefined) console.log(visible(trouble));
  } catch (error) {
    console.log(visible(`\n${error instanceof Error ? error.message : String(error)}`));
  }
}

function told({ profile, severity, message, hint }: ProfileFinding): string {
  return visible(
    `\n${severity}: ${profile === "" ? "" : `profile '${profile}': `}${message}\n  → ${hint}`,
  );
}

async function dev({ ports, wallClock, open }: DevOptions): Promise<void> {
  const startedAt = performance.now();
  const openai = openaiFromEnvironment();
  const stack = await startStack({
    ports,
    wallClockMs: wallClock * 1000,
    onLog: printLog,
    ...(openai && { openai }),
  });
  const user = await stack.createUser("dev@example.com");
  sayWherePortsWereTaken(stack, ports);
  console.log(banner(stack, user));
  for (const finding of await checkOwnProfiles(stack.hasVariable)) console.log(told(finding));
  await showConsole(stack, user, open);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`\nReady after ${seconds} s. Ctrl-C stops it. Logs of the functions:\n`);
}

const program = new Command("npm run dev --")
  .description("Runs the project on this machine: database, API, functions, OpenAI stand-in")
  .option("--ports <api,db>", "ports to use when they are free", parsePorts, usualPorts)
  .option(
    "--wall-clock <seconds>",
    "life of a function's worker",
    parseSeconds,
    usualWallClockSeconds,
  )
  .option("--no-open", "leave the browser alone, and only print the console's address");
program.action(() => dev(program.opts<DevOptions>()));
await program.parseAsync(Deno.args, { from: "user" });
