/**
 * `durable-responses dev`: runs the project on this machine, without Docker and without a key, with the package
 * durable-responses-dev.
 */
import { dirname } from "node:path";
import process from "node:process";
import { devProgram } from "../project/dev-package.ts";
import { findDeno } from "../project/find-deno.ts";
import { requireProject } from "../project/locate.ts";
import { defaultFunctionName, readManifest } from "../project/manifest.ts";
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

/** @returns the exit code of the stack */
export async function dev(options: DevOptions): Promise<number> {
  const supabase = await requireProject(options.cwd);
  const program = await devProgram(supabase, "./dev", "run the project");
  const deno = await findDeno(supabase, options.deno);
  const manifest = await readManifest(supabase);
  const args = [
    ...program,
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
