/**
 * `npm test [-- <part of a path>…]`: runs every tests/**\/*.test.ts, or those whose path contains one of the parts.
 * `npm run test:long` also runs their long versions and *.long.test.ts.
 * The last line is `N passed, N failed`, with `, N skipped` if any were. The exit code is 0 only if something ran and all
 * passed, each on the first try.
 */
import { usualCommand } from "../packages/dev/dev/usual-command.ts";
import { join } from "node:path";
import { projectRoot } from "../packages/dev/postgres/binaries.ts";
import { planGroups } from "./runner/plan.ts";
import { describeGroup, summarize } from "./runner/report.ts";
import { findSharers, findTestFiles } from "./runner/files.ts";
import {
  type GroupResult,
  runFailedAgain,
  runGroups,
  type RunOptions,
} from "./runner/run-groups.ts";

const program = usualCommand("npm test --")
  .description("Runs the tests; `npm run test:long` their long versions")
  .argument("[parts...]", "only files whose path holds one of these, such as tests/sql")
  .option("--long", "more seeds, more jobs, more minutes, and *.long.test.ts", false)
  .parse(["deno", "test", ...Deno.args]);
const { long } = program.opts<{ long: boolean }>();
const parts = program.args;
/** Groups that still run then are stopped, and count as failed. */
const limitMs = (long ? 240 : 25) * 60_000;

const files = await findTestFiles(join(projectRoot, "tests"), parts, { long });
if (files.length === 0) {
  console.log(`No test file's path holds ${parts.map((part) => `'${part}'`).join(" or ")}`);
}
const started = performance.now();
const first: GroupResult[] = [];
const options: RunOptions = {
  endAt: started + limitMs,
  long,
  onResult: (result) => console.log(describeGroup(result)),
};
await runGroups(planGroups(files, await findSharers(files)), {
  ...options,
  onResult(result) {
    first.push(result);
    options.onResult(result);
  },
});
const results = await runFailedAgain(first, options);
const summary = summarize(results, performance.now() - started);
console.log(summary.text);
Deno.exit(summary.ok ? 0 : 1);
