/** The stack's Postgres: the project's migrations applied, the secrets that its SQL needs in Vault. */
import type { Sql } from "postgres";
import { type Cluster, startCluster } from "../postgres/cluster.ts";
import { migratedTemplate } from "../postgres/migrate.ts";
import { passedOver, passedOverText } from "../postgres/migration-files.ts";
import { seed } from "../postgres/seed.ts";
import { platformTemplate } from "../postgres/template.ts";
import { messageOf } from "../message-of.ts";
import type { Kept } from "./kept.ts";
import { applyMigrations, type MigrationsOptions } from "./migrations.ts";

export interface DatabaseOptions extends MigrationsOptions {
  port: number | undefined;
  durable: boolean;
  kept: Kept | undefined;
  onLine: (line: string) => void;
}

/**
 * Starts Postgres with the migrations applied by the Supabase CLI (once, then kept as a template until they change). A
 * database that was kept gets those that are new.
 */
export async function startDatabase(options: DatabaseOptions): Promise<Cluster> {
  const { project, port, durable, kept, onLine, tell } = options;
  for (const name of await passedOver(project)) tell(passedOverText(name));
  const template = kept && !kept.isNew ? await platformTemplate() : await migratedTemplate(project);
  const cluster = await startCluster({
    template,
    durable,
    onLine,
    ...(port !== undefined && { port }),
    ...(kept && {
      keep: { folder: kept.databaseFolder, adminPassword: kept.state.adminPassword },
    }),
  });
  if (!kept) return cluster;
  try {
    await bringUpToDate(cluster, kept, options);
  } catch (error) {
    await cluster.destroy();
    throw error;
  }
  return cluster;
}

async function bringUpToDate(cluster: Cluster, kept: Kept, options: DatabaseOptions) {
  const { state } = kept;
  const platform = (await platformTemplate()).key;
  if (state.platform === "") state.platform = platform;
  if (state.platform !== platform) {
    options.tell(
      "The database was made by another release of durable-responses-dev; --fresh makes a new one",
    );
  }
  await applyMigrations(cluster, kept, options);
  if (!state.seeded) await runSeeds(cluster, kept, options);
}

/** A seed that fails is told: the stack is of use without it, and the next start tries again. */
async function runSeeds(cluster: Cluster, kept: Kept, { project, tell }: DatabaseOptions) {
  try {
    const files = await seed({ dbUrl: cluster.url(), workdir: project });
    if (files.length > 0) tell(`Ran ${files.join(", ")} on the new database`);
    kept.state.seeded = true;
    await kept.save();
  } catch (error) {
    tell(
      `${
        messageOf(error)
      }; the next start runs it again, or leave it out: [db.seed] in supabase/config.toml`,
    );
  }
}

/** Where the database finds the functions, and what proves to run-jobs that it is the database. */
export async function putVaultSecrets(
  sql: Sql,
  secrets: { projectUrl: string; workerSecret: string },
): Promise<void> {
  const values = {
    durable_responses_project_url: secrets.projectUrl,
    durable_responses_worker_secret: secrets.workerSecret,
  };
  for (const [name, value] of Object.entries(values)) {
    const [known] = await sql`select id from vault.secrets where name = ${name}`;
    if (known) await sql`select vault.update_secret(${known["id"]}::uuid, ${value})`;
    else await sql`select vault.create_secret(${value}, ${name})`;
  }
}
