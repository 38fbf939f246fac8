/** What `npx durable-responses dev` starts in a project. */
import { runDev } from "./dev/program.ts";

await runDev(Deno.args);
