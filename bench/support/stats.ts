/** The values of one variant, and their summary. */
export interface Summary {
  median: number;
  /** Smallest and largest value seen. */
  spread: [number, number];
  values: number[];
}

/** Summarizes values. For an even count, the median is the mean of the two in the middle. */
export function summarize(values: number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? NaN;
  const middle = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { median, spread: [at(0), at(sorted.length - 1)], values };
}

/** The p-th percentile, 0 to 100, by nearest rank. */
export function percentile(values: number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)] ?? NaN;
}
