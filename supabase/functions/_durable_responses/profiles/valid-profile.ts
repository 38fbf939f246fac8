/** A profile is checked once per isolate, before the first request is made of it. */
import { RequestError } from "../platform/errors.ts";
import { load } from "../platform/load.ts";
import { fitsPassedOn, isPassedOn } from "./passed-on.ts";
import type { Profile } from "./profile.ts";
import { profileFaultHint } from "./profile-fault.ts";

const valid = new WeakSet<Profile>();

/**
 * Refuses a profile that has a field nobody knows, or a value that does not fit: OpenAI would answer with a 400 that names
 * neither the profile nor the fix, and what we read ourselves would be read as something else.
 * @throws RequestError `invalid_profile`
 */
export async function requireValidProfile(name: string, profile: Profile): Promise<void> {
  if (valid.has(profile)) return;
  if (!isPlain(profile)) {
    const { checkFields } = await load(
      "check-fields.ts",
      () => import("./check/check-fields.ts"),
    );
    const [first, ...more] = checkFields({ ...profile });
    if (first !== undefined) {
      const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
      throw new RequestError(
        "invalid_profile",
        `Cannot use profile '${name}': ${first.message}${others}`,
        { hint: `${first.hint}${first.hint.endsWith("?") ? "" : "."} ${profileFaultHint}` },
      );
    }
  }
  valid.add(profile);
}

/**
 * Whether a profile is right at first sight: most are, and building the schemas of all fields costs a cold start 5 ms. The
 * fields of tools and of the answer's schema are checked where the request is made.
 */
function isPlain(profile: Profile): boolean {
  return typeof profile.model === "string" && Object.entries(profile).every(([name, value]) => {
    if (typeof value === "string" && value.includes("{{")) return false;
    switch (name) {
      case "model":
        return value.length > 0 && value.length <= 200;
      case "instructions":
        return typeof value === "string";
      case "background":
        return typeof value === "boolean";
      case "tools":
        return Array.isArray(value);
      case "output":
        return true;
      default:
        return isPassedOn(name) && fitsPassedOn(name, value);
    }
  });
}
