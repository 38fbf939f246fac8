/** What `npm test` prints. */
import { busyAbove } from "./load.ts";
import type { GroupResult } from "./run-groups.ts";

/** One line per group, and deno's errors for a failed one. */
export function describeGroup(result: GroupResult): string {
  const { group, passed, failed, ms } = result;
  const status = failed > 0 ? "FAILED" : isFlaky(result) ? "FLAKY " : "ok    ";
  const files = `${group.files.length} ${group.files.length === 1 ? "file" : "files"}`;
  const head = `${status} ${group.name}  (${files}, ${passed} passed, ${failed} failed, ${
    seconds(ms)
  }${result.failedFirst ? ", second run" : ""})`;
  const skipped = result.skippedNames.map((name) => `       skipped: ${name}`);
  return [head, ...skipped, ...(failed > 0 ? [failuresIn(result.output)] : [])].join("\n");
}

/** It passed only in a second run, and the machine was not busy enough to excuse that. */
export function isFlaky({ failed, failedFirst }: GroupResult): boolean {
  return failed === 0 && failedFirst !== undefined && failedFirst.loadPerCore <= busyAbove;
}

/** The last lines of the run, and whether it counts as passed: something ran, nothing failed and nothing was flaky. */
export function summarize(results: GroupResult[], ms: number): { text: string; ok: boolean } {
  const sum = (key: "passed" | "failed" | "skipped") =>
    results.reduce((total, result) => total + result[key], 0);
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  const broken = results.filter((result) => result.failed > 0).map(({ group }) => group.name);
  const flaky = results.filter(isFlaky);
  const excused = results.filter((result) =>
    result.failed === 0 && result.failedFirst !== undefined && !isFlaky(result)
  );
  const counts = [
    `${passed} passed`,
    `${failed} failed`,
    ...(skipped ? [`${skipped} skipped`] : []),
  ];
  const lines = [
    "",
    ...excused.map((result) => `Passed the second time, the machine was busy: ${describe(result)}`),
    ...flaky.map((result) => `FLAKY, so this run has failed: ${describe(result)}`),
    ...(broken.length > 0 ? [`Failed in: ${broken.join(", ")}`] : []),
    `Took ${seconds(ms)}`,
    counts.join(", "),
  ];
  return { text: lines.join("\n"), ok: failed === 0 && passed > 0 && flaky.length === 0 };
}

function describe({ group, failedFirst }: GroupResult): string {
  const load = failedFirst?.loadPerCore.toFixed(1);
  return `${group.name} (load ${load} per core as it failed, limit ${busyAbove.toFixed(1)})`;
}

// From deno's list of errors on. Everything, if deno did not get that far.
function failuresIn(output: string): string {
  const start = output.search(/^ ERRORS *$/m);
  return output.slice(Math.max(0, start)).trimEnd() + "\n";
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
