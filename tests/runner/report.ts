/** What `npm test` prints. */
import type { GroupResult } from "./run-groups.ts";

/** One line per group; for a failed one also deno's account of what failed. */
export function describeGroup(result: GroupResult): string {
  const { group, passed, failed, ms } = result;
  const status = failed === 0 ? "ok    " : "FAILED";
  const files = `${group.files.length} ${group.files.length === 1 ? "file" : "files"}`;
  const head = `${status} ${group.name}  (${files}, ${passed} passed, ${failed} failed, ${
    seconds(ms)
  }${result.secondTry ? ", second try" : ""})`;
  const skipped = result.skippedNames.map((name) => `       skipped: ${name}`);
  return [head, ...skipped, ...(failed > 0 ? [failuresIn(result.output)] : [])].join("\n");
}

/** The last lines of the run, and whether it counts as passed: something ran and nothing failed. */
export function summarise(results: GroupResult[], ms: number): { text: string; ok: boolean } {
  const sum = (key: "passed" | "failed" | "skipped") =>
    results.reduce((total, result) => total + result[key], 0);
  const [passed, failed, skipped] = [sum("passed"), sum("failed"), sum("skipped")];
  const broken = results.filter((result) => result.failed > 0).map(({ group }) => group.name);
  const retried = results.filter((result) => result.secondTry).map(({ group }) => group.name);
  const counts = [
    `${passed} passed`,
    `${failed} failed`,
    ...(skipped ? [`${skipped} skipped`] : []),
  ];
  const lines = [
    "",
    ...(retried.length > 0 ? [`Run twice: ${retried.join(", ")}`] : []),
    ...(broken.length > 0 ? [`Failed in: ${broken.join(", ")}`] : []),
    `Took ${seconds(ms)}`,
    counts.join(", "),
  ];
  return { text: lines.join("\n"), ok: failed === 0 && passed > 0 };
}

// From deno's list of errors on; all of it, where deno did not come that far.
function failuresIn(output: string): string {
  const start = output.search(/^ ERRORS *$/m);
  return output.slice(Math.max(0, start)).trimEnd() + "\n";
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
