import { measureFlat } from "../../bench/flat/bench.ts";
import { measureList } from "../../bench/list/bench.ts";
import { measureQueue } from "../../bench/queue/bench.ts";
import { assertMeasured, quiet } from "./support.ts";

Deno.test("the queue bench drives every system to the end of its jobs", async () => {
  assertMeasured(
    await measureQueue(quiet, {
      systems: ["durable-responses", "pg-boss", "graphile-worker"],
      jobs: 20,
      rounds: 1,
      seconds: 20,
      warmUp: false,
    }),
  );
});

Deno.test("the flat bench fills its tables, claims from each and holds a snapshot", async () => {
  assertMeasured(
    await measureFlat(quiet, {
      waiting: 200,
      finished: 200,
      claims: 8,
      perSecond: 50,
      seconds: 0.5,
    }),
  );
});

Deno.test("the list bench asks everything of both tables", async () => {
  assertMeasured(await measureList(quiet, { few: 300, many: 900, rounds: 1 }));
});
