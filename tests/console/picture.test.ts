/** What the picture and the charts are drawn from. */
import assert from "node:assert/strict";
import { type Life, phasesOf } from "../../packages/console/src/job/picture/phases.ts";
import { createScale } from "../../packages/console/src/job/picture/scale.ts";
import type { AttemptCore } from "../../packages/console/src/data/schemas.ts";
import { bucketsOf, ranges, summary } from "../../packages/console/src/health/series.ts";

function attempt(
  number: number,
  mode: AttemptCore["mode"],
  started_at: number,
  finished_at: number | null,
  outcome: AttemptCore["outcome"],
): AttemptCore {
  return { number, mode, started_at, finished_at, outcome };
}

const kinds = (life: Life, now: number, answers: number[] = []) =>
  phasesOf(life, now, answers).map(({ kind, from, to }) => `${kind} ${from}-${to}`);

Deno.test("a life is told without gaps: background, waiting, run, person, run", () => {
  const life: Life = {
    status: "completed",
    created_at: 0,
    finished_at: 100,
    attempts: [
      attempt(2, "synchronous", 12, 20, "suspended"),
      attempt(1, "background", 0, 10, "failed"),
      attempt(3, "synchronous", 92, 100, "completed"),
    ],
  };
  assert.deepEqual(kinds(life, 500, [90]), [
    "background 0-10",
    "waiting 10-12",
    "running 12-20",
    "person 20-90",
    "waiting 90-92",
    "running 92-100",
  ]);
});

Deno.test("what is under way lasts until now", () => {
  const life: Life = {
    status: "running",
    created_at: 0,
    finished_at: null,
    attempts: [
      attempt(1, "synchronous", 5, 10, "handed_over"),
      attempt(2, "synchronous", 11, null, null),
    ],
  };
  assert.deepEqual(kinds(life, 40), [
    "waiting 0-5",
    "running 5-10",
    "handover 10-11",
    "running 11-40",
  ]);
});

Deno.test("a job that nobody has begun waits", () => {
  const life: Life = { status: "queued", created_at: 0, finished_at: null, attempts: [] };
  assert.deepEqual(kinds(life, 30), ["waiting 0-30"]);
});

Deno.test("a day of waiting is cut short, so that the seconds around it can be seen", () => {
  const day = 86_400_000;
  const phases = [
    { kind: "running", from: 0, to: 4_000 },
    { kind: "person", from: 4_000, to: 4_000 + day },
    { kind: "running", from: 4_000 + day, to: 10_000 + day },
  ] as const;
  const scale = createScale(phases, [1_000, 5_000 + day]);
  assert.deepEqual(scale.pieces.map(({ broken }) => broken), [false, true, false]);
  const [before, waiting, after] = scale.pieces;
  assert.ok(before && waiting && after);
  assert.ok(before.x1 - before.x0 > 0.3 && after.x1 - after.x0 > 0.4);
  assert.ok(waiting.x1 - waiting.x0 > 0.1, "wide enough to say how long it was");
  assert.equal(scale.at(0), 0);
  assert.equal(scale.at(10_000 + day), 1);
  assert.ok(
    scale.ticks.every(({ ms }) => ms <= 4_000 || ms >= 4_000 + day),
    "no tick in what was cut",
  );
});

Deno.test("the axis never goes back, whatever the phases", () => {
  const phases = phasesOf(
    {
      status: "completed",
      created_at: 0,
      finished_at: 0,
      attempts: [attempt(1, "background", 0, 0, "completed")],
    },
    0,
  );
  const scale = createScale(phases, []);
  assert.ok(scale.at(0) >= 0 && scale.at(5) <= 1);
});

Deno.test("jobs are counted in the piece of time in which they were accepted", () => {
  const [hour] = ranges;
  const now = 10 * hour.ms;
  const job = (ago: number, status: "completed" | "failed", took = 1_000) => ({
    status,
    profile: "mail",
    fallback_reason: null,
    created_at: now - ago,
    finished_at: now - ago + took,
  });
  const rows = [job(1, "completed"), job(hour.ms - 1, "failed"), job(2, "completed", 3_000)];
  const buckets = bucketsOf(rows, hour, now);
  assert.equal(buckets.length, hour.buckets);
  assert.equal(buckets[0]?.counts.failed, 1);
  assert.equal(buckets.at(-1)?.counts.completed, 2);
  const { p50, p95, total } = summary(rows);
  assert.deepEqual({ p50, p95, total }, { p50: 3_000, p95: 3_000, total: 3 });
});
