import assert from "node:assert/strict";
import type { BenchOptions, BenchResult } from "../../bench/support/bench.ts";

export const quiet: BenchOptions = { quick: true, progress: () => {} };

/** A bench worked if it has rows, and all its numbers are numbers. Whether it reaches its line is not tested. */
export function assertMeasured(result: BenchResult): void {
  assert.ok(result.rows.length > 0);
  for (const { name, summary } of result.rows) {
    assert.ok(summary.values.length > 0, `${name} has no values`);
    assert.ok(summary.values.every((value) => value >= 0), `${name}: ${summary.values}`);
  }
  assert.ok(Number.isFinite(result.value), `value ${result.value}`);
}
