/** supabase/schema.sql against the migrations. */
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import type { Cluster } from "../../packages/dev/postgres/cluster.ts";
import { dumpSchema } from "../schema/dump.ts";
import { firstDifference } from "../schema/difference.ts";

/** The committed dump, from the root. */
export const schemaFile = "supabase/schema.sql";

/** Compares the committed dump with the schema of `cluster`; with `write` it writes it anew instead. */
export async function checkSchema(cluster: Cluster, write: boolean): Promise<string | undefined> {
  const path = join(projectRoot, schemaFile);
  const sql = cluster.connect("postgres", "postgres", { max: 1 });
  let made: string;
  try {
    made = await dumpSchema(sql);
  } finally {
    await sql.end();
  }
  if (write) {
    await Deno.writeTextFile(path, made);
    return undefined;
  }
  const committed = await readIfThere(path);
  const difference = firstDifference(committed, made);
  if (difference === undefined) return undefined;
  return `${schemaFile} differs from what the migrations make; run 'npm run check -- --write' and commit it\n${difference}`;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
