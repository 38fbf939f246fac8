import assert from "node:assert/strict";
import { keywordsInCapitals, sqlFiles } from "../../scripts/check/sql.ts";

Deno.test("schemas define; every migration after the first changes what is in use", () => {
  assert.deepEqual(sqlFiles(["s1", "s2"], ["m1", "m2", "m3"]), {
    definitions: ["s1", "s2"],
    changes: ["m2", "m3"],
  });
  assert.deepEqual(sqlFiles([], ["m1", "m2"]), { definitions: ["m1", "m2"], changes: [] });
});

Deno.test("a keyword in capitals is found with its line, but not in a comment or a text", () => {
  const sql = "-- SELECT is said here\nselect 'FROM, it''s \nNOT code' as it\nFROM public.jobs;\n";
  assert.deepEqual(keywordsInCapitals("11_steps.sql", sql), [
    "11_steps.sql:4: write 'FROM' in lowercase",
  ]);
});
