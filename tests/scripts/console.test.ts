/** `npm run console` with values that it cannot use: each is told with its rule, before anything is built or served. */
import assert from "node:assert/strict";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";

const url = ["--url", "https://abcdefghijklmnopqrst.supabase.co"];
const key = ["--key", "sb_publishable_x"];

for (
  const [args, message] of [
    [["--url", "foo", ...key], /'--url <url>' argument 'foo' is invalid\. It must be the project/],
    [["--url", "ftp://a.b", ...key], /'--url <url>' argument 'ftp:\/\/a\.b' is invalid/],
    [[...url, ...key, "--port", "http"], /'--port <port>' argument 'http' is invalid/],
    [[...url, ...key, "--port", "70000"], /It must be a port, such as 54325/],
    [[...url, ...key, "--function-name", "../x"], /Start with a letter/],
    [[...url, "--key", "sb_secret_hush"], /it must be the publishable key/],
    [key, /required option '--url <url>' not specified/],
  ] as const
) {
  Deno.test(`npm run console -- ${args.join(" ")}`, async () => {
    const { code, stdout, stderr } = await new Deno.Command(findDeno(), {
      args: ["run", "-A", "scripts/console.ts", ...args],
      cwd: projectRoot,
      stdin: "null",
      env: { NO_COLOR: "1" },
    }).output();
    const said = new TextDecoder().decode(stderr);
    assert.match(said, message);
    assert.doesNotMatch(said, /hush/);
    assert.deepEqual([code, new TextDecoder().decode(stdout)], [2, ""]);
  });
}
