/** `durable-responses worker`: runs the project's functions as a plain Deno process, without a wall clock. */
import { connect, type ConnectionOptions } from "../api/connection.ts";
import { denoArguments } from "../project/deno.ts";
import { findDeno } from "../project/find-deno.ts";
import { requireProject } from "../project/locate.ts";
import { aboutRelease } from "../project/release.ts";
import { runToEnd } from "../project/run-to-end.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface WorkerOptions extends ConnectionOptions {
  /** The Deno to run. Default: `deno` from PATH, or the npm package. */
  deno?: string;
  /** Print the command and exit. */
  print?: boolean;
}

/** @returns the worker's exit code */
export async function worker(
  terminal: Terminal,
  options: WorkerOptions,
): Promise<number> {
  const supabase = await requireProject(options.cwd);
  const { folder } = await aboutRelease();
  const args = await denoArguments({
    supabase,
    template: folder,
    script: "worker/main.ts",
    permissions: ["--allow-net", "--allow-env"],
  });
  if (options.print) {
    terminal.out(["deno", ...args].map(quote).join(" "));
    return 0;
  }
  const { url, key, secrets } = await connect(terminal, options);
  const env = {
    ...secrets,
    SUPABASE_URL: url,
    SUPABASE_SECRET_KEYS: secrets["SUPABASE_SECRET_KEYS"] ??
      JSON.stringify({ default: key }),
  };
  return await runToEnd(await findDeno(supabase, options.deno), args, env);
}

function quote(argument: string): string {
  return /^[\w./:=,@%+-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
