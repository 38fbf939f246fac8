/** The time until the first answer of a function that starts in a fresh process, and the function as esm.sh's packages make it. */
import { join } from "node:path";
import { z } from "zod";
import { startEsmSh } from "../../packages/dev/esm-sh/server.ts";
import { freePort } from "../../packages/dev/ports.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { until } from "../support/stack.ts";
import type { FirstRequest } from "./outside.ts";

export interface Start {
  /** The arguments of `deno run`. */
  args: string[];
  env: Record<string, string>;
}

/** Whole packages, as esm.sh serves them, with each of their modules as a file in Deno's cache. */
export async function byEsmSh(entries: string[], folder: string): Promise<Start[]> {
  const text = await Deno.readTextFile(join(projectRoot, "supabase/functions/import_map.json"));
  const { imports } = z.object({ imports: z.record(z.string(), z.string()) }).parse(
    JSON.parse(text),
  );
  const esmSh = startEsmSh();
  const map = join(folder, "import_map.json");
  await Deno.writeTextFile(map, JSON.stringify({ imports: esmSh.redirected(imports) }));
  const options = ["--no-config", "--no-lock", "--node-modules-dir=none", `--import-map=${map}`];
  const env = { DENO_DIR: folder };
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", ...options, `--allow-import=${new URL(esmSh.url).host}`, ...entries],
    env,
  }).output();
  await esmSh.stop();
  if (!success) throw new Error(`Cannot fetch: ${new TextDecoder().decode(stderr)}`);
  return entries.map((entry) => ({ args: [...options, entry], env }));
}

/** From the start of the process to the answer to its first request, in ms. */
export async function firstAnswer(
  { args, env }: Start,
  request: FirstRequest,
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const port = freePort();
  const began = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", "--no-check", ...args],
    env: { ...environment, ...env, DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}` },
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    const status = await until("the first answer", async () => {
      try {
        const { path, headers, body } = request;
        const url = `http://127.0.0.1:${port}${path}`;
        const answer = await fetch(url, { method: "POST", headers, body });
        await answer.body?.cancel();
        return answer.status;
      } catch (error) {
        // It does not listen yet.
        if (error instanceof TypeError) return undefined;
        throw error;
      }
    });
    if (status !== request.status) {
      throw new Error(`Cannot measure ${args.at(-1)}: it answered ${status}`);
    }
    return performance.now() - began;
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}
