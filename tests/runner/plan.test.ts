import assert from "node:assert/strict";
import { planGroups } from "./plan.ts";

Deno.test("every file is in just one group, and those that wait for the clock are alone", () => {
  const files = [
    ...Array.from({ length: 20 }, (_, index) => `tests/sql/topic/${index}.test.ts`),
    "tests/e2e/demo.test.ts",
    "tests/migrations/cron-waits.test.ts",
  ];
  const groups = planGroups(files);
  assert.deepEqual(groups.flatMap((planned) => planned.files).sort(), [...files].sort());
  const waiting = groups.filter(({ waits }) => waits);
  assert.deepEqual(waiting.map((planned) => planned.files), [[
    "tests/migrations/cron-waits.test.ts",
  ]]);
});

Deno.test("long areas come first and quick ones last, so that no core waits for one group at the end", () => {
  const files = ["functions", "tools", "sql", "e2e", "adoption"].map((area) =>
    `tests/${area}/a.test.ts`
  );
  assert.deepEqual(
    planGroups(files).map(({ name }) => name),
    ["tests/e2e", "tests/adoption", "tests/tools", "tests/sql", "tests/functions"],
  );
});

Deno.test("only files whose tests have databases of their own run as one module", () => {
  const groups = planGroups(["tests/sql/a.test.ts", "tests/sql/b.test.ts", "tests/e2e/a.test.ts"]);
  assert.deepEqual(groups.map(({ name, together }) => [name, together]), [
    ["tests/e2e", false],
    ["tests/sql", true],
  ]);
});

Deno.test("files that share a stack run as one module, apart from those of their area that do not", () => {
  const files = ["a", "b", "c", "d", "e"].map((name) => `tests/e2e/${name}.test.ts`);
  const [first = "", ...sharers] = files;
  const groups = planGroups(files, new Set(sharers));
  assert.deepEqual(groups.map(({ name, files, together }) => [name, files, together]), [
    ["tests/e2e, shared", sharers, true],
    ["tests/e2e", [first], false],
  ]);
});
