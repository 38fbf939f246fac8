/**
 * `npm run chaos -- [--jobs N] [--sends share] [--works share] [--profiles names] [--seed S] [--json]`: the whole stack under
 * load, with faults drawn from a seed. `npm run chaos -- --users N [--minutes M]`: users and an operator do whatever they may, with the same
 * faults.
 */
import { InvalidArgumentError } from "commander";
import { usualCommand } from "../../packages/dev/dev/usual-command.ts";
import { visible } from "../../packages/text/visible.ts";
import { isMailProfile, type MailProfile, mailProfiles } from "./requests.ts";
import { runChaos } from "./run.ts";
import { runUsers } from "./run-users.ts";
import { usualWorks } from "./storm.ts";
import { mustBeZero } from "./verdict.ts";

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new InvalidArgumentError("It must be a whole number from 1.");
  }
  return value;
};
const minutes = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
};
const share = (text: string): number => {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError("It must be a number from 0 to 1.");
  }
  return value;
};
const mailProfilesIn = (text: string): MailProfile[] => {
  const names = text.split(",");
  const chosen = names.filter(isMailProfile);
  if (chosen.length < names.length) {
    throw new InvalidArgumentError(`Each must be one of ${mailProfiles.join(", ")}.`);
  }
  return chosen;
};
const program = usualCommand("npm run chaos --")
  .description(
    "Runs the whole stack under load, with faults drawn from a seed, and judges what came of every job",
  )
  .option("--jobs <n>", "how many queries", whole, 300)
  .option("--sends <share>", "the share of jobs that send an email", share, 0.7)
  .option("--works <share>", "the share of background responses that succeed", share, usualWorks)
  .option(
    "--profiles <names>",
    "only jobs for the mailbox, of these profiles: a name given twice is drawn twice as often",
    mailProfilesIn,
  )
  .option("--users <n>", "let this many users act as they please, instead of a load of jobs", whole)
  .option("--minutes <m>", "for how long", minutes, 1)
  .option("--seed <n>", "the seed that the faults are drawn from", whole, Date.now() % 100_000)
  .option("--json", "the last line of output is one JSON object", false)
  .parse(["deno", "chaos", ...Deno.args]);
const options = program.opts<
  {
    jobs: number;
    sends: number;
    works: number;
    profiles?: MailProfile[];
    users?: number;
    minutes: number;
    seed: number;
    json: boolean;
  }
>();

// When Postgres restarts, postgres.js may write to a closed socket in a timer, where nobody can catch the error. The close
// itself rejects its query.
addEventListener("error", (event) => {
  if (!/null \(reading 'write'\)/.test(event.message)) return;
  event.preventDefault();
  console.error("  a client of ours wrote to a closed connection");
});

// The storm also cuts off the stack's own clients, whose sockets report it as rejections.
addEventListener("unhandledrejection", (event) => {
  if (
    !/EPIPE|ECONN|ENOENT|connection closed|null \(reading 'write'\)/i.test(String(event.reason))
  ) {
    return;
  }
  event.preventDefault();
  console.error(`  a client of ours lost its connection: ${event.reason}`);
});

const { seed, users, json } = options;
const what = users === undefined
  ? `--jobs ${options.jobs} --sends ${options.sends} --works ${options.works}` +
    (options.profiles === undefined ? "" : ` --profiles ${options.profiles.join(",")}`)
  : `--users ${users} --minutes ${options.minutes}`;
const progress = (line: string) => console.error(visible(line));
progress(`chaos: ${what}, seed ${seed}`);

async function run() {
  if (users !== undefined) {
    const { verdict, held, odd, seconds, blows, actions, ...counts } = await runUsers({
      users,
      minutes: options.minutes,
      seed,
      progress,
    });
    return { counted: { ...verdict, actions }, zero: counts, held, odd, seconds, blows };
  }
  const { verdict, held, odd, seconds, blows } = await runChaos({
    jobs: options.jobs,
    sends: options.sends,
    works: options.works,
    ...(options.profiles && { profiles: options.profiles }),
    seed,
    progress,
  });
  return { counted: verdict, zero: {}, held, odd, seconds, blows };
}

// Caught here, because the listener above would let a run that lost its own connection end as a success.
const { counted, zero, held, odd, seconds, blows } = await run().catch((error) => {
  console.error("Cannot finish the run:", error);
  Deno.exit(2);
});
const wrong = [
  ...mustBeZero.filter((name) => counted[name] !== 0),
  ...Object.entries(zero).filter(([, count]) => count !== 0).map(([name]) => name),
];
for (const line of odd) progress(`  ${line}`);
if (json) {
  const ok = wrong.length === 0;
  console.log(JSON.stringify({ ok, seed, seconds, blows, ...counted, ...zero, held }));
} else {
  console.table({ ...counted, ...zero });
  if (counted.needs_review > 0) console.table(held);
  console.log(`${blows} blows in ${seconds} s`);
  console.log(
    wrong.length === 0
      ? "ok"
      : `NOT OK: ${wrong.join(", ")} must be 0; again with ${what} --seed ${seed}`,
  );
}
Deno.exit(wrong.length === 0 ? 0 : 1);
