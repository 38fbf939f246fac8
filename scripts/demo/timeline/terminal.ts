/** The timeline as text, with colors in a terminal. */
import { forTerminal, painted } from "../../../packages/text/paint.ts";
import { actorCell, type Color, elapsed, fit, margin, tones, wrap } from "./look.ts";
import type { Line } from "./line.ts";

const codes: Readonly<Record<Color | "bold", number>> = {
  bold: 1,
  red: 31,
  green: 32,
  yellow: 33,
  blue: 34,
  magenta: 35,
  cyan: 36,
  gray: 90,
};
const defaultWidth = 110;
/** Less does not fit a line's time, glyph and actor. */
const leastWidth = 50;
/** The exit code in a shell of a program that SIGPIPE ended. */
const brokenPipe = 141;

/** Where the output for people goes, and how it looks there. */
export interface Terminal {
  /** Columns. */
  width: number;
  paint(text: string, style: Color | "bold"): string;
  write(text: string): void;
}

/** A terminal on stdout or stderr. Colors only on a TTY and without NO_COLOR. */
export function openTerminal(stream: typeof Deno.stdout | typeof Deno.stderr): Terminal {
  const isTerminal = stream.isTerminal();
  const encoder = new TextEncoder();
  return {
    width: isTerminal ? widthFor(Deno.consoleSize().columns) : defaultWidth,
    paint: isTerminal && !Deno.env.get("NO_COLOR") ? paintAnsi : (text) => text,
    write(text) {
      try {
        for (let rest = encoder.encode(`${forTerminal(text)}\n`); rest.length > 0;) {
          rest = rest.subarray(stream.writeSync(rest));
        }
      } catch (error) {
        // The reader has enough, as with `| head`.
        if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
        Deno.exit(brokenPipe);
      }
    },
  };
}

/** Some terminals of CI and editors report 0 columns. */
export function widthFor(columns: number): number {
  return Math.max(columns || defaultWidth, leastWidth);
}

/** For `forTerminal`. */
export function paintAnsi(text: string, style: Color | "bold"): string {
  return painted(text, codes[style], 0);
}

/** One line of the timeline. A long text continues below; an error is shown in full. */
export function lineText({ paint, width }: Terminal, line: Line, elapsedMs: number): string {
  const { glyph, color } = tones[line.tone];
  const head = [
    paint(elapsed(elapsedMs), "gray"),
    paint(glyph, color),
    paint(actorCell(line.actor), "bold"),
  ];
  const text = line.job === undefined ? line.text : `${line.job}: ${line.text}`;
  const style = line.tone === "bad" ? "red" : line.tone === "note" ? "gray" : undefined;
  return fit(text, width - margin, line.tone === "bad" ? 5 : 2)
    .map((part) => style ? paint(part, style) : part)
    .map((part, index) => index === 0 ? [...head, part].join("  ") : " ".repeat(margin) + part)
    .join("\n");
}

/** A titled block below the timeline: the answer, an email. */
export function blockText({ paint, width }: Terminal, title: string, text: string): string {
  const [first = "", ...rest] = wrap(text, width - 10);
  return [
    `  ${paint(title.padEnd(8), "bold")}${first}`,
    ...rest.map((line) => `          ${line}`.trimEnd()),
  ]
    .join("\n");
}
