/** Where a command writes: results to stdout, everything else to stderr, colour only for a person who looks. */
import process from "node:process";
import pc from "picocolors";

export interface Terminal {
  /** A line of the result. */
  out(line: string): void;
  /** A line about how it goes. */
  note(line: string): void;
  /** True when questions can be asked. */
  interactive: boolean;
  color: Colors;
}

export type Colors = ReturnType<typeof pc.createColors>;

/** The process's own terminal. `NO_COLOR`, a pipe and `TERM=dumb` turn colour off, `FORCE_COLOR` turns it on. */
export function processTerminal(): Terminal {
  const { stdout, stderr, stdin, env } = process;
  const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0";
  const wanted = stdout.isTTY === true && env["TERM"] !== "dumb";
  return {
    out: (line) => void stdout.write(`${line}\n`),
    note: (line) => void stderr.write(`${line}\n`),
    interactive: stdin.isTTY === true && stdout.isTTY === true && !env["CI"],
    color: pc.createColors(!env["NO_COLOR"] && (forced || wanted)),
  };
}
