/** The profile check as one line of doctor. */
import type { ProfileFinding, ProfilesReport } from "../check/report.ts";
import { checkedProfiles } from "../commands/check.ts";
import { installedDeno } from "../project/find-deno.ts";
import { readText } from "../project/locate.ts";
import { profilesPath } from "../project/release.ts";
import { ok, type Verdict, warn, wrong } from "./finding.ts";
import { join } from "node:path";

/** Deno's findings in the folder's profiles, or why it cannot check them. */
export async function loadProfiles(
  supabase: string | undefined,
  secrets: Readonly<Record<string, string | undefined>>,
): Promise<ProfilesReport | { why: string }> {
  if (supabase === undefined || await readText(join(supabase, profilesPath)) === undefined) {
    return { why: "not run in a Supabase project's folder" };
  }
  const deno = await installedDeno(supabase);
  return deno === undefined
    ? { why: "there is no Deno on this machine: npx durable-responses check fetches one" }
    : await checkedProfiles(supabase, deno, secrets);
}

export function verdictOnProfiles({ profiles, findings }: ProfilesReport): Verdict {
  // The deployed functions have their own secrets: one that is not set here may be set there.
  return verdictOn(findings, "npx durable-responses check shows all of it") ??
    ok(`${profiles.length} checked, no mistakes found`);
}

/**
 * @returns undefined if there are no findings.
 * @param fix used instead of the first finding's own, unless that is the only one and a warning
 */
export function verdictOn(findings: ProfileFinding[], fix?: string): Verdict | undefined {
  const worst = findings.filter(({ severity }) => severity === "wrong");
  const others = findings.filter(({ severity }) => severity === "warn");
  if (worst.length > 0) return wrong(told(worst), fix ?? worst[0]?.hint ?? "");
  if (others.length > 0) {
    return warn(told(others), (others.length > 1 ? fix : undefined) ?? others[0]?.hint ?? "");
  }
  return undefined;
}

function told(findings: ProfileFinding[]): string {
  const [first] = findings;
  const whose = first === undefined || first.profile === "" ? "" : `'${first.profile}': `;
  const others = findings.length - 1;
  const more = others === 0 ? "" : `, and ${others} more ${others === 1 ? "finding" : "findings"}`;
  return `${whose}${first?.message ?? ""}${more}`;
}
