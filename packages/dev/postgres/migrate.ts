/** The project's migrations, applied by the real Supabase CLI as the role `postgres`, as on the platform. */
import { supabaseEnvironment } from "../child-environment.ts";
import { RunFailure, runProcess } from "../processes.ts";
import { findSupabaseCli, projectRoot } from "./binaries.ts";
import { startCluster } from "./cluster.ts";
import { cachedFolder, copyFolder, hashOf, platformTemplate, type Template } from "./template.ts";
import { failureText, readFailure } from "./migration-failure.ts";
import { readMigrations } from "./migration-files.ts";

export interface MigrateOptions {
  /** Of the role `postgres`. */
  dbUrl: string;
  /** The folder that holds `supabase/`; the project root by default. */
  workdir?: string;
}

/**
 * Runs `supabase migration up`: whatever is not applied yet, in order. About 0.7 s.
 * @throws Error with the file, the line and what Postgres said; with the CLI's output if no migration is the cause
 */
export async function migrate({ dbUrl, workdir = projectRoot }: MigrateOptions): Promise<void> {
  try {
    await runProcess({
      name: "supabase migration up",
      command: await findSupabaseCli(),
      args: [
        "migration",
        "up",
        `--remote=${withoutTls(dbUrl)}`,
        "--yes",
        "--workdir",
        workdir,
        // A project takes in migrations that are older than its newest: ours, and those of a branch.
        "--include-all",
      ],
      env: supabaseEnvironment(),
    });
  } catch (error) {
    const failure = error instanceof RunFailure ? readFailure(error.stderr) : undefined;
    if (failure === undefined) throw error;
    const text = (await readMigrations(workdir))[failure.name];
    // It says all that the CLI did.
    throw new Error(
      `${
        failureText(failure, text)
      }. The migrations before it are applied. Fix the file and save it; if dev has not started, start it again`,
    );
  }
}

/**
 * The template with the project's migrations applied; made by the real CLI on first use and whenever a migration or the
 * platform part changes (2 s).
 */
export async function migratedTemplate(workdir: string = projectRoot): Promise<Template> {
  const platform = await platformTemplate();
  const key = await hashOf([platform.key, ...Object.entries(await readMigrations(workdir)).flat()]);
  const folder = await cachedFolder("migrated", key, async (empty) => {
    const cluster = await startCluster({ template: platform, durable: false });
    try {
      await migrate({ dbUrl: cluster.url(), workdir });
      await cluster.stop("fast");
      // `cp` copies into a folder that exists, and the data must be the folder itself.
      await Deno.remove(empty);
      await copyFolder(cluster.dataFolder, empty);
    } finally {
      await cluster.destroy();
    }
  });
  return { ...platform, folder, key };
}

/** The server has no certificate; the CLI would try TLS first and then say so. */
export function withoutTls(dbUrl: string): string {
  const url = new URL(dbUrl);
  url.searchParams.set("sslmode", "disable");
  return url.href;
}
