/** The stack's Postgres: the project's migrations applied, the secrets that its SQL needs in Vault. */
import type { Sql } from "postgres";
import { type Cluster, startCluster } from "../postgres/cluster.ts";
import { migratedTemplate } from "../postgres/migrate.ts";

/** Starts Postgres with the migrations applied by the Supabase CLI (once, then kept as a template until they change). */
export async function startDatabase(options: {
  /** The folder that holds `supabase/`. */
  project: string;
  port: number | undefined;
  durable: boolean;
  onLine: (line: string) => void;
}): Promise<Cluster> {
  const { project, port, durable, onLine } = options;
  const template = await migratedTemplate(project);
  return await startCluster({ template, durable, onLine, ...(port !== undefined && { port }) });
}

/** Where the database finds the functions, and what proves to run-jobs that it is the database. */
export async function putVaultSecrets(
  sql: Sql,
  secrets: { projectUrl: string; workerSecret: string },
): Promise<void> {
  await sql`
    select
      vault.create_secret(${secrets.projectUrl}, 'durable_responses_project_url'),
      vault.create_secret(${secrets.workerSecret}, 'durable_responses_worker_secret')`;
}
