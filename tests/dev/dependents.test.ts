/** Which functions a changed file concerns. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { dependents } from "../../packages/dev/edge/dependents.ts";

Deno.test("a file concerns the functions that import it, one that may be read concerns all, and one that is gone again none", async () => {
  const functionsDir = await Deno.makeTempDir({ prefix: "dependents-" });
  try {
    const write = async (path: string, text: string) => {
      await Deno.mkdir(join(functionsDir, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(functionsDir, path), text);
    };
    await write("_shared/log.ts", "export const log = console.log;");
    await write("_shared/words.json", "[]");
    await write("hello/index.ts", 'import { log } from "../_shared/log.ts"; log("hello");');
    await write("other/index.ts", 'import "./missing.ts";');
    const users = (...paths: string[]) =>
      dependents(["hello", "other"], paths.map((path) => join(functionsDir, path)), {
        functionsDir,
        replace: {},
        remote: undefined,
      });
    assert.deepEqual(await users("_shared/log.ts"), ["hello"]);
    assert.deepEqual(await users("_shared/words.json"), ["hello", "other"]);
    await write("_shared/new.ts", "export {};");
    assert.deepEqual(await users("_shared/new.ts"), []);
    assert.deepEqual(await users("_shared"), []);
    assert.deepEqual(await users("_shared/sedX1Y2"), []);
    assert.deepEqual(await users("_shared/log.ts", "_shared/4913"), ["hello"]);
    assert.deepEqual(await users("other/missing.ts"), ["other"]);
    await Deno.remove(join(functionsDir, "_shared/log.ts"));
    assert.deepEqual(await users("_shared/log.ts"), ["hello"]);
  } finally {
    await Deno.remove(functionsDir, { recursive: true });
  }
});
