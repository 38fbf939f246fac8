/** What the check finds in one profile. */
import assert from "node:assert/strict";
import { checkProfiles } from "../../../../supabase/functions/_durable_responses/profiles/check/check-profiles.ts";

/** Findings of one profile with a valid model, as `severity path: message → hint`. */
export async function found(profile: Record<string, unknown>): Promise<string[]> {
  const { findings } = await checkProfiles(
    { main: { model: "gpt-6-luna", ...profile } },
    (name) => name === "SET",
  );
  return findings.map(({ severity, path, message, hint }) =>
    `${severity} ${path}: ${message} → ${hint}`
  );
}

/** The only finding. */
export async function messageFor(profile: Record<string, unknown>): Promise<string> {
  const [first = "nothing was found", ...more] = await found(profile);
  assert.deepEqual(more, []);
  return first;
}
