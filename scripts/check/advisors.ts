/** Supabase's own lints for security and performance, on a database with the migrations. */
import type { Cluster } from "../../packages/dev/postgres/cluster.ts";
import { findSupabaseCli, projectRoot } from "../../packages/dev/postgres/binaries.ts";

/** `supabase db advisors --fail-on warn`: what it found, or undefined. */
export async function checkAdvisors(cluster: Cluster): Promise<string | undefined> {
  const { success, stdout, stderr } = await new Deno.Command(await findSupabaseCli(), {
    args: [
      "db",
      "advisors",
      `--remote=${cluster.url()}?sslmode=disable`,
      "--level",
      "warn",
      "--fail-on",
      "warn",
      "--yes",
      "--workdir",
      projectRoot,
    ],
    env: { NO_COLOR: "1", DO_NOT_TRACK: "1", SUPABASE_TELEMETRY_DISABLED: "1" },
    stdin: "null",
  }).output();
  if (success) return undefined;
  return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
}
