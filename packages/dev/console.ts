/** What `npx durable-responses console` starts. */
import { runConsole } from "./console/program.ts";

await runConsole("durable-responses console", Deno.args);
