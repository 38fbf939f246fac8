import assert from "node:assert/strict";
import { onPaper, simulate } from "../../bench/simulate/simulate.ts";

const load = { perSecond: 2, runS: 20 };
const settings = { maxWorkers: 20, concurrency: 8, lifeS: 150, bootS: 0.5 };

Deno.test("with workers enough, as many jobs run at once as Little's law says, and none waits long", () => {
  const paper = onPaper(load, settings);
  const seen = simulate(load, settings, 1_200);
  assert.ok(
    Math.abs(seen.running / paper.running - 1) < 0.15,
    `${seen.running} of ${paper.running}`,
  );
  assert.ok(seen.waitP95 < 5, `p95 ${seen.waitP95} s`);
});

Deno.test("with fewer workers than the paper asks for, the backlog grows", () => {
  const { backlog } = simulate(load, { ...settings, maxWorkers: 3 }, 1_200);
  assert.ok(backlog > 100, `backlog ${backlog}`);
});
