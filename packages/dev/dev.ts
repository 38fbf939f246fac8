/** What `npx durable-responses dev` starts in a project, whose profiles the CLI has checked. */
import { runDev } from "./dev/program.ts";

await runDev(Deno.args);
