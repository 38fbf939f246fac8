/**
 * `npm run check [-- --write]`: format, lint, types, database advisors, schema dump, import map, file lengths. One line
 * per step; exit code 0 only if all are ok. `--write` mends what can be mended by machine: the format and the schema dump.
 */
import { checkAdvisors } from "./check/advisors.ts";
import { checkFormat, checkLint, checkTypes } from "./check/deno.ts";
import { checkImports } from "./check/imports.ts";
import { checkLengths } from "./check/lengths.ts";
import { checkSchema } from "./check/schema.ts";
import { withMigratedCluster } from "./check/migrated_cluster.ts";
import { runSteps } from "./check/steps.ts";

const write = Deno.args.includes("--write");
const unknown = Deno.args.filter((argument) => argument !== "--write");
if (unknown.length > 0) {
  console.error(`Cannot check: '--write' is the only option, not '${unknown.join(" ")}'`);
  Deno.exit(2);
}

// Side by side: the type checker has one core to itself, the short steps and the database share the other.
const results = await Promise.all([
  runSteps([{ name: "types", run: checkTypes }]),
  runSteps([
    { name: "format", run: () => checkFormat(write) },
    { name: "lint", run: checkLint },
    { name: "file lengths", run: checkLengths },
    { name: "import map", run: checkImports },
  ]),
  withMigratedCluster((cluster) =>
    runSteps([
      { name: "schema dump", run: () => checkSchema(cluster, write) },
      { name: "database advisors", run: () => checkAdvisors(cluster) },
    ])
  ),
]);
Deno.exit(results.every((ok) => ok) ? 0 : 1);
