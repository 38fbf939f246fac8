import assert from "node:assert/strict";
import { scenarios } from "../../scripts/demo/scenarios/all.ts";
import { reportsOf, runDemo } from "./run-demo.ts";

Deno.test("--scenario all plays every scenario, one report a line, and each holds", async (t) => {
  const run = await runDemo(["--scenario", "all", "--json"]);
  const reports = reportsOf(run);
  assert.deepEqual(reports.map(({ scenario }) => scenario), scenarios.map(({ name }) => name));
  for (const { scenario, ok, reason } of reports) {
    await t.step(
      scenario ?? "",
      () => assert.ok(ok, `${reason}\n${timelineOf(run.stderr, scenario)}`),
    );
  }
  assert.equal(run.code, 0, run.stderr);
});

/** The part of the timeline that is about one scenario. */
function timelineOf(stderr: string, scenario = ""): string {
  const from = stderr.indexOf(`\n${scenario}  `);
  const verdict = stderr.indexOf("not ok", from);
  return stderr.slice(from, stderr.indexOf("\n", verdict));
}
