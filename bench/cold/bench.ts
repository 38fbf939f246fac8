import { type Bench, type BenchOptions, type BenchResult, byTurns } from "../support/bench.ts";
import { bundled } from "./bundle.ts";
import { type Outside, startOutside } from "./outside.ts";
import { byEsmSh, firstAnswer, type Start } from "./start.ts";

const here = (file: string) => new URL(file, import.meta.url).pathname;
const functionFile = (name: string) => here(`../../supabase/functions/${name}/index.ts`);

/** By name of its row: what is started, and which request it answers. */
const variants: readonly { name: string; file: string; request: keyof Requests; as?: "esm.sh" }[] =
  [
    { name: "bare", file: here("./bare.ts"), request: "plain" },
    { name: "bare, a question", file: here("./bare.ts"), request: "question" },
    { name: "supabase-js + openai + zod", file: here("./packages.ts"), request: "plain" },
    { name: "respond, a question", file: functionFile("respond"), request: "question" },
    { name: "openai-webhook, an event", file: functionFile("openai-webhook"), request: "webhook" },
    { name: "run-jobs, a wake", file: functionFile("run-jobs"), request: "wake" },
    { name: "esm.sh: bare", file: here("./bare.ts"), request: "question", as: "esm.sh" },
    { name: "esm.sh: respond", file: functionFile("respond"), request: "question", as: "esm.sh" },
  ];
type Requests = Pick<Outside, "plain" | "question" | "webhook" | "wake">;

/** The time from the start of the process to the answer to its first request. */
export const cold: Bench = {
  name: "cold",
  title: "ms from process start to the first real answer, against a bare function with supabase-js",
  run: (options) => measureCold(options, options.quick ? 15 : 61),
};

/**
 * Starts each function `repeats` times, in turns, and lets it answer one real request, with everything that it needs for
 * that. The database and OpenAI answer at once, because their time is not the function's.
 */
export async function measureCold(
  { progress }: BenchOptions,
  repeats: number,
): Promise<BenchResult> {
  const folder = await Deno.makeTempDir({ prefix: "bench-cold-" });
  await using outside = await startOutside();
  try {
    const { starts, sizes } = await prepare(folder);
    const rows = await byTurns(
      variants.map(({ name, request }) => ({
        name,
        measure: () => firstAnswer(starts(name), outside[request], outside.env),
      })),
      repeats,
      progress,
    );
    const median = (name: string) => rows.find((row) => row.name === name)?.summary.median ?? NaN;
    const ratio = (name: string, to: string) => median(name) / median(to);
    const own = {
      respond: ratio("respond, a question", "bare, a question"),
      "openai-webhook": ratio("openai-webhook, an event", "bare"),
      "run-jobs": ratio("run-jobs, a wake", "bare"),
    };
    const each = Object.entries(own).map(([name, value]) => `${name} ${value.toFixed(2)}×`);
    return {
      value: Math.max(...Object.values(own)),
      line: 1.4,
      unit: "ms",
      rows,
      notes: [
        `each against a bare function that answers the same request: ${
          each.join(", ")
        }; a function that imports all of supabase-js, openai and zod, and does nothing: ${
          ratio("supabase-js + openai + zod", "bare").toFixed(2)
        }×; packages whole, as esm.sh serves them: respond ${
          ratio("esm.sh: respond", "esm.sh: bare").toFixed(2)
        }×`,
        `bundled and minified: ${sizes.join(", ")}`,
      ],
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function prepare(folder: string) {
  const files = [...new Set(variants.map(({ file }) => file))];
  const bundles = await Promise.all(
    files.map(async (file, i) => [file, await bundled(file, `${folder}/${i}`)] as const),
  );
  const remote = variants.filter(({ as }) => as === "esm.sh").map(({ file }) => file);
  const fetched = await byEsmSh(remote, `${folder}`);
  const starts = (wanted: string): Start => {
    const { file, as } = variants.find(({ name }) => name === wanted) ?? {};
    const found = as === "esm.sh"
      ? fetched[remote.findIndex((one) => one === file)]
      : bundles.find(([one]) => one === file)?.[1];
    if (!found) throw new Error(`Cannot start '${wanted}': there is no such function`);
    return found;
  };
  const sizes = variants.flatMap(({ name, file, as, request }) => {
    const kb = bundles.find(([one]) => one === file)?.[1].kb;
    const isSecond = as === "esm.sh" || (request === "question" && name.startsWith("bare"));
    return isSecond ? [] : [`${name.split(",")[0]} ${kb} kB`];
  });
  return { starts, sizes };
}
