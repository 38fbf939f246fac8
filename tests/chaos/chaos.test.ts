import assert from "node:assert/strict";
import { isLong } from "../support/long.ts";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";

const mustBeZero = [
  "lost",
  "duplicate_side_effects",
  "stuck_leases",
  "double_results",
  "unexplained",
];

const short = [{ jobs: 300, seed: 20261123 }];
const long = [1, 2, 3, 4, 5].map((seed) => ({ jobs: 1_500, seed }));

for (const { jobs, seed } of isLong ? long : short) {
  Deno.test(`${jobs} jobs under faults of every kind, seed ${seed}: none lost, no side effect twice`, async () => {
    const { code, stdout, stderr } = await new Deno.Command(findDeno(), {
      args: [
        "run",
        "-A",
        "bench/chaos/main.ts",
        "--jobs",
        `${jobs}`,
        "--seed",
        `${seed}`,
        "--json",
      ],
      cwd: projectRoot,
    }).output();
    const log = new TextDecoder().decode(stderr);
    const lastLine = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
    assert.match(lastLine, /^\{/, log.slice(-2000));
    const verdict: Record<string, unknown> = JSON.parse(lastLine);
    for (const name of mustBeZero) assert.equal(verdict[name], 0, `${name}: ${log.slice(-4000)}`);
    assert.equal(verdict["accepted"], jobs);
    assert.equal(code, 0);
  });
}
