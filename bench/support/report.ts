import type { Bench, BenchResult } from "./bench.ts";
import { reached } from "./bench.ts";

const round = (value: number) => Number(value.toPrecision(3));

/** Prints a bench as a table on stdout. */
export function printTable(bench: Bench, result: BenchResult): void {
  const { value, line, atLeast, unit, rows, notes } = result;
  console.log(`\n${bench.name}  ${bench.title}`);
  for (const { name, summary } of rows) {
    const [low, high] = summary.spread.map(round);
    console.log(
      `  ${name.padEnd(24)} ${
        String(round(summary.median)).padStart(9)
      } ${unit}   ${low} – ${high}  (n=${summary.values.length})`,
    );
  }
  console.log(
    `  ${reached(result) ? "reached" : "NOT REACHED"}: ${round(value)} (line: ${
      atLeast ? "≥" : "≤"
    } ${line})`,
  );
  for (const note of notes ?? []) console.log(`  ${note}`);
}

const folder = new URL("../../docs/bench/", import.meta.url);
const chartWidth = 780;
const rowHeight = 30;
const left = 250;
const top = 46;

/** Draws a bench as bars with their spread: docs/bench/<name>.svg. */
export async function writePicture(bench: Bench, { rows, unit }: BenchResult): Promise<void> {
  // One slow outlier must not shrink all bars: longer spreads are cut off at the edge.
  const largest = Math.min(
    Math.max(...rows.map((row) => row.summary.spread[1])),
    2.5 * Math.max(...rows.map((row) => row.summary.median)),
  );
  const x = (value: number) => left + Math.min(value / largest, 1) * (chartWidth - left - 110);
  const bars = rows.map(({ name, summary: { median, spread: [low, high] } }, index) => {
    const y = top + index * rowHeight;
    return `<text x="${left - 10}" y="${y + 15}" text-anchor="end">${escape(name)}</text>` +
      `<rect x="${left}" y="${y + 3}" width="${
        x(median) - left
      }" height="16" rx="3" fill="#3ecf8e"/>` +
      `<path d="M${x(low)} ${y + 11}H${x(high)}M${x(low)} ${y + 7}v8M${x(high)} ${
        y + 7
      }v8" stroke="#1f2937" fill="none"/>` +
      `<text x="${x(high) + 8}" y="${y + 15}">${round(median)} ${escape(unit)}</text>`;
  });
  const height = top + rows.length * rowHeight + 12;
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${chartWidth} ${height}" font-family="ui-sans-serif, system-ui, sans-serif" font-size="13" fill="#1f2937">` +
    `<rect width="${chartWidth}" height="${height}" fill="#ffffff"/>` +
    `<text x="16" y="26" font-weight="600">${escape(bench.title)}</text>${bars.join("")}</svg>\n`;
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(new URL(`${bench.name}.svg`, folder), svg);
}

/** Writes the result of a bench, with every value and how busy the machine was: docs/bench/<name>.json. */
export async function writeValues(
  bench: Bench,
  result: BenchResult,
  { quick, loadBefore }: { quick: boolean; loadBefore: number[] },
): Promise<void> {
  const found = {
    command: `npm run bench -- ${quick ? "--quick " : ""}${bench.name}`,
    measuredAt: new Date().toISOString(),
    machine: { cores: navigator.hardwareConcurrency, loadBefore, loadAfter: Deno.loadavg() },
    reached: reached(result),
    ...result,
  };
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(
    new URL(`${bench.name}.json`, folder),
    `${JSON.stringify(found)}\n`,
  );
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
