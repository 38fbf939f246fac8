/** `npm run dev` with a value that only turns out to be wrong when it is used: wrong usage all the same. */
import assert from "node:assert/strict";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";

for (const [listen, what] of [["203.0.113.1", "another machine's"], ["no-host.invalid", "none"]]) {
  Deno.test(`--listen with an address that is ${what}`, async () => {
    const { code, stdout, stderr } = await new Deno.Command(findDeno(), {
      args: ["run", "-A", "scripts/dev.ts", "--openai-only", "--listen", String(listen)],
      cwd: projectRoot,
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    assert.equal(
      new TextDecoder().decode(stderr),
      `Error: Cannot listen on ${listen}: --listen must be an address of this machine, such as 127.0.0.1\n`,
    );
    assert.deepEqual([code, new TextDecoder().decode(stdout)], [2, ""]);
  });
}
