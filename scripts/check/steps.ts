/** Running checks and saying how they went. */

export interface Step {
  name: string;
  /** Resolves to what is wrong, or undefined. Throws if it cannot find out. */
  run: () => Promise<string | undefined>;
}

const nameWidth = 18;

/** Runs the steps one after the other, prints a line for each, and what is wrong below it. True if all are ok. */
export async function runSteps(steps: Step[]): Promise<boolean> {
  let allOk = true;
  for (const { name, run } of steps) {
    const started = performance.now();
    const wrong = await run().catch((error: unknown) => describeError(error));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    allOk &&= wrong === undefined;
    const status = wrong === undefined ? "ok" : "WRONG";
    console.log(`${name.padEnd(nameWidth)} ${status.padEnd(6)} (${seconds} s)`);
    if (wrong !== undefined) console.log(wrong.trimEnd().replace(/^/gm, "    "));
  }
  return allOk;
}

// A check that could not be made has not passed.
function describeError(error: unknown): string {
  const lines: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) lines.push(cause.message);
  return lines.length > 0 ? lines.join("\n  because: ") : String(error);
}
