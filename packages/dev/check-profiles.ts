/** The check of this repository's own profiles, which also writes their types for a frontend. */
import { join } from "node:path";
import { reportSchema } from "../cli/src/check/report.ts";
import { typesFile, typesPath } from "../cli/src/check/types-file.ts";
import { denoEnvironment } from "./child-environment.ts";
import type { ProfileCheck } from "./dev/profile-check.ts";
import { ifThere } from "./if-there.ts";
import { projectRoot } from "./postgres/binaries.ts";
import { runProcess } from "./processes.ts";

export const checkOwnProfiles: ProfileCheck = async (env) => {
  const { stdout } = await runProcess({
    name: "check-profiles",
    command: Deno.execPath(),
    args: ["run", "--quiet", "--allow-env", "--allow-read", "scripts/check-profiles/main.ts"],
    cwd: projectRoot,
    env: { ...denoEnvironment(), ...env },
  });
  // Before it comes what profiles.ts itself prints.
  const report = reportSchema.parse(JSON.parse(stdout.split("\n").at(-1) ?? ""));
  const isOk = report.findings.every(({ severity }) => severity !== "wrong");
  if (isOk) await writeIfNew(join(projectRoot, "supabase", typesPath), typesFile(report));
  return report;
};

async function writeIfNew(path: string, text: string): Promise<void> {
  if (await ifThere(Deno.readTextFile(path)) !== text) await Deno.writeTextFile(path, text);
}
