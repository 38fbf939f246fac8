import assert from "node:assert/strict";
import { sqlFiles } from "../../scripts/check/sql.ts";

Deno.test("schemas define; every migration after the first changes what is in use", () => {
  assert.deepEqual(sqlFiles(["s1", "s2"], ["m1", "m2", "m3"]), {
    definitions: ["s1", "s2"],
    changes: ["m2", "m3"],
  });
  assert.deepEqual(sqlFiles([], ["m1", "m2"]), { definitions: ["m1", "m2"], changes: [] });
});
