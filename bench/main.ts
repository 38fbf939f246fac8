/** `npm run bench -- [--quick] [--json] [NAME…]`: every claim about speed, measured side by side. */
import { usualCommand } from "../packages/dev/dev/usual-command.ts";
import { accept } from "./accept/bench.ts";
import { cold } from "./cold/bench.ts";
import { cpu } from "./cpu/bench.ts";
import { drain } from "./drain/bench.ts";
import { failover } from "./failover/bench.ts";
import { waste } from "./waste/bench.ts";
import { live } from "./live/bench.ts";
import { list } from "./list/bench.ts";
import { realtime } from "./realtime/bench.ts";
import { flat } from "./flat/bench.ts";
import { queue } from "./queue/bench.ts";
import { tools } from "./tools/bench.ts";
import { reached } from "./support/bench.ts";
import { writeDocTable } from "./support/doc-table.ts";
import { printTable, writePicture, writeValues } from "./support/report.ts";

const benches = [
  accept,
  failover,
  queue,
  flat,
  drain,
  cpu,
  cold,
  waste,
  list,
  realtime,
  live,
  tools,
];

const program = usualCommand("npm run bench --")
  .description("Measures what docs/benchmarks.md claims")
  .argument(
    "[names...]",
    `which: ${benches.map((bench) => bench.name).join(", ")}; all when left out`,
  )
  .option("--quick", "fewer repeats", false)
  .option("--json", "the last line of output is one JSON object", false)
  .parse(["deno", "bench", ...Deno.args]);
const options = program.opts<{ quick: boolean; json: boolean }>();
const unknown = program.args.filter((name) => !benches.some((bench) => bench.name === name));
if (unknown.length > 0) {
  program.error(
    `Cannot run ${unknown.join(", ")}: there is no such bench. They are ${
      benches.map(({ name }) => name).join(", ")
    }`,
  );
}

const summary: Record<string, unknown> = {};
for (
  const bench of benches.filter(({ name }) =>
    program.args.length === 0 || program.args.includes(name)
  )
) {
  console.error(`\n${bench.name}: ${bench.title}`);
  const loadBefore = Deno.loadavg();
  const result = await bench.run({
    quick: options.quick,
    progress: (line) => console.error(`  ${line}`),
  });
  printTable(bench, result);
  await writePicture(bench, result);
  await writeValues(bench, result, { quick: options.quick, loadBefore });
  const rows = Object.fromEntries(result.rows.map((row) => [row.name, row.summary]));
  summary[bench.name] = {
    reached: reached(result),
    value: result.value,
    line: result.line,
    unit: result.unit,
    rows,
    notes: result.notes ?? [],
  };
}
await writeDocTable(benches.map(({ name }) => name));
if (options.json) console.log(JSON.stringify(summary));
Deno.exit(0);
