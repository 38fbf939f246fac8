/** `npm run demo`: the main job, or a scenario, as a live timeline of what really happens. */
import { Option } from "commander";
import { parseSeconds } from "../packages/dev/dev/option-values.ts";
import { usualCommand } from "../packages/dev/dev/usual-command.ts";
import { outsideOf } from "./demo/outside.ts";
import { playDefault, playScenario } from "./demo/play.ts";
import type { Report } from "./demo/report.ts";
import { scenarios } from "./demo/scenarios/all.ts";
import { mailQuery } from "./demo/scenarios/mail.ts";
import { showTable } from "./demo/table.ts";
import { openTerminal } from "./demo/timeline/terminal.ts";
import { openaiFromEnvironment } from "../packages/dev/stack/openai-access.ts";

const all = "all";

interface DemoOptions {
  query?: string;
  scenario?: string;
  json?: true;
  list?: true;
  /** In s. */
  wallClock?: number;
}

const program = usualCommand("npm run demo --")
  .description("Shows what becomes of a request that OpenAI's background mode fails")
  .addOption(
    new Option(
      "--query <text>",
      "ask something else; the OpenAI stand-in does what its [[plan: …]] says",
    ).conflicts("scenario"),
  )
  .option("--scenario <name>", `one of --list, or ${all}`)
  .option("--list", "list the scenarios")
  .option("--json", "print one JSON object per run to stdout, the timeline to stderr")
  .addOption(
    new Option("--wall-clock <seconds>", "life of a function's worker in the default demo")
      .argParser(parseSeconds).conflicts("scenario"),
  );
program.action(() => demo(program.opts<DemoOptions>()));
await program.parseAsync(Deno.args, { from: "user" });

async function demo(options: DemoOptions): Promise<void> {
  if (options.list) return list();
  let ok = true;
  const played: Report[] = [];
  for await (const report of reports(options)) {
    if (options.json) console.log(JSON.stringify(report));
    played.push(report);
    ok &&= report.ok;
  }
  if (played.length > 1) {
    showTable(openTerminal(options.json ? Deno.stderr : Deno.stdout), played);
  }
  // Not Deno.exit(), which could cut off output to a pipe.
  Deno.exitCode = ok ? 0 : 1;
}

async function* reports({ query, scenario, json, wallClock }: DemoOptions): AsyncGenerator<Report> {
  const terminal = openTerminal(json ? Deno.stderr : Deno.stdout);
  if (scenario === undefined) {
    const openai = openaiFromEnvironment();
    yield await playDefault({
      query: query ?? mailQuery,
      wallClockMs: wallClock === undefined ? undefined : wallClock * 1000,
      outside: openai && outsideOf(openai, Deno.env.toObject()),
    }, terminal);
    return;
  }
  const chosen = scenarios.filter(({ name }) => scenario === all || name === scenario);
  if (chosen.length === 0) {
    program.error(
      `Unknown scenario '${scenario}'. --list names them`,
    );
  }
  for (const each of chosen) yield await playScenario(each, terminal);
}

function list(): void {
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, title } of scenarios) console.log(`${name.padEnd(width)}  ${title}`);
}
