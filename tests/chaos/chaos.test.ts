import assert from "node:assert/strict";
import { mustBeZero } from "../../bench/chaos/verdict.ts";
import { isLong } from "../support/long.ts";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";

/** Runs chaos as a person does, and fails if it could not count. @returns what it counted, and what it printed */
async function chaos(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(findDeno(), {
    args: ["run", "-A", "bench/chaos/main.ts", ...args, "--json"],
    cwd: projectRoot,
  }).output();
  const log = new TextDecoder().decode(stderr).slice(-4000);
  const lastLine = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
  assert.match(lastLine, /^\{/, log);
  const verdict: Record<string, unknown> = JSON.parse(lastLine);
  return { code, verdict, log };
}

const short = [{ jobs: 60, seed: 20261123 }];
const long = [1, 2, 3, 4, 5].map((seed) => ({ jobs: 1_500, seed }));

for (const { jobs, seed } of isLong ? long : short) {
  Deno.test(`${jobs} jobs under faults of every kind, seed ${seed}: none lost, no side effect twice`, async () => {
    const { code, verdict, log } = await chaos("--jobs", `${jobs}`, "--seed", `${seed}`);
    for (const name of mustBeZero) assert.equal(verdict[name], 0, `${name}: ${log}`);
    assert.equal(verdict["accepted"], jobs);
    assert.equal(code, 0);
  });
}

const crowd = isLong ? { users: 32, minutes: 1 } : { users: 8, minutes: 0.15 };

Deno.test(`${crowd.users} users and an operator do what they please under faults: the mailbox agrees`, async () => {
  const { code, verdict, log } = await chaos(
    "--users",
    `${crowd.users}`,
    "--minutes",
    `${crowd.minutes}`,
    "--seed",
    "7",
  );
  for (const name of [...mustBeZero, "wrongAnswers", "deadlocks"]) {
    assert.equal(verdict[name], 0, `${name}: ${log}`);
  }
  assert.equal(code, 0);
});
