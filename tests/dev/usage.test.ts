/** A command line of `dev` that is wrong: it says why, and nothing is started. */
import assert from "node:assert/strict";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

const wrong: [args: string[], said: RegExp][] = [
  [
    ["--ports", "abc"],
    /'--ports <api,db>' argument 'abc' is invalid. It must be two different ports/,
  ],
  [["--ports", "54321,54321"], /argument '54321,54321' is invalid. It must be two different ports/],
  [["--wall-clock", "0"], /'--wall-clock <seconds>' argument '0' is invalid/],
  [["--openai-port", "x"], /'--openai-port <port>' argument 'x' is invalid/],
  [["--port", "1"], /unknown option '--port'/],
];

for (const [args, said] of wrong) {
  Deno.test(`${args.join(" ")} is wrong usage: exit code 2`, async () => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "packages/dev/dev.ts", ...args],
      cwd: projectRoot,
      env: { NO_COLOR: "1" },
    }).output();
    assert.equal(code, 2);
    const text = new TextDecoder().decode(stderr);
    assert.match(text, said);
    assert.match(text, /^Run with --help for usage$/m);
  });
}
