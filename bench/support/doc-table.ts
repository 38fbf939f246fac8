import { z } from "zod";

const folder = new URL("../../docs/bench/", import.meta.url);
const page = new URL("../../docs/benchmarks.md", import.meta.url);
const begin = "<!-- table: npm run bench writes it from docs/bench/*.json -->";
const end = "<!-- end of the table -->";

const found = z.object({
  command: z.string(),
  measuredAt: z.string(),
  machine: z.object({ cores: z.number(), loadBefore: z.array(z.number()) }),
  reached: z.boolean(),
  value: z.number(),
  line: z.number(),
  atLeast: z.boolean().optional(),
  unit: z.string(),
  rows: z.array(z.object({
    name: z.string(),
    summary: z.object({
      median: z.number(),
      spread: z.tuple([z.number(), z.number()]),
      values: z.array(z.number()),
    }),
  })),
  notes: z.array(z.string()).default([]),
});
type Found = z.infer<typeof found> & { name: string };

/** Writes the last result of each bench into docs/benchmarks.md, so that the page shows what was measured. */
export async function writeDocTable(names: string[]): Promise<void> {
  const text = await Deno.readTextFile(page);
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) {
    throw new Error(`Cannot write docs/benchmarks.md: it has no '${begin}' before a '${end}'`);
  }
  const results = await Promise.all(names.map(read));
  const table = [
    "| bench | reached | value | line | measured | load before |",
    "|---|---|---|---|---|---|",
    ...results.map(tableRow),
    "",
    ...results.flatMap((result) => [paragraph(result), ""]),
  ];
  await Deno.writeTextFile(
    page,
    `${text.slice(0, from)}${begin}\n\n${table.join("\n")}\n${text.slice(to)}`,
  );
}

async function read(name: string): Promise<Found> {
  const json: unknown = JSON.parse(await Deno.readTextFile(new URL(`${name}.json`, folder)));
  return { name, ...found.parse(json) };
}

function tableRow({ name, reached, value, line, atLeast, command, measuredAt, machine }: Found) {
  const when = `${measuredAt.slice(0, 16).replace("T", " ")}, \`${
    command.replace("npm run bench -- ", "")
  }\``;
  const load = (machine.loadBefore[0] ?? NaN).toFixed(1);
  return `| [${name}](#${name}) | ${reached ? "yes" : "no"} | ${round(value)} | ${
    atLeast ? "≥" : "≤"
  } ${line} | ${when} | ${load} |`;
}

function paragraph({ name, unit, rows, notes }: Found): string {
  const values = rows.map(({ name, summary: { median, spread: [low, high], values } }) =>
    `${name} ${round(median)} (${round(low)} – ${round(high)}, ${values.length})`
  );
  const said = notes.map((note) => `${note[0]?.toUpperCase()}${note.slice(1)}.`).join(" ");
  return `**${name}**, ${unit}, median (smallest – largest, count): ${values.join("; ")}. ${said}`;
}

function round(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en");
}
