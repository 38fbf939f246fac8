/**
 * `deno run -A bench/simulate/main.ts`: what a job costs here, and whether the calculation in docs/scaling.md holds in a
 * simulation.
 */
import { measureCost } from "./cost.ts";
import { type Load, onPaper, type Settings, simulate } from "./simulate.ts";

const dayS = 86_400;
const cases: { name: string; load: Load; settings: Settings }[] = [
  {
    name: "10⁴ jobs/day, defaults",
    load: { perSecond: 1e4 / dayS, runS: 30 },
    settings: { maxWorkers: 8, concurrency: 8, lifeS: 150, bootS: 0.5 },
  },
  {
    name: "10⁵ jobs/day, defaults",
    load: { perSecond: 1e5 / dayS, runS: 30 },
    settings: { maxWorkers: 8, concurrency: 8, lifeS: 150, bootS: 0.5 },
  },
  {
    name: "10⁶ jobs/day, defaults",
    load: { perSecond: 1e6 / dayS, runS: 30 },
    settings: { maxWorkers: 8, concurrency: 8, lifeS: 400, bootS: 0.5 },
  },
  {
    name: "10⁶ jobs/day, 80 workers",
    load: { perSecond: 1e6 / dayS, runS: 30 },
    settings: { maxWorkers: 80, concurrency: 8, lifeS: 400, bootS: 0.5 },
  },
  {
    name: "10⁴ running, off-platform",
    load: { perSecond: 1e4 / 30, runS: 30 },
    settings: { maxWorkers: 120, concurrency: 100, lifeS: Infinity, bootS: 0.5 },
  },
];

console.log(
  "load                          running paper/sim   workers paper/sim   wait p50   p95   backlog",
);
for (const { name, load, settings } of cases) {
  const paper = onPaper(load, settings);
  const seen = simulate(load, settings, 1_200);
  console.log(
    [
      name.padEnd(28),
      `${paper.running.toFixed(1)} / ${seen.running.toFixed(1)}`.padStart(20),
      `${paper.workers.toFixed(1)} / ${seen.workers.toFixed(1)}`.padStart(19),
      `${seen.waitP50.toFixed(1)} s`.padStart(10),
      `${seen.waitP95.toFixed(1)} s`.padStart(7),
      String(seen.backlog).padStart(9),
    ].join(" "),
  );
}
const cost = await measureCost(500);
console.log(
  `one job: ${Math.round(cost.wal)} bytes of WAL, ${Math.round(cost.disk)} bytes on disk, ` +
    `${cost.announcements} announcements, ${cost.cpuMs.toFixed(2)} ms of Postgres CPU`,
);
Deno.exit(0);
