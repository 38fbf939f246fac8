/** The project's profiles, looked at when the stack starts, and their types for a frontend. */
import { join } from "node:path";
import type { ProfileFinding } from "../cli/src/check/report.ts";
import { typesFile, typesPath } from "../cli/src/check/types-file.ts";
import { checkProfiles } from "../../supabase/functions/_durable_responses/profiles/check/check-profiles.ts";
import { profiles } from "../../supabase/functions/_shared/profiles.ts";
import { projectRoot } from "./postgres/binaries.ts";
import { ifThere } from "./if-there.ts";

/**
 * Writes the types when nothing is wrong.
 * @param isSet whether the functions have a secret of that name
 */
export async function checkOwnProfiles(
  isSet: (name: string) => boolean,
): Promise<ProfileFinding[]> {
  const report = await checkProfiles(profiles, isSet);
  const isOk = report.findings.every(({ severity }) => severity !== "wrong");
  if (isOk) await writeIfNew(join(projectRoot, "supabase", typesPath), typesFile(report));
  return report.findings;
}

async function writeIfNew(path: string, text: string): Promise<void> {
  if (await ifThere(Deno.readTextFile(path)) !== text) await Deno.writeTextFile(path, text);
}
