/** The project's seeds, run by the real Supabase CLI: it reads `[db.seed]` of config.toml, and notes in the database what it ran. */
import { z } from "zod";
import { supabaseEnvironment } from "../child-environment.ts";
import { RunFailure, runProcess } from "../processes.ts";
import { findSupabaseCli } from "./binaries.ts";
import { withoutTls } from "./migrate.ts";

const pushed = z.object({ seeds: z.array(z.string()) });
const refused = z.object({ error: z.object({ message: z.string() }) });

/**
 * Runs the seeds that have not been run on this database; each in a transaction of its own.
 * @returns their files, from the project's folder
 */
export async function seed(options: { dbUrl: string; workdir: string }): Promise<string[]> {
  try {
    const { stdout } = await runProcess({
      name: "supabase db push --include-seed",
      command: await findSupabaseCli(),
      args: [
        "db",
        "push",
        `--remote=${withoutTls(options.dbUrl)}`,
        "--include-seed",
        "--include-all",
        "--skip-vault",
        "--yes",
        "--output-format",
        "json",
        "--workdir",
        options.workdir,
      ],
      env: supabaseEnvironment(),
    });
    return pushed.parse(JSON.parse(stdout)).seeds;
  } catch (error) {
    if (!(error instanceof RunFailure) || !error.stdout.startsWith("{")) throw error;
    const { message } = refused.parse(JSON.parse(error.stdout)).error;
    const [, file] = /.*^Seeding data from (.+)\.\.\.$/ms.exec(error.stderr) ?? [];
    throw new Error(`Cannot run ${file ?? "the seeds"}: ${message}`, { cause: error });
  }
}
