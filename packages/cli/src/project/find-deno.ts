/**
 * Finds the Deno that runs the functions: the program itself, not a wrapper around it. npm's wrapper, for example, starts Deno
 * without passing signals on, so that a Deno would be left behind when its wrapper is ended.
 */
import { access, constants } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Failure } from "../failure.ts";
import { foldersFrom } from "./locate.ts";
import { outputOf } from "./output-of.ts";

/** The Deno version that the functions are tested with. */
export const denoPackage = "deno@2.9.6";
/** npx may have to download it. */
const timeoutMs = 300_000;
const hint = `npm install --save-dev ${denoPackage}, see https://deno.com, or pass --deno <path>`;

/**
 * The Deno that was given, or the project's own, then that beside this program or in PATH, then the npm package.
 * @throws Failure if there is none
 */
export async function findDeno(supabase: string, wanted?: string): Promise<string> {
  if (wanted !== undefined) {
    const program = await programOf(wanted);
    if (program !== undefined) return program;
    throw new Failure(`Cannot run '${wanted}': there is no such program`, { hint });
  }
  const found = await installedDeno(supabase) ?? await programOf("npx", ["--yes", denoPackage]);
  if (found !== undefined) return found;
  throw new Failure("Cannot find Deno, which runs the functions", { hint });
}

/** A Deno that needs no download; undefined if there is none. */
export async function installedDeno(supabase: string): Promise<string | undefined> {
  const folders = [
    join(dirname(supabase), "node_modules", ".bin"),
    // Where this program is installed, or its repository.
    ...foldersFrom(dirname(fileURLToPath(import.meta.url))).map((folder) =>
      join(folder, "node_modules", ".bin")
    ),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  const names = process.platform === "win32" ? ["deno.exe"] : ["deno"];
  for (const path of folders.flatMap((folder) => names.map((name) => join(folder, name)))) {
    if (await access(path, constants.X_OK).then(() => true, () => false)) return programOf(path);
  }
  return undefined;
}

/** What Deno says that it is; undefined if there is no such command. */
async function programOf(command: string, before: string[] = []): Promise<string | undefined> {
  const args = [...before, "eval", "--no-config", "--no-lock", "console.log(Deno.execPath())"];
  const output = await outputOf(command, args, { timeoutMs });
  if (output === undefined) return undefined;
  const { stdout, stderr, code, signal } = output;
  const program = stdout.trimEnd().split("\n").at(-1);
  if (code === 0 && program) return program;
  const why = stderr.trim().split("\n")[0] || `it ended with ${signal ?? `code ${code}`}`;
  throw new Failure(`Cannot run '${[command, ...before].join(" ")}': ${why}`, { hint });
}
