/** Postgres for the benches: durable (fsync, synchronous_commit), a fresh database for each measurement. */
import { type Cluster, startCluster } from "../../packages/dev/postgres/cluster.ts";
import { migratedTemplate } from "../../packages/dev/postgres/migrate.ts";

export interface BenchCluster extends AsyncDisposable {
  readonly cluster: Cluster;
  /** Creates a database, with the project's migrations or empty, and returns its name. */
  fresh(kind: "product" | "empty"): Promise<string>;
  drop(database: string): Promise<void>;
}

/**
 * Starts a cluster. The trigger that notifies the local Realtime stand-in about a message is removed: its pg_notify makes
 * all commits wait for one lock, and on the platform Realtime reads the write-ahead log.
 */
export async function startBenchCluster({ durable = true } = {}): Promise<BenchCluster> {
  const cluster = await startCluster({ template: await migratedTemplate(), durable });
  const admin = cluster.connect("supabase_admin", "template1", { max: 1 });
  const product = cluster.connect("supabase_admin", "postgres", { max: 1 });
  await product`drop trigger notify_message on realtime.messages`;
  await product.end();
  let made = 0;
  return {
    cluster,
    async fresh(kind) {
      const name = `bench_${++made}`;
      const template = kind === "product" ? "postgres" : "template0";
      await admin.unsafe(`create database ${name} template ${template} owner postgres`);
      return name;
    },
    async drop(database) {
      await admin.unsafe(`drop database ${database} with (force)`);
    },
    async [Symbol.asyncDispose]() {
      await admin.end();
      await cluster.destroy();
    },
  };
}
