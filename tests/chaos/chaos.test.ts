import assert from "node:assert/strict";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";

const MUST_BE_ZERO = [
  "lost",
  "duplicate_side_effects",
  "stuck_leases",
  "double_results",
  "unexplained",
];

Deno.test("300 jobs under faults of every kind: none lost, no side effect twice", async () => {
  const { code, stdout, stderr } = await new Deno.Command(findDeno(), {
    args: ["run", "-A", "bench/chaos/main.ts", "--jobs", "300", "--seed", "20261123", "--json"],
    cwd: projectRoot,
  }).output();
  const log = new TextDecoder().decode(stderr);
  const lastLine = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
  assert.match(lastLine, /^\{/, log.slice(-2000));
  const verdict: Record<string, unknown> = JSON.parse(lastLine);
  for (const name of MUST_BE_ZERO) assert.equal(verdict[name], 0, `${name}: ${log.slice(-4000)}`);
  assert.equal(verdict["accepted"], 300);
  assert.equal(code, 0);
});
