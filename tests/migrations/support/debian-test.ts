/** Tests on Debian's Postgres 15 with the real pg_cron. */
import { type DebianCluster, withDebianCluster } from "../../../scripts/debian-postgres/cluster.ts";
import { whatIsMissing } from "../../../scripts/debian-postgres/tree.ts";

/** Registers a test with such a server. Without Debian's packages it is skipped, except in CI. */
export function debianTest(name: string, run: (cluster: DebianCluster) => Promise<void>): void {
  const missing = whatIsMissing("pg_cron");
  const skip = missing !== undefined && Deno.env.get("CI") !== "true";
  Deno.test({
    name: skip ? `${name} (SKIPPED: ${missing})` : name,
    ignore: skip,
    fn: () => withDebianCluster(run),
  });
}
