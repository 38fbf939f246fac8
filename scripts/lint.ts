/** `npm run lint`: the linter, as `npm run check` runs it. */
import { runAlone } from "./check/alone.ts";
import { checkLint } from "./check/deno.ts";

await runAlone("lint", "Lints all files", { name: "lint", run: checkLint });
