/** The stack's Postgres: the project's migrations applied, the secrets that its SQL needs in Vault. */
import type { Sql } from "postgres";
import { type Cluster, startCluster } from "../postgres/cluster.ts";
import { migrate, migratedTemplate, readMigrations } from "../postgres/migrate.ts";
import { seed } from "../postgres/seed.ts";
import { hashOf, platformTemplate } from "../postgres/template.ts";
import { messageOf } from "../message-of.ts";
import type { Kept } from "./kept.ts";

export interface DatabaseOptions {
  /** The folder that holds `supabase/`. */
  project: string;
  port: number | undefined;
  durable: boolean;
  kept: Kept | undefined;
  onLine: (line: string) => void;
  /** What a person should know of migrations. */
  tell: (line: string) => void;
}

/**
 * Starts Postgres with the migrations applied by the Supabase CLI (once, then kept as a template until they change). A
 * database that was kept gets those that are new.
 */
export async function startDatabase(options: DatabaseOptions): Promise<Cluster> {
  const { project, port, durable, kept, onLine } = options;
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

/** Applies what is new. One that was applied and has changed since is named: nobody applies it again. */
export async function applyMigrations(
  cluster: Cluster,
  kept: Kept,
  { project, tell }: Pick<DatabaseOptions, "project" | "tell">,
): Promise<void> {
  const { state } = kept;
  const hashes = await hashesOf(project);
  const added = Object.keys(hashes).filter((name) => !(name in state.migrations));
  const gone = Object.keys(state.migrations).filter((name) =>
    !Object.keys(hashes).some((each) => versionOf(each) === versionOf(name))
  );
  if (gone.length > 0 && added.length > 0) {
    throw new Error(
      `Cannot apply ${added.join(", ")}: ${
        gone.join(", ")
      } was applied to this database, but the file is gone. Put it back, or make a new database (dev: --fresh)`,
    );
  }
  const changed = Object.keys(hashes).filter((name) =>
    name in state.migrations && state.migrations[name] !== hashes[name]
  );
  if (added.length > 0) {
    await migrate({ dbUrl: cluster.url(), workdir: project });
    if (Object.keys(state.migrations).length > 0) tell(`Applied ${added.join(", ")}`);
    // An editor may have saved one again before the CLI read it.
    const now = await hashesOf(project);
    for (const name of added) state.migrations[name] = now[name] ?? hashes[name] ?? "";
  }
  await kept.save();
  for (const name of changed) {
    tell(
      `${name} has changed since it was applied. The database is as before: write a new migration, or start with --fresh`,
    );
  }
  for (const name of gone) {
    tell(
      `${name} was applied, but the file is gone. Put it back before you add another migration, or start with --fresh`,
    );
  }
}

/** What the Supabase CLI knows a migration by. */
function versionOf(name: string): string {
  return name.split("_", 1)[0] ?? name;
}

/** By the name of each migration. */
async function hashesOf(project: string): Promise<Record<string, string>> {
  return Object.fromEntries(
    await Promise.all(
      Object.entries(await readMigrations(project)).map(async ([name, text]) =>
        [name, await hashOf([text])] as const
      ),
    ),
  );
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
