import { summarize, type Summary } from "./stats.ts";

export interface BenchOptions {
  /** Fewer repeats: all benches together take under 8 minutes. */
  quick: boolean;
  /** Reports progress, on stderr. */
  progress: (line: string) => void;
}

/** One row of a bench: something that was measured, in the bench's unit. */
export interface Row {
  name: string;
  summary: Summary;
}

/** The result of a bench. */
export interface BenchResult {
  /** The value that the line is about, and the line: reached if value ≤ line, or ≥ with `atLeast`. */
  value: number;
  line: number;
  atLeast?: boolean;
  unit: string;
  rows: Row[];
  /** Where the time goes, or why the line is missed. */
  notes?: string[];
}

export interface Bench {
  name: string;
  /** What is measured, and compared with what. */
  title: string;
  run(options: BenchOptions): Promise<BenchResult>;
}

/** Whether a result reaches its line. */
export function reached({ value, line, atLeast }: BenchResult): boolean {
  return atLeast ? value >= line : value <= line;
}

/**
 * Measures variants in turns, in changing order, after one warm-up of each, so that other load on the machine affects all of
 * them.
 */
export async function byTurns(
  variants: { name: string; measure: () => Promise<number> }[],
  repeats: number,
  progress: (line: string) => void,
): Promise<Row[]> {
  const measured = variants.map((variant) => ({ ...variant, values: [] as number[] }));
  for (const { measure } of measured) await measure();
  for (let round = 0; round < repeats; round++) {
    const order = round % 2 === 0 ? measured : measured.toReversed();
    for (const { measure, values } of order) values.push(await measure());
    progress(`round ${round + 1} of ${repeats}`);
  }
  return measured.map(({ name, values }) => ({ name, summary: summarize(values) }));
}
