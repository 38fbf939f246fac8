/**
 * `npm test [-- <part of a path>…]`: runs every tests/**\/*.test.ts, or those whose path holds one of the parts.
 * The last line is `N passed, N failed`, with `, N skipped` if any were. Exit code 0 only if something ran and all passed.
 */
import { join } from "node:path";
import { projectRoot } from "../local/postgres/binaries.ts";
import { planGroups } from "./runner/plan.ts";
import { describeGroup, summarise } from "./runner/report.ts";
import { findTestFiles } from "./runner/files.ts";
import { type GroupResult, runGroups } from "./runner/run-groups.ts";

/** Whatever still runs then is stopped and counts as failed. */
const limitMs = 25 * 60_000;

const files = await findTestFiles(join(projectRoot, "tests"), Deno.args);
if (files.length === 0) {
  console.log(`No test file's path holds ${Deno.args.map((part) => `'${part}'`).join(" or ")}`);
}
const started = performance.now();
const results: GroupResult[] = [];
await runGroups(planGroups(files), {
  limitMs,
  onResult(result) {
    results.push(result);
    console.log(describeGroup(result));
  },
});
const summary = summarise(results, performance.now() - started);
console.log(summary.text);
Deno.exit(summary.ok ? 0 : 1);
