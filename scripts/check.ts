/**
 * `npm run check [-- --write]`: types, format, lint, SQL, file lengths, layers, import map, lock file, schemas, database
 * advisors, plpgsql_check.
 * One line per step; exit code 0 only if all are ok. `--write` fixes what a machine can fix: format, lock file.
 */
import { checkAdvisors } from "./check/advisors.ts";
import { checkFormat, checkLint, checkTypes } from "./check/deno.ts";
import { checkImports } from "./check/imports.ts";
import { checkLayers } from "./check/layers.ts";
import { checkLengths } from "./check/lengths.ts";
import { checkLock } from "./check/lock.ts";
import { checkPlpgsql } from "./check/plpgsql.ts";
import { checkSchema } from "./check/schema.ts";
import { checkSql } from "./check/sql.ts";
import { withMigratedCluster } from "./check/migrated-cluster.ts";
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
    { name: "sql", run: checkSql },
    { name: "file lengths", run: checkLengths },
    { name: "layers", run: checkLayers },
    { name: "import map", run: checkImports },
    { name: "lock file", run: () => checkLock(write) },
    { name: "schemas", run: () => checkSchema() },
  ]),
  withMigratedCluster((cluster) =>
    runSteps([
      { name: "database advisors", run: () => checkAdvisors(cluster) },
    ])
  ),
  runSteps([{ name: "plpgsql_check", run: checkPlpgsql }]),
]);
Deno.exit(results.every((ok) => ok) ? 0 : 1);
