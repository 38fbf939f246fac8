import { build } from "esbuild";
import { freePort } from "../../packages/dev/ports.ts";
import { type Bench, type BenchOptions, type BenchResult, byTurns } from "../support/bench.ts";
import { until } from "../support/stack.ts";

const functionFile = (name: string) =>
  new URL(`../../supabase/functions/${name}/index.ts`, import.meta.url).pathname;
const bare = "bare supabase-js";
const packages = "supabase-js + openai + zod";
const entries: Record<string, string> = {
  [bare]: new URL("./bare.ts", import.meta.url).pathname,
  [packages]: new URL("./packages.ts", import.meta.url).pathname,
  "respond": functionFile("respond"),
  "openai-webhook": functionFile("openai-webhook"),
  "run-jobs": functionFile("run-jobs"),
};

const environment = {
  SUPABASE_URL: "http://127.0.0.1:9",
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_bench"}',
  SUPABASE_PUBLISHABLE_KEYS: '{"default":"sb_publishable_bench"}',
  SUPABASE_JWKS: '{"keys":[]}',
  OPENAI_API_KEY: "sk-bench-000000",
  OPENAI_WEBHOOK_SECRET: "whsec_YmVuY2g=",
  DURABLE_RESPONSES_WORKER_SECRET: "bench-worker-secret",
};

/** From the start of the process to the first answer. */
export const cold: Bench = {
  name: "cold",
  title: "ms from process start to the first answer, against a bare Deno.serve with supabase-js",
  run: (options) => measureCold(options, options.quick ? 15 : 61),
};

/**
 * Starts each function `repeats` times, by turns, bundled: the platform bundles at deploy, and at boot nothing is looked
 * up in node_modules. What a function imports later, in a call, is a file of its own, as it is on the platform.
 */
export async function measureCold(
  { progress }: BenchOptions,
  repeats: number,
): Promise<BenchResult> {
  const folder = await Deno.makeTempDir({ prefix: "bench-cold-" });
  try {
    return await measureBundles(folder, repeats, progress);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function measureBundles(
  folder: string,
  repeats: number,
  progress: BenchOptions["progress"],
): Promise<BenchResult> {
  const bundles = await Promise.all(
    Object.entries(entries).map(async ([name, file], i) => {
      const { kb, bundled } = await bundle(file, `${folder}/${i}`);
      return { name, bundled, kb };
    }),
  );
  const rows = await byTurns(
    bundles.map(({ name, bundled }) => ({ name, measure: () => firstAnswer(bundled) })),
    repeats,
    progress,
  );
  const median = (name: string) => rows.find((row) => row.name === name)?.summary.median ?? NaN;
  const own = Object.keys(entries).filter((name) => name !== bare && name !== packages);
  return {
    value: Math.max(...own.map(median)) / median(bare),
    line: 1.3,
    unit: "ms",
    rows,
    notes: [
      `a function that imports supabase-js, openai and zod whole and does nothing: ${
        (median(packages) / median(bare)).toFixed(2)
      }×; ${own.map((name) => `${name} ${(median(name) / median(bare)).toFixed(2)}×`).join(", ")}`,
      `bundled and minified: ${bundles.map(({ name, kb }) => `${name} ${kb} kB`).join(", ")}`,
    ],
  };
}

async function firstAnswer(file: string): Promise<number> {
  const port = freePort();
  const began = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", "--no-check", file],
    env: { ...environment, DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}` },
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    await until("the first answer", async () => {
      try {
        const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "{}" });
        await answer.body?.cancel();
        return true;
      } catch (error) {
        // It does not listen yet.
        if (error instanceof TypeError) return undefined;
        throw error;
      }
    });
    return performance.now() - began;
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

/** Writes the files that an entry is made of, packages and all; returns the first to load, and the size of all in kB. */
async function bundle(entry: string, outdir: string): Promise<{ bundled: string; kb: number }> {
  const { metafile } = await build({
    entryPoints: { index: entry },
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["deno", "import", "module"],
    external: ["node:*"],
    logLevel: "silent",
  });
  const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
  return { bundled: `${outdir}/index.mjs`, kb: Math.round(bytes / 1024) };
}
