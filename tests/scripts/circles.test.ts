import assert from "node:assert/strict";
import { checkCircles, findCircles } from "../../scripts/check/circles.ts";

Deno.test("a circle between files is found once, with the way around", () => {
  const circles = findCircles({
    "packages/dev/run/a.ts": ["./b.ts"],
    "packages/dev/run/b.ts": ["../c.ts"],
    "packages/dev/c.ts": ["./run/a.ts", "./d.ts"],
    "packages/dev/d.ts": [],
  });
  assert.deepEqual(circles, [
    "packages/dev/run/a.ts -> packages/dev/run/b.ts -> packages/dev/c.ts -> packages/dev/run/a.ts",
  ]);
});

Deno.test("two ways to one file are no circle", () => {
  assert.deepEqual(
    findCircles({
      "a.ts": ["./b.ts", "./c.ts"],
      "b.ts": ["./d.ts"],
      "c.ts": ["./d.ts"],
      "d.ts": [],
    }),
    [],
  );
});

Deno.test("the repository has none", async () => {
  assert.equal(await checkCircles(), undefined);
});
