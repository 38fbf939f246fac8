/** A copy of this repository's project: one `dev` at a time runs a project, and the repository's own may run beside the tests. */
import { join } from "node:path";
import { projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { copyFolder } from "../../../packages/dev/postgres/template.ts";

export interface OwnProject extends AsyncDisposable {
  folder: string;
  /** For `dev`: the project, and where it keeps its data. */
  options: string[];
}

export async function ownProject(): Promise<OwnProject> {
  const folder = await Deno.makeTempDir({ prefix: "dev-project-" });
  // Postgres may run as another user, who must be able to enter the folder.
  await Deno.chmod(folder, 0o711);
  await Deno.mkdir(join(folder, "supabase"));
  for (const name of ["config.toml", "functions", "migrations"]) {
    await copyFolder(join(projectRoot, "supabase", name), join(folder, "supabase", name));
  }
  return {
    folder,
    options: ["--project", folder, "--data", join(folder, "data")],
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
