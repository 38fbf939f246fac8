/**
 * How long the modules of each function take to load, against a bare Deno.serve with supabase-js:
 *
 *   npx deno run -A tests/adoption/measure-load.ts [runs]
 *
 * Each is bundled into one file, as the platform gets it, and started `runs` times in a fresh process, in turns. The time is
 * from the start of the runtime to the call of Deno.serve.
 */
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { bundle } from "./support/modules.ts";

const baseline = "bare";
const bare = `
import { createClient } from "@supabase/supabase-js";
Deno.serve(() => Response.json(typeof createClient("http://localhost", "key")));
`;
/** Ends the process when the function is ready to serve. */
const preload = `
Deno.serve = () => { console.log(performance.now()); Deno.exit(0); };
`;

const runs = Number(Deno.args[0] ?? "15");
// Inside the project, so that packages resolve.
const folder = await Deno.makeTempDir({ dir: join(projectRoot, ".local"), prefix: "load-" });
try {
  await measure(folder);
} finally {
  await Deno.remove(folder, { recursive: true });
}

async function measure(folder: string): Promise<void> {
  await Deno.writeTextFile(join(folder, "preload.js"), preload);
  await Deno.writeTextFile(join(folder, `${baseline}.ts`), bare);
  const entries = {
    [baseline]: join(folder, `${baseline}.ts`),
    ...Object.fromEntries(
      ["respond", "openai-webhook", "run-jobs"].map((name) => [
        name,
        join(projectRoot, "supabase/functions", name, "index.ts"),
      ]),
    ),
  };
  const times = new Map<string, number[]>();
  const sizes = new Map<string, number>();
  for (const [name, entry] of Object.entries(entries)) {
    const { text, bytes } = await bundle(projectRoot, entry);
    await Deno.writeTextFile(join(folder, `${name}.js`), text);
    sizes.set(name, bytes);
    times.set(name, []);
    await load(folder, name);
  }
  for (let run = 0; run < runs; run++) {
    for (const [name, taken] of times) taken.push(await load(folder, name));
  }
  const base = median(times.get(baseline) ?? []);
  for (const [name, taken] of times) {
    const [kb, middle] = [Math.round((sizes.get(name) ?? 0) / 1024), median(taken)];
    const spread = `${Math.min(...taken).toFixed(0)} to ${Math.max(...taken).toFixed(0)}`;
    console.log(
      `${name.padEnd(16)} ${String(kb).padStart(5)} KB  median ${
        middle.toFixed(0).padStart(4)
      } ms` +
        `  (${spread})  ${(middle / base).toFixed(2)} x bare`,
    );
  }
}

/** Milliseconds until one fresh process is ready to serve. */
async function load(folder: string, name: string): Promise<number> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-config",
      "--no-lock",
      "--allow-all",
      `--preload=${join(folder, "preload.js")}`,
      join(folder, `${name}.js`),
    ],
  }).output();
  const taken = Number(new TextDecoder().decode(stdout));
  if (!(taken > 0)) {
    throw new Error(`Cannot load ${name}: ${new TextDecoder().decode(stderr).slice(0, 1000)}`);
  }
  return taken;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
