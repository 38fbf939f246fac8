/**
 * `durable-responses dev`: runs the project on this machine, without Docker and without a key, with the package
 * durable-responses-dev.
 */
import { realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { Failure } from "../failure.ts";
import { findDeno } from "../project/find-deno.ts";
import { foldersFrom, readText, requireProject } from "../project/locate.ts";
import { defaultFunctionName, readManifest } from "../project/manifest.ts";
import { aboutRelease } from "../project/release.ts";
import { runToEnd } from "../project/run-to-end.ts";

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
const manifestSchema = z.object({ exports: z.record(z.string(), z.unknown()) });
const devSchema = z.union([z.string(), z.object({ default: z.string() })]);

/** @returns the exit code of the stack */
export async function dev(options: DevOptions): Promise<number> {
  const supabase = await requireProject(options.cwd);
  const program = await findProgram(supabase);
  const deno = await findDeno(supabase, options.deno);
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
    ...(options.openaiOnly ? ["--openai-only"] : ["--check", JSON.stringify(checkCommand())]),
    ...options.rest,
  ];
  return await runToEnd(deno, args, process.env);
}

/** The stack runs this at its start and after each change. It keeps running even if the profiles have mistakes. */
function checkCommand(): string[] {
  return [process.execPath, process.argv[1] ?? "", "check", "--json"];
}

/** Whether `dev` has what it runs. */
export async function devIsInstalled(supabase: string): Promise<boolean> {
  for (const folder of programFolders(supabase)) {
    if (await readText(join(folder, "package.json")) !== undefined) return true;
  }
  return false;
}

/**
 * The project's own package, or one next to this program.
 * @throws Failure if there is neither
 */
async function findProgram(supabase: string): Promise<string> {
  for (const folder of programFolders(supabase)) {
    const found = await programIn(folder);
    if (found !== undefined) return found;
  }
  const { version } = await aboutRelease();
  throw new Failure(`Cannot run the project: the package '${devPackage}' is not installed`, {
    hint: `npm install --save-dev ${devPackage}@${version}`,
  });
}

/** Where the package may be. */
function programFolders(supabase: string): string[] {
  return [supabase, dirname(fileURLToPath(import.meta.url))].flatMap((start) =>
    foldersFrom(start).map((folder) => join(folder, "node_modules", devPackage))
  );
}

async function programIn(home: string): Promise<string | undefined> {
  const text = await readText(join(home, "package.json"));
  if (text === undefined) return undefined;
  const { exports } = manifestSchema.parse(JSON.parse(text));
  const entry = devSchema.parse(exports["./dev"]);
  // Its own packages are looked for from where it really lies.
  const program = join(await realpath(home), typeof entry === "string" ? entry : entry.default);
  if (await readText(program) !== undefined) return program;
  throw new Failure(`Cannot run the project: '${program}' does not exist`, {
    hint: "Install the package again; in its repository, npm run build dev",
  });
}
