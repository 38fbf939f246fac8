/** Property-based attacks, seeded, so that a failure can be repeated. Its report has the shrunk request and the seed. */
import fc from "fast-check";
import { isLong } from "../../support/long.ts";

/** `FUZZ_SEED=… FUZZ_TIMES=20 npm test -- attack` looks elsewhere and longer. `npm test` takes half of each number. */
const seed = Number(Deno.env.get("FUZZ_SEED") ?? 20261123);
const times = Number(Deno.env.get("FUZZ_TIMES") ?? (isLong ? 20 : 0.5));
/** Requests that are sent side by side: nearly ten times as many in the same time. */
const atOnce = 10;

/** Checks `holds` for `runs` values. */
export async function forAll<T>(
  values: fc.Arbitrary<T>,
  runs: number,
  holds: (value: T) => Promise<void> | void,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(values, async (value) => await holds(value)),
    { seed, numRuns: Math.ceil(runs * times) },
  );
}

/** The same, for ten values in parallel. */
export async function forAllAtOnce<T>(
  values: fc.Arbitrary<T>,
  runs: number,
  holds: (value: T) => Promise<void>,
): Promise<void> {
  const several = fc.array(values, { minLength: atOnce, maxLength: atOnce });
  await forAll(several, Math.ceil(runs / atOnce), async (batch) => {
    // Wait for all, because one that is still running must not count for the next batch.
    const outcomes = await Promise.allSettled(batch.map(holds));
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  });
}
