/** A Postgres with the project's migrations applied, for the checks that look at it. */
import { type Cluster, startCluster } from "../../local/postgres/cluster.ts";
import { migratedTemplate } from "../../local/postgres/migrate.ts";

/** Starts one for `run` and ends it whatever happens. */
export async function withMigratedCluster<T>(run: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await startCluster({ template: await migratedTemplate(), durable: false });
  try {
    return await run(cluster);
  } finally {
    await cluster.destroy();
  }
}
