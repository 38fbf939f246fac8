/** What a check of the profiles found. */

export interface ProfileFinding {
  profile: string;
  /** Where in the profile, as in `budgets.deadline_ms` or `tools[0].headers`; empty for the whole of it. */
  path: string;
  /** wrong: requests of this profile will fail. warn: works, but somebody should look. */
  severity: "wrong" | "warn";
  /** What is the case, one sentence without a full stop. */
  message: string;
  /** What to do about it. */
  hint: string;
}

/** What is left of a finding when its profile is known. */
export type Found = Omit<ProfileFinding, "profile">;

/** `["tools", 0, "headers"]` as `tools[0].headers`. */
export function pathOf(keys: readonly PropertyKey[]): string {
  return keys.map((key, index) =>
    typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`
  ).join("");
}
