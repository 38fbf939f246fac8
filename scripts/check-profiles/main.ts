/**
 * What `npx durable-responses check` runs in Deno: it loads the project's profiles as the functions do, and checks them. The
 * last line of stdout is the report. Anything that profiles.ts itself prints comes before it.
 */
import {
  checkProfiles,
  type ProfilesReport,
} from "../../supabase/functions/_durable_responses/profiles/check/check-profiles.ts";
import { loadFault } from "./load-fault.ts";

console.log(JSON.stringify(await report()));
// A timer in profiles.ts would keep the process.
Deno.exit();

async function report(): Promise<ProfilesReport> {
  let profiles: unknown;
  try {
    ({ profiles } = await import("../../supabase/functions/_shared/profiles.ts"));
  } catch (error) {
    const functions = import.meta.resolve("../../supabase/functions/");
    return {
      profiles: [],
      findings: [{ profile: "", path: "", severity: "wrong", ...loadFault(error, functions) }],
    };
  }
  return await checkProfiles(profiles, (name) => Boolean(Deno.env.get(name)));
}
