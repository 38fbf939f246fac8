/** A Supabase project folder for a test, with its own migrations and ours. */
import { join } from "node:path";
import { projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { copyFolder } from "../../../packages/dev/postgres/template.ts";

/** Runs `run` with the folder of a project that has our migrations and `others` (SQL by file name). */
export async function withProject(
  others: Record<string, string>,
  run: (workdir: string) => Promise<void>,
): Promise<void> {
  const workdir = await Deno.makeTempDir({ prefix: "dr-project-" });
  try {
    const target = join(workdir, "supabase");
    await Deno.mkdir(target);
    for (const name of ["config.toml", "migrations"]) {
      await copyFolder(join(projectRoot, "supabase", name), join(target, name));
    }
    for (const [name, text] of Object.entries(others)) {
      await Deno.writeTextFile(join(target, "migrations", name), text);
    }
    await run(workdir);
  } finally {
    await Deno.remove(workdir, { recursive: true });
  }
}
