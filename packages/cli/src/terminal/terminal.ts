/**
 * Where a command writes: results to stdout, everything else to stderr, color only for a terminal. Control characters are
 * shown instead of interpreted, because much of the text was written by models, tools and callers.
 */
import process from "node:process";
import { forTerminal, painted } from "../../../text/paint.ts";

export interface Terminal {
  /** A line of the result. */
  out(line: string): void;
  /** A line about the progress. */
  note(line: string): void;
  /** True if questions can be asked. */
  interactive: boolean;
  color: Colors;
}

export type Colors = Record<keyof typeof codes, (text: string) => string>;

/** SGR codes: start and end. */
const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
} as const;

/** The process's own terminal. `NO_COLOR`, a pipe and `TERM=dumb` turn color off; `FORCE_COLOR` turns it on. */
export function processTerminal(): Terminal {
  const { stdout, stderr, stdin, env } = process;
  for (const stream of [stdout, stderr]) stream.on("error", endQuietly);
  const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0";
  const wanted = stdout.isTTY === true && env["TERM"] !== "dumb";
  return {
    out: (line) => void stdout.write(`${forTerminal(line)}\n`),
    note: (line) => void stderr.write(`${forTerminal(line)}\n`),
    interactive: stdin.isTTY === true && stdout.isTTY === true && !env["CI"],
    color: colors(!env["NO_COLOR"] && (forced || wanted)),
  };
}

/** The reader has enough, as with `| head`: not an error, and nothing more to print. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
}

function colors(shown: boolean): Colors {
  const style = (name: keyof typeof codes) => {
    const [begin, end] = codes[name];
    return (text: string) => shown ? painted(text, begin, end) : text;
  };
  return {
    bold: style("bold"),
    dim: style("dim"),
    red: style("red"),
    green: style("green"),
    yellow: style("yellow"),
  };
}
