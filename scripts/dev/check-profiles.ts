/** The check of this repository's own profiles, which also writes their types for a frontend. */
import { join } from "node:path";
import { reportSchema } from "../../packages/cli/src/check/report.ts";
import { typesFile, typesPath } from "../../packages/cli/src/check/types-file.ts";
import { denoEnvironment } from "../../packages/dev/child-environment.ts";
import type { ProfileCheck } from "../../packages/dev/dev/profile-check.ts";
import { ifThere } from "../../packages/dev/if-there.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../packages/dev/processes.ts";

export const checkOwnProfiles: ProfileCheck = async (env) => {
  const { stdout } = await runProcess({
    name: "check-profiles",
    command: Deno.execPath(),
    args: ["run", "--quiet", "--allow-env", "--allow-read", "scripts/check-profiles/main.ts"],
    cwd: projectRoot,
    env: { ...denoEnvironment(), ...env },
  });
  // The last line, because profiles.ts itself may print before it.
  const report = reportSchema.parse(JSON.parse(stdout.split("\n").at(-1) ?? ""));
  const isOk = report.findings.every(({ severity }) => severity !== "wrong");
  if (isOk) await writeIfNew(join(projectRoot, "supabase", typesPath), typesFile(report));
  return report;
};

async function writeIfNew(path: string, text: string): Promise<void> {
  if (await ifThere(Deno.readTextFile(path)) !== text) await Deno.writeTextFile(path, text);
}
