/** Whether supabase/schemas and supabase/migrations create the same database. `npm run check` uses it after a release. */
import { join } from "node:path";
import { startCluster } from "../../packages/dev/postgres/cluster.ts";
import { migratedTemplate } from "../../packages/dev/postgres/migrate.ts";
import { dumpSchema } from "./dump.ts";
import { firstDifference } from "./difference.ts";
import { readSchemas } from "./made-files.ts";

/** @returns the first difference, or undefined if there is none */
export async function compareDatabases(
  root: string,
): Promise<string | undefined> {
  const folder = await Deno.makeTempDir({
    prefix: "durable-responses-schemas-",
  });
  try {
    const supabase = join(folder, "supabase");
    await Deno.mkdir(join(supabase, "migrations"), { recursive: true });
    await Deno.copyFile(
      join(root, "supabase", "config.toml"),
      join(supabase, "config.toml"),
    );
    await Deno.writeTextFile(
      join(supabase, "migrations", "1_schemas.sql"),
      await readSchemas(root),
    );
    const [fromSchemas, fromMigrations] = [
      await dumpOf(folder),
      await dumpOf(root),
    ];
    const difference = firstDifference(fromSchemas, fromMigrations);
    return difference &&
      `supabase/migrations do not make what supabase/schemas makes\n${difference}`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function dumpOf(workdir: string): Promise<string> {
  const cluster = await startCluster({
    template: await migratedTemplate(workdir),
    durable: false,
  });
  try {
    const sql = cluster.connect("postgres", "postgres", { max: 1 });
    try {
      return await dumpSchema(sql);
    } finally {
      await sql.end();
    }
  } finally {
    await cluster.destroy();
  }
}
