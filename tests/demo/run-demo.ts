/** The demo as a user runs it, in its own process. */
import { join } from "node:path";
import { type Report, reportSchema } from "../../scripts/demo/report.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

/** Variables that would make the demo talk to something else. */
const outside = ["OPENAI_API_KEY", "OPENAI_BASE_URL", "MAILBOX_MCP_URL", "MAILBOX_MCP_TOKEN"];

export interface DemoRun {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `npm run demo -- …args` to its end. `env` is added to this process's environment. */
export async function runDemo(args: string[], env: Record<string, string> = {}): Promise<DemoRun> {
  const own = Object.entries(Deno.env.toObject()).filter(([name]) => !outside.includes(name));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(projectRoot, "scripts", "demo.ts"), ...args],
    env: { ...Object.fromEntries(own), ...env },
    clearEnv: true,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** What `--json` printed, one report per line. Throws on anything else. */
export function reportsOf({ stdout }: DemoRun): Report[] {
  return stdout.trimEnd().split("\n").map((line) => reportSchema.parse(JSON.parse(line)));
}

/** The only report that `--json` printed. */
export function reportIn(run: DemoRun): Report {
  const [report, ...more] = reportsOf(run);
  if (!report || more.length > 0) throw new Error(`Cannot read one report in: ${run.stdout}`);
  return report;
}
