/** A Postgres with the project's migrations, for the checks that need one. */
import { type Cluster, startCluster } from "../../packages/dev/postgres/cluster.ts";
import { migratedTemplate } from "../../packages/dev/postgres/migrate.ts";

/** Starts one for `run` and stops it whatever happens. */
export async function withMigratedCluster<T>(run: (cluster: Cluster) => Promise<T>): Promise<T> {
  const cluster = await startCluster({ template: await migratedTemplate(), durable: false });
  try {
    return await run(cluster);
  } finally {
    await cluster.destroy();
  }
}
