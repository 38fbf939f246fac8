/** The timeline as text for a terminal, coloured when one is looking. */
import { actorCell, clip, type Colour, elapsed, TONES, wrap } from "./look.ts";
import type { Line } from "./line.ts";

const CODES: Readonly<Record<Colour | "bold", number>> = {
  bold: 1,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  grey: 90,
};
const DEFAULT_WIDTH = 110;
/** Elapsed time, glyph, actor and the spaces between them. */
const MARGIN = 29;

/** Where the human part goes, and how it looks there. */
export interface Terminal {
  /** Columns. */
  width: number;
  paint(text: string, style: Colour | "bold"): string;
  write(text: string): void;
}

/** A terminal on stdout or stderr: colours only on a TTY and without NO_COLOR. */
export function openTerminal(stream: typeof Deno.stdout | typeof Deno.stderr): Terminal {
  const isTerminal = stream.isTerminal();
  const coloured = isTerminal && !Deno.env.get("NO_COLOR");
  const encoder = new TextEncoder();
  return {
    width: isTerminal ? Deno.consoleSize().columns : DEFAULT_WIDTH,
    paint: (text, style) => coloured ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text,
    write(text) {
      for (let rest = encoder.encode(`${text}\n`); rest.length > 0;) {
        rest = rest.subarray(stream.writeSync(rest));
      }
    },
  };
}

/** One line of the timeline. */
export function lineText({ paint, width }: Terminal, line: Line, elapsedMs: number): string {
  const { glyph, colour } = TONES[line.tone];
  const job = line.job === undefined ? "" : `${line.job}: `;
  const text = job + clip(line.text, width - MARGIN - job.length);
  return [
    paint(elapsed(elapsedMs), "grey"),
    paint(glyph, colour),
    paint(actorCell(line.actor), "bold"),
    line.tone === "bad" ? paint(text, "red") : line.tone === "note" ? paint(text, "grey") : text,
  ].join("  ");
}

/** A titled block below the timeline: the answer, an e-mail. */
export function blockText({ paint, width }: Terminal, title: string, text: string): string {
  const [first = "", ...rest] = wrap(text, width - 10);
  return [
    `  ${paint(title.padEnd(8), "bold")}${first}`,
    ...rest.map((line) => `          ${line}`.trimEnd()),
  ]
    .join("\n");
}
