/** Every script of package.json says what it is with --help, and does nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";

const { scripts } = z.object({ scripts: z.record(z.string(), z.string()) }).parse(
  JSON.parse(await Deno.readTextFile(join(projectRoot, "package.json"))),
);

Deno.test("the scripts have their usual names", () => {
  for (
    const name of [
      "lint",
      "format",
      "typecheck",
      "schema",
      "check",
      "test",
      "build",
      "demo",
      "dev",
      "bench",
      "chaos",
      "release",
    ]
  ) assert.ok(name in scripts, name);
});

for (const [name, command] of Object.entries(scripts)) {
  Deno.test(`npm run ${name} -- --help`, async () => {
    const [program, ...args] = command.split(" ");
    assert.equal(program, "deno");
    const { success, stdout, stderr } = await new Deno.Command(findDeno(), {
      args: [...args, "--help"],
      cwd: projectRoot,
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    assert.ok(success, new TextDecoder().decode(stderr));
    assert.match(text, /^(?:Usage: |npm run )/);
    // Its own, not that of a script that does the same.
    const [, named] = /^(?:Usage: )?npm (?:run )?([\w:]+)/.exec(text) ?? [];
    assert.equal(named, name.replace(":long", ""), text);
    // Usage, a sentence and options: a run would say more.
    assert.ok(text.split("\n").length < 30, text);
  });
}
