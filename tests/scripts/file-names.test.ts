import assert from "node:assert/strict";
import { checkFileNames, wrongFileNames } from "../../scripts/check/file-names.ts";

Deno.test("a file that is not named in kebab-case is found, and SQL without its place", () => {
  const wrong = wrongFileNames([
    "supabase/functions/_durable_responses/run/stepWriter.ts",
    "tests/sql/lock_order.test.ts",
    "packages/console/src/Job.tsx",
    "supabase/schemas/steps.sql",
  ]);
  assert.equal(wrong.length, 4);
  assert.match(wrong[0] ?? "", /^supabase\/.*stepWriter\.ts: name it in kebab-case/);
  assert.match(wrong[3] ?? "", /^supabase\/schemas\/steps\.sql: name it like '11_steps\.sql'/);
});

Deno.test("names of both kinds, tests and declarations pass", () => {
  const right = ["a/step-writer.ts", "b/index.ts", "c/page.long.test.ts", "d/closest-string.d.ts"];
  assert.deepEqual(wrongFileNames([...right, "supabase/schemas/11_steps.sql"]), []);
});

Deno.test("the files of this repository pass", async () => {
  assert.equal(await checkFileNames(), undefined);
});
