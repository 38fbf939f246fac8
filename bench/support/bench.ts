import { summarise, type Summary } from "./stats.ts";

export interface BenchOptions {
  /** Fewer repeats: all benches together take under 8 minutes. */
  quick: boolean;
  /** Says what is going on, on stderr. */
  progress: (line: string) => void;
}

/** One row of a bench: a thing that was measured, in the bench's unit. */
export interface Row {
  name: string;
  summary: Summary;
}

/** What a bench found. */
export interface BenchResult {
  /** The number that the line is about, and the line: reached when value ≤ line, or ≥ with `atLeast`. */
  value: number;
  line: number;
  atLeast?: boolean;
  unit: string;
  rows: Row[];
  /** Where the time goes, or why the line is not reached. */
  notes?: string[];
}

export interface Bench {
  name: string;
  /** What is measured, against what. */
  title: string;
  run(options: BenchOptions): Promise<BenchResult>;
}

/** Whether a result reaches its line. */
export function reached({ value, line, atLeast }: BenchResult): boolean {
  return atLeast ? value >= line : value <= line;
}

/**
 * Measures variants by turns, in changing order, after one warm-up of each: what the machine does
 * meanwhile falls on all of them.
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
  return measured.map(({ name, values }) => ({ name, summary: summarise(values) }));
}
