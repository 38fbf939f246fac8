/** `npm run typecheck`: the types, as `npm run check` checks them. */
import { runAlone } from "./check/alone.ts";
import { checkTypes } from "./check/deno.ts";

await runAlone("typecheck", "Checks the types of all files", { name: "types", run: checkTypes });
