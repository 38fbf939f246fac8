/** Supabase's own lints for security and performance, on a database with the migrations. */
import { supabaseEnvironment } from "../../packages/dev/child-environment.ts";
import type { Cluster } from "../../packages/dev/postgres/cluster.ts";
import { findSupabaseCli, projectRoot } from "../../packages/dev/postgres/binaries.ts";

/** Runs `supabase db advisors --fail-on warn`. Returns its findings, or undefined. */
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
    clearEnv: true,
    env: supabaseEnvironment(),
    stdin: "null",
  }).output();
  if (success) return undefined;
  return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
}
