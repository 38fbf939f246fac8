/** `npm run dev`: the stack of this repository, with a check of its own profiles. */
import { checkOwnProfiles } from "./dev/check-profiles.ts";
import { runDev } from "../packages/dev/dev/program.ts";

await runDev(Deno.args, checkOwnProfiles);
