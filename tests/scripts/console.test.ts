/** `npm run console` with values that it cannot use: each is told with its rule, before anything is built or served. */
import assert from "node:assert/strict";
import { findDeno, projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { startProcess } from "../../packages/dev/processes.ts";
import { eventually } from "../support/eventually.ts";

const url = ["--url", "https://abcdefghijklmnopqrst.supabase.co"];
const key = ["--key", "sb_publishable_x"];

/** A legacy key is a JWT. */
const part = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
const serviceRole = [part({ alg: "HS256" }), part({ role: "service_role" }), "hush"].join(".");

for (
  const [args, message] of [
    [["--url", "foo", ...key], /'--url <url>' argument 'foo' is invalid\. It must be the project/],
    [["--url", "ftp://a.b", ...key], /'--url <url>' argument 'ftp:\/\/a\.b' is invalid/],
    [[...url, ...key, "--port", "http"], /'--port <port>' argument 'http' is invalid/],
    [[...url, ...key, "--port", "70000"], /It must be a port, a number from 1 to 65535\./],
    [[...url, ...key, "--function-name", "../x"], /Start with a letter/],
    [[...url, "--key", "sb_secret_hush"], /it must be the publishable key/],
    [[...url, "--key", "hush"], /'--key <key>' is not an API key: it must be the publishable key/],
    [[...url, "--key", serviceRole], /'--key <key>' is a key of the role service_role/],
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

Deno.test("npm run console on a port that is taken says where it is, and for which project", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  let output = "";
  const process = startProcess({
    name: "console",
    command: findDeno(),
    args: ["run", "-A", "scripts/console.ts", ...url, ...key, "--port", String(port)],
    cwd: projectRoot,
    env: Deno.env.toObject(),
    onLine: (line) => output += `${line}\n`,
  });
  try {
    await eventually("the console is there", () => /^Console: /m.test(output));
    const other = /^Console: http:\/\/127\.0\.0\.1:(\d+)\/ for https:\/\/abc/m.exec(output)?.[1];
    assert.ok(
      output.startsWith(`Port ${port} is in use; the console is on ${other} instead\n`),
      output,
    );
  } finally {
    await process.stop();
  }
});
