/** Runs checks and reports their results. */

export interface Step {
  name: string;
  /** Throws if the check itself cannot run. */
  run: () => Promise<StepResult>;
}

/** What is wrong; undefined if all is well; or why the step was skipped. */
export type StepResult = string | undefined | Skipped;

export interface Skipped {
  skipped: string;
}

const nameWidth = 18;

/** Runs the steps one after the other, prints a line for each, and below it what is wrong. True if nothing is wrong. */
export async function runSteps(steps: Step[]): Promise<boolean> {
  let allOk = true;
  for (const { name, run } of steps) {
    const started = performance.now();
    const result = await run().catch((error: unknown) => describeError(error));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    allOk &&= typeof result !== "string";
    const [status, more] = describeResult(result);
    console.log(`${name.padEnd(nameWidth)} ${status.padEnd(7)} (${seconds} s)`);
    if (more !== undefined) console.log(more.trimEnd().replace(/^/gm, "    "));
  }
  return allOk;
}

function describeResult(result: StepResult): [status: string, more?: string] {
  if (result === undefined) return ["ok"];
  return typeof result === "string" ? ["WRONG", result] : ["skipped", result.skipped];
}

// A check that cannot run has not passed.
function describeError(error: unknown): string {
  const lines: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) lines.push(cause.message);
  return lines.length > 0 ? lines.join("\n  because: ") : String(error);
}
