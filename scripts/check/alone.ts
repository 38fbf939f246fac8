/** One step of `npm run check` as a script of its own. */
import { usualCommand } from "../../packages/dev/dev/usual-command.ts";
import { runSteps, type Step } from "./steps.ts";

/** Runs it, and ends the process with its result. @param name of the script */
export async function runAlone(name: string, description: string, step: Step): Promise<void> {
  usualCommand(`npm run ${name} --`).description(description).parse(["deno", name, ...Deno.args]);
  Deno.exit(await runSteps([step]) ? 0 : 1);
}
