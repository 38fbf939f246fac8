import assert from "node:assert/strict";
import { busyAbove } from "./load.ts";
import { describeGroup, summarize } from "./report.ts";
import { countTests, type GroupResult } from "./run-groups.ts";

const group = { name: "tests/sql", files: ["a.test.ts"], waits: false, together: false };

function result(counts: Partial<GroupResult>): GroupResult {
  return {
    group,
    passed: 0,
    failed: 0,
    skipped: 0,
    skippedNames: [],
    output: "",
    ms: 1,
    loadPerCore: 1,
    ...counts,
  };
}

Deno.test("deno's last line is counted, with steps and skipped tests", () => {
  const output =
    "a test ... ignored (0ms)\n\nFAILED | 3 passed (2 steps) | 1 failed (1 step) | 1 ignored (96ms)";
  assert.deepEqual(countTests(output, false), {
    passed: 3,
    failed: 1,
    skipped: 1,
    skippedNames: ["a test"],
  });
});

Deno.test("a process that ends badly without a failed test is one failure", () => {
  assert.equal(countTests("ok | 3 passed | 0 failed (1s)", false).failed, 1);
  assert.equal(countTests("Segmentation fault", false).failed, 1);
});

Deno.test("the last line of the run has exactly the agreed form", () => {
  const last = (results: GroupResult[]) => summarize(results, 1).text.split("\n").at(-1);
  assert.equal(last([result({ passed: 3 }), result({ passed: 4 })]), "7 passed, 0 failed");
  assert.equal(
    last([result({ passed: 1, failed: 2, skipped: 3 })]),
    "1 passed, 2 failed, 3 skipped",
  );
});

Deno.test("a run without a single test has not passed", () => {
  assert.equal(summarize([], 1).ok, false);
  assert.equal(summarize([result({ skipped: 2 })], 1).ok, false);
  assert.equal(summarize([result({ passed: 1 })], 1).ok, true);
  assert.equal(summarize([result({ passed: 1, failed: 1 })], 1).ok, false);
});

Deno.test("a group that needs a second run is FLAKY and fails the run", () => {
  const flaky = result({ passed: 1, failedFirst: { loadPerCore: busyAbove } });
  assert.match(describeGroup(flaky), /^FLAKY {2}tests\/sql .*, second run\)$/);
  const { text, ok } = summarize([result({ passed: 3 }), flaky], 1);
  assert.match(
    text,
    /^FLAKY, so this run has failed: tests\/sql \(load 3\.0 per core .*limit 3\.0\)$/m,
  );
  assert.equal(ok, false);
});

Deno.test("a machine that was too busy excuses a second run, and the report says so", () => {
  const excused = result({ passed: 1, failedFirst: { loadPerCore: busyAbove + 0.5 } });
  assert.match(describeGroup(excused), /^ok .*, second run\)$/);
  const { text, ok } = summarize([excused], 1);
  assert.match(
    text,
    /^Passed the second time, .*: tests\/sql \(load 3\.5 per core .*limit 3\.0\)$/m,
  );
  assert.doesNotMatch(text, /FLAKY/);
  assert.equal(ok, true);
});

Deno.test("what fails twice has failed, however busy the machine is", () => {
  const broken = result({ failed: 1, failedFirst: { loadPerCore: 100 } });
  assert.match(describeGroup(broken), /^FAILED .*, second run\)/);
  const { text, ok } = summarize([broken], 1);
  assert.match(text, /^Failed in: tests\/sql$/m);
  assert.equal(ok, false);
});
