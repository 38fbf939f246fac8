/**
 * `npm run check [-- --write]`: types, format, lint, SQL, file names and lengths, layers, circles,
 * import map, manifests, lock file, schemas, database advisors, plpgsql_check. Prints one line per step. The exit code is 0
 * only if all are ok. `--write` fixes what a machine can fix: format and lock file.
 */
import { usualCommand } from "../packages/dev/dev/usual-command.ts";
import { checkAdvisors } from "./check/advisors.ts";
import { checkFormat, checkLint, checkTypes } from "./check/deno.ts";
import { checkCircles } from "./check/circles.ts";
import { checkFileNames } from "./check/file-names.ts";
import { checkImports } from "./check/imports.ts";
import { checkLayers } from "./check/layers.ts";
import { checkLengths } from "./check/lengths.ts";
import { checkLock } from "./check/lock.ts";
import { checkManifests } from "./check/manifests.ts";
import { checkPlpgsql } from "./check/plpgsql.ts";
import { checkSchema } from "./check/schema.ts";
import { checkSql } from "./check/sql.ts";
import { withMigratedCluster } from "./check/migrated-cluster.ts";
import { runSteps } from "./check/steps.ts";

const program = usualCommand("npm run check --")
  .description("Checks everything that can be checked without running it")
  .option("--write", "fix what a machine can fix: format, lock file", false)
  .parse(["deno", "check", ...Deno.args]);
const { write } = program.opts<{ write: boolean }>();

// In parallel on two cores: the type checker has one, and the short steps and the database share the other.
const results = await Promise.all([
  runSteps([{ name: "types", run: checkTypes }]),
  runSteps([
    { name: "format", run: () => checkFormat(write) },
    { name: "lint", run: checkLint },
    { name: "sql", run: checkSql },
    { name: "file names", run: checkFileNames },
    { name: "file lengths", run: checkLengths },
    { name: "layers", run: checkLayers },
    { name: "circles", run: checkCircles },
    { name: "import map", run: checkImports },
    { name: "manifests", run: checkManifests },
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
