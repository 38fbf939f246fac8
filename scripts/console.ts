/** `npm run console -- --url <project URL> --key <publishable key>`: the console for any project, on this machine. */
import { runConsole } from "../packages/dev/console/program.ts";

await runConsole("npm run console --", Deno.args);
