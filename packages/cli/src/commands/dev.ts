/**
 * `durable-responses dev`: runs the project on this machine, without Docker and without a key, with the package
 * durable-responses-dev.
 */
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { readAllSecrets } from "../api/connection.ts";
import { Failure } from "../failure.ts";
import { type DenoCommand, denoCommands } from "../project/deno.ts";
import { foldersFrom, readText, requireProject } from "../project/locate.ts";
import { defaultFunctionName, readManifest } from "../project/manifest.ts";
import { readRelease } from "../project/release.ts";
import { runToEnd } from "../project/run-to-end.ts";
import { visible } from "../../../text/visible.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { checkedProfiles, showReport, writeTypes } from "./check.ts";
import { typesPath } from "../check/types-file.ts";

export interface DevOptions {
  cwd: string;
  /** The Deno to run it with. */
  deno?: string;
  /** Only the OpenAI stand-in. */
  openaiOnly?: boolean;
  /** The package's own options, unchanged. */
  rest: string[];
}

const devPackage = "durable-responses-dev";
/** What its stack gives to the functions itself, so that nobody has to set it (packages/dev/stack/environment.ts). */
const broughtSecrets = {
  MAILBOX_MCP_URL: "the stack's",
  MAILBOX_MCP_TOKEN: "the stack's",
  EVERYTHING_MCP_URL: "the stack's",
};
const manifestSchema = z.object({ exports: z.record(z.string(), z.unknown()) });
const devSchema = z.union([z.string(), z.object({ default: z.string() })]);

/** @returns the exit code of the stack */
export async function dev(terminal: Terminal, options: DevOptions): Promise<number> {
  const supabase = await requireProject(options.cwd);
  const commands = await denoCommands(supabase, options.deno);
  const program = await findProgram(supabase);
  if (!options.openaiOnly) await checkFirst(terminal, supabase, commands);
  const manifest = await readManifest(supabase);
  const args = [
    "run",
    "--quiet",
    "-A",
    "--no-config",
    "--no-lock",
    "--node-modules-dir=manual",
    program,
    "--project",
    dirname(supabase),
    "--function-name",
    manifest?.function_name ?? defaultFunctionName,
    ...(options.openaiOnly ? ["--openai-only"] : []),
    ...options.rest,
  ];
  for (const [command, before] of commands) {
    const code = await runToEnd(command, [...before, ...args], process.env);
    if (code !== undefined) return code;
  }
  throw new Failure("Cannot run the project: Deno, which runs the functions, cannot be started", {
    hint: `npm install --save-dev ${devPackage}, which includes it, or name one with --deno`,
  });
}

/** Mistakes in the profiles are only reported: whoever fixes them wants the stack to run, because it reloads the profiles. */
async function checkFirst(
  terminal: Terminal,
  supabase: string,
  commands: DenoCommand[],
): Promise<void> {
  try {
    const secrets = await readAllSecrets(supabase, undefined);
    const report = await checkedProfiles(supabase, commands, { ...broughtSecrets, ...secrets });
    const isOk = report.findings.every(({ severity }) => severity !== "wrong");
    if (isOk) await writeTypes(join(supabase, typesPath), report);
    for (const line of showReport(report, { status: "ok", message: "" }, terminal)) {
      terminal.out(line);
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    terminal.note(`${terminal.color.yellow("warn")} ${visible(error.message)}`);
  }
}

/**
 * The project's own package, or one next to this program.
 * @throws Failure if there is neither
 */
async function findProgram(supabase: string): Promise<string> {
  for (const start of [supabase, dirname(fileURLToPath(import.meta.url))]) {
    const found = await programAbove(start);
    if (found !== undefined) return found;
  }
  const { version } = await readRelease();
  throw new Failure(`Cannot run the project: the package '${devPackage}' is not installed`, {
    hint: `npm install --save-dev ${devPackage}@${version}`,
  });
}

async function programAbove(start: string): Promise<string | undefined> {
  for (const folder of foldersFrom(start)) {
    const home = join(folder, "node_modules", devPackage);
    const text = await readText(join(home, "package.json"));
    if (text !== undefined) {
      const { exports } = manifestSchema.parse(JSON.parse(text));
      const entry = devSchema.parse(exports["./dev"]);
      // Its own packages are looked for from where it really lies.
      const program = join(await realpath(home), typeof entry === "string" ? entry : entry.default);
      if (await readText(program) !== undefined) return program;
      throw new Failure(`Cannot run the project: '${program}' does not exist`, {
        hint: "Install the package again; in its repository, npm run build dev",
      });
    }
  }
  return undefined;
}
