/**
 * `npm test [-- <part of a path>…]`: runs every tests/**\/*.test.ts, or those whose path holds one of the parts.
 * The last line is `N passed, N failed`, with `, N skipped` if any were. Exit code 0 only if something ran and all passed.
 */
import { join } from "node:path";
import { projectRoot } from "../packages/dev/postgres/binaries.ts";
import { planGroups } from "./runner/plan.ts";
import { describeGroup, summarise } from "./runner/report.ts";
import { findTestFiles } from "./runner/files.ts";
import { type GroupResult, runGroup, runGroups } from "./runner/run-groups.ts";

/** Whatever still runs then is stopped and counts as failed. */
const limitMs = 25 * 60_000;

const files = await findTestFiles(join(projectRoot, "tests"), Deno.args);
if (files.length === 0) {
  console.log(`No test file's path holds ${Deno.args.map((part) => `'${part}'`).join(" or ")}`);
}
const started = performance.now();
const endAt = started + limitMs;
const results: GroupResult[] = [];
const report = (result: GroupResult) => {
  results.push(result);
  console.log(describeGroup(result));
};
await runGroups(planGroups(files), { endAt, onResult: report });
// Whole stacks at once on two cores can be too slow for a test's patience. What failed is tried once more,
// alone, and the report says so; what fails twice has failed.
for (const [index, failed] of results.entries()) {
  if (failed.failed === 0) continue;
  const again = await runGroup(failed.group, endAt);
  results[index] = { ...again, secondTry: true };
  console.log(describeGroup(results[index]));
}
const summary = summarise(results, performance.now() - started);
console.log(summary.text);
Deno.exit(summary.ok ? 0 : 1);
