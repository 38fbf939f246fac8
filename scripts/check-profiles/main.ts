/**
 * What `npx durable-responses check` runs in Deno: it loads the project's profiles as the functions do, and checks them. The
 * last line of stdout is the report. Anything that profiles.ts itself prints comes before it.
 */
import {
  checkProfiles,
  type ProfilesReport,
} from "../../supabase/functions/_durable_responses/profiles/check/check-profiles.ts";

console.log(JSON.stringify(await report()));

async function report(): Promise<ProfilesReport> {
  try {
    const { profiles } = await import("../../supabase/functions/_shared/profiles.ts");
    return await checkProfiles(profiles, (name) => Boolean(Deno.env.get(name)));
  } catch (error) {
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return {
      profiles: [],
      findings: [{
        profile: "",
        path: "",
        severity: "wrong",
        message: `profiles.ts cannot be loaded: ${why.split("\n").slice(0, 3).join(" ")}`,
        hint: "The functions would not start with it either; fix it, then check again",
      }],
    };
  }
}
