/** The tables of docs/security.md that say who may do what. The page is the expectation, so it must stay true. */
const page = await Deno.readTextFile(new URL("../../../docs/security.md", import.meta.url));

export interface Table {
  /** The header's cells after the first. */
  columns: string[];
  /** The other cells, by the first one without backticks. */
  rows: Map<string, string[]>;
}

/** The table under a heading. Throws if there is none. */
export function tableUnder(heading: string): Table {
  const [, section] = page.split(new RegExp(`^#+ ${heading}$`, "m"));
  const lines = section?.split(/^#+ /m)[0]?.split("\n").filter((line) => line.startsWith("|")) ??
    [];
  const [header, , ...rows] = lines.map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim().replaceAll("`", ""))
  );
  if (!header || rows.length === 0) {
    throw new Error(`Cannot find a table under '${heading}' in docs/security.md`);
  }
  return {
    columns: header.slice(1),
    rows: new Map(rows.map(([first = "", ...rest]) => [first, rest])),
  };
}
