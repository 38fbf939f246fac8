import assert from "node:assert/strict";
import { planGroups } from "../runner/plan.ts";
import { summarise } from "../runner/report.ts";
import { countTests, type GroupResult } from "../runner/run-groups.ts";

const group = { name: "tests/sql", files: ["a.test.ts"], waits: false };

function result(counts: Partial<GroupResult>): GroupResult {
  return {
    ...{ group, passed: 0, failed: 0, skipped: 0, skippedNames: [], output: "", ms: 1 },
    ...counts,
  };
}

Deno.test("deno's last line is counted, with steps and skipped tests", () => {
  const output =
    "a test ... ignored (0ms)\n\nFAILED | 3 passed (2 steps) | 1 failed (1 step) | 1 ignored (96ms)";
  assert.deepEqual(countTests(output, false), {
    ...{ passed: 3, failed: 1, skipped: 1, skippedNames: ["a test"] },
  });
});

Deno.test("a process that ends badly without a failed test is one failure", () => {
  assert.equal(countTests("ok | 3 passed | 0 failed (1s)", false).failed, 1);
  assert.equal(countTests("Segmentation fault", false).failed, 1);
});

Deno.test("the last line of the run has exactly the agreed form", () => {
  const last = (results: GroupResult[]) => summarise(results, 1).text.split("\n").at(-1);
  assert.equal(last([result({ passed: 3 }), result({ passed: 4 })]), "7 passed, 0 failed");
  assert.equal(
    last([result({ passed: 1, failed: 2, skipped: 3 })]),
    "1 passed, 2 failed, 3 skipped",
  );
});

Deno.test("a run without a single test has not passed", () => {
  assert.equal(summarise([], 1).ok, false);
  assert.equal(summarise([result({ skipped: 2 })], 1).ok, false);
  assert.equal(summarise([result({ passed: 1 })], 1).ok, true);
  assert.equal(summarise([result({ passed: 1, failed: 1 })], 1).ok, false);
});

Deno.test("every file is in just one group, and those that wait for the clock are alone", () => {
  const files = [
    ...Array.from({ length: 20 }, (_, index) => `tests/sql/topic/${index}.test.ts`),
    ...["tests/e2e/demo.test.ts", "tests/migrations/cron-waits.test.ts"],
  ];
  const groups = planGroups(files);
  assert.deepEqual(groups.flatMap((planned) => planned.files).sort(), [...files].sort());
  const waiting = groups.filter(({ waits }) => waits);
  assert.deepEqual(waiting.map((planned) => planned.files), [[
    "tests/migrations/cron-waits.test.ts",
  ]]);
});
