/**
 * supabase/schemas against the migrations. As long as there is one migration, it must be the schemas byte for byte. Once a
 * release has been followed by a second one, the databases that both create must be the same.
 */
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { compareDatabases } from "../schema/compare.ts";
import { firstDifference } from "../schema/difference.ts";
import { firstMigration, madeFiles } from "../schema/made-files.ts";

/** @returns the difference, or undefined */
export async function checkSchema(
  root: string = projectRoot,
): Promise<string | undefined> {
  const found = await migrations(root);
  const compared = found.length > 1 ? await compareDatabases(root) : undefined;
  const wrong = compared === undefined ? [] : [compared];
  for (const { path, text } of await madeFiles(root)) {
    if (path === firstMigration && found.length > 1) continue;
    const difference = firstDifference(
      await readIfThere(join(root, path)),
      text,
    );
    if (difference !== undefined) {
      wrong.push(
        `${path} is not what is made now; run 'npm run schema' and commit it\n${difference}`,
      );
    }
  }
  const [only] = found;
  if (
    found.length === 1 && only !== undefined &&
    !firstMigration.endsWith(`/${only}`)
  ) {
    wrong.push(`supabase/migrations has ${only}, which nothing makes`);
  }
  return wrong.length > 0 ? wrong.join("\n") : undefined;
}

async function migrations(root: string): Promise<string[]> {
  const names: string[] = [];
  for await (
    const { name } of Deno.readDir(join(root, "supabase", "migrations"))
  ) names.push(name);
  return names.filter((name) => name.endsWith(".sql"));
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
