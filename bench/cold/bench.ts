import { build } from "esbuild";
import { freePort } from "../../local/ports.ts";
import { type Bench, type BenchOptions, type BenchResult, byTurns } from "../support/bench.ts";
import { until } from "../support/stack.ts";

const functionFile = (name: string) =>
  new URL(`../../supabase/functions/${name}/index.ts`, import.meta.url).pathname;
const BARE = "bare supabase-js";
const PACKAGES = "bare + openai + zod";
const entries: Record<string, string> = {
  [BARE]: new URL("./bare.ts", import.meta.url).pathname,
  [PACKAGES]: new URL("./packages.ts", import.meta.url).pathname,
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
  run: (options) => measureCold(options, options.quick ? 5 : 21),
};

/**
 * Starts each function `repeats` times, by turns, as one bundled file: the platform bundles at deploy, and at boot
 * nothing is looked up in node_modules.
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
      const bundled = `${folder}/${i}.mjs`;
      return { name, bundled, kb: await bundle(file, bundled) };
    }),
  );
  const rows = await byTurns(
    bundles.map(({ name, bundled }) => ({ name, measure: () => firstAnswer(bundled) })),
    repeats,
    progress,
  );
  const median = (name: string) => rows.find((row) => row.name === name)?.summary.median ?? NaN;
  const own = Object.keys(entries).filter((name) => name !== BARE && name !== PACKAGES);
  return {
    value: Math.max(...own.map(median)) / median(BARE),
    line: 1.3,
    unit: "ms",
    rows,
    notes: [
      `against the packages alone: ${
        own.map((name) => `${name} ${(median(name) / median(PACKAGES)).toFixed(2)}×`).join(", ")
      }; the packages alone against supabase-js: ${(median(PACKAGES) / median(BARE)).toFixed(2)}×`,
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

/** Writes one file with all that an entry imports; returns its size in kB. */
async function bundle(entry: string, outfile: string): Promise<number> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["deno", "import", "module"],
    external: ["node:*"],
    logLevel: "silent",
  });
  return Math.round((await Deno.stat(outfile)).size / 1024);
}
