/** A finding of the profile check. */

export interface ProfileFinding {
  profile: string;
  /** Where in the profile, such as `budgets.deadline_ms` or `tools[0].headers`; empty for the whole profile. */
  path: string;
  /** wrong: requests with this profile will fail. warn: it works, but somebody should look at it. */
  severity: "wrong" | "warn";
  /** What is wrong, in one sentence without a full stop. */
  message: string;
  /** What to do about it. */
  hint: string;
}

/** A finding without its profile's name. */
export type Found = Omit<ProfileFinding, "profile">;

/** Turns `["tools", 0, "headers"]` into `tools[0].headers`. */
export function pathOf(keys: readonly PropertyKey[]): string {
  return keys.map((key, index) =>
    typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${String(key)}`
  ).join("");
}
