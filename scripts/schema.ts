/**
 * `npm run schema`: generates what follows from supabase/schemas: the first migration, byte for byte, the diagram of a job's
 * states in docs/architecture.md, and the client's copy of the statuses and rows.
 */
import { dirname, join } from "node:path";
import { projectRoot } from "../packages/dev/postgres/binaries.ts";
import { madeFiles } from "./schema/made-files.ts";

const unknown = Deno.args.find((arg) => arg !== "--help");
if (unknown !== undefined) {
  console.error(`Error: Cannot use '${unknown}': npm run schema takes no arguments`);
  Deno.exit(2);
}
if (Deno.args.includes("--help")) {
  console.log(
    "Usage: npm run schema\n\nWrites what is made from supabase/schemas, the first migration and the state diagram, and the client's copy of the statuses.",
  );
  Deno.exit(0);
}
for (const { path, text } of await madeFiles(projectRoot)) {
  const whole = join(projectRoot, path);
  const before = await Deno.readTextFile(whole).catch((error: unknown) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (before === text) {
    console.log(`${path} is up to date`);
    continue;
  }
  await Deno.mkdir(dirname(whole), { recursive: true });
  await Deno.writeTextFile(whole, text);
  console.log(`${path} written`);
}
