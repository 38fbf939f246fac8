/** The check of the profiles, as one line of doctor's. */
import type { ProfileFinding } from "../check/report.ts";
import { checkedProfiles } from "../commands/check.ts";
import { installedDeno } from "../project/deno.ts";
import { readText } from "../project/locate.ts";
import { profilesPath } from "../project/release.ts";
import { ok, skipped, type Verdict, warn, wrong } from "./finding.ts";
import { join } from "node:path";

export async function checkProfileFields(
  supabase: string | undefined,
  secrets: Readonly<Record<string, string | undefined>>,
): Promise<Verdict> {
  if (supabase === undefined || await readText(join(supabase, profilesPath)) === undefined) {
    return skipped("not started in a Supabase project's folder");
  }
  const deno = await installedDeno(supabase);
  if (deno === undefined) {
    return skipped("there is no Deno on this machine: npx durable-responses check fetches one");
  }
  const { profiles, findings } = await checkedProfiles(supabase, [[deno, []]], secrets);
  const worst = findings.filter(({ severity }) => severity === "wrong");
  // Secrets are set where the functions are; what is not set here may well be set there.
  const others = findings.filter(({ severity }) => severity === "warn");
  if (worst.length > 0) return wrong(told(worst), "npx durable-responses check says all of it");
  if (others.length > 0) return warn(told(others), others[0]?.hint ?? "");
  return ok(`${profiles.length} fit, by a strict look`);
}

function told(findings: ProfileFinding[]): string {
  const [first] = findings;
  const whose = first === undefined || first.profile === "" ? "" : `'${first.profile}': `;
  const more = findings.length > 1 ? `, and ${findings.length - 1} more` : "";
  return `${whose}${first?.message ?? ""}${more}`;
}
