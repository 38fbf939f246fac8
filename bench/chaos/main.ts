/** `npm run chaos -- [--jobs N] [--seed S] [--json]`: the whole stack under load while faults are drawn from a seed. */
import { Command, InvalidArgumentError } from "commander";
import { runChaos } from "./run.ts";
import type { Verdict } from "./verdict.ts";

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new InvalidArgumentError("it must be a whole number from 1");
  }
  return value;
};
const program = new Command("chaos")
  .option("--jobs <n>", "how many queries", whole, 300)
  .option("--seed <n>", "what the faults are drawn from", whole, Date.now() % 100_000)
  .option("--json", "the last line of output is one JSON object", false)
  .parse(["deno", "chaos", ...Deno.args]);
const { jobs, seed, json } = program.opts<{ jobs: number; seed: number; json: boolean }>();

// postgres.js writes to a socket that the server has just closed, in a timer where nobody can catch it; its
// query is rejected by the close itself. Only Postgres restarts bring it about.
addEventListener("error", (event) => {
  if (!/null \(reading 'write'\)/.test(event.message)) return;
  event.preventDefault();
  console.error("  a client of ours wrote to a closed connection");
});

// Of what the storm kills, the sockets of the stack's own clients tell in the same way.
addEventListener("unhandledrejection", (event) => {
  if (!/EPIPE|ECONNRESET|connection closed|null \(reading 'write'\)/i.test(String(event.reason))) {
    return;
  }
  event.preventDefault();
  console.error(`  a client of ours lost its connection: ${event.reason}`);
});

const mustBeZero = [
  "lost",
  "duplicate_side_effects",
  "stuck_leases",
  "double_results",
  "unexplained",
] as const;
console.error(`chaos: ${jobs} jobs, seed ${seed}`);
// Caught here: left to the listener above, a run that lost its own connection would end as if all were well.
const { verdict, blows, seconds, odd } = await runChaos({
  jobs,
  seed,
  progress: (line) => console.error(line),
}).catch((error) => {
  console.error("Cannot finish the run:", error);
  Deno.exit(2);
});
const wrong = mustBeZero.filter((name: keyof Verdict) => verdict[name] !== 0);
for (const line of odd) console.error(`  ${line}`);
if (json) {
  console.log(JSON.stringify({ ok: wrong.length === 0, seed, seconds, blows, ...verdict }));
} else {
  console.table(verdict);
  console.log(`${blows} blows in ${seconds} s`);
  console.log(
    wrong.length === 0
      ? "ok"
      : `NOT OK: ${wrong.join(", ")} must be 0; again with --jobs ${jobs} --seed ${seed}`,
  );
}
Deno.exit(wrong.length === 0 ? 0 : 1);
