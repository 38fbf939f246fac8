/** Mistakes of a person, or in a project: one sentence, an exit code, and nothing half written. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { sharedPackage } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

const thePackage = sharedPackage();
const nobody = 65534;

Deno.test("outside of a Supabase project init says where it looked", async () => {
  const cwd = await Deno.makeTempDir();
  const { code, stdout, stderr } = await thePackage().run(["init", "--yes"], { cwd });
  await Deno.remove(cwd, { recursive: true });
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.equal(
    stderr,
    `Error: Cannot find a Supabase project: neither '${cwd}' nor a folder above it has supabase/config.toml\n` +
      "  → Go to your project's folder, or create one: npx supabase init\n",
  );
});

Deno.test("init finds the project from a folder inside it", async () => {
  await using project = await supabaseProject();
  await project.write("functions/mine/index.ts", "");
  const { code } = await thePackage().run(["init", "--dry-run"], {
    cwd: join(project.folder, "supabase/functions/mine"),
  });
  assert.equal(code, 0);
});

Deno.test({
  name: "a folder that may not be written in is named, and nothing is written",
  // Only root can create files of another user.
  ignore: Deno.uid() !== 0,
  async fn() {
    await using project = await supabaseProject();
    await new Deno.Command("chmod", { args: ["-R", "a+rX", project.folder, thePackage().root] })
      .output();
    const before = await project.all();
    const { code, stderr } = await thePackage().run(["init", "--yes"], {
      cwd: project.folder,
      uid: nobody,
    });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^Error: Cannot write in '.*supabase.*': EACCES; nothing was changed\n {2}→ /,
    );
    assert.deepEqual(await project.all(), before);
  },
});

Deno.test("a file where a folder must be is named, and nothing is written", async () => {
  await using project = await supabaseProject();
  await project.write("migrations", "not a folder");
  const before = await project.all();
  const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /Cannot write in '.*\/supabase\/migrations': it is not a folder; nothing was changed/,
  );
  assert.deepEqual(await project.all(), before);
});

for (
  const [what, path, text, message] of [
    [
      "a config.toml that is no TOML",
      "config.toml",
      "project_id = \n",
      /Cannot read supabase\/config\.toml: Invalid TOML .* \(line 1, column \d+\)\n {2}→ Fix that place/,
    ],
    [
      "functions' settings in another layout",
      "config.toml",
      "functions = { respond = { verify_jwt = true } }\n",
      /Cannot add the functions' sections to supabase\/config\.toml: they have a different layout there\n {2}→ Give each of/,
    ],
    [
      "an import map that is no JSON",
      "functions/import_map.json",
      "{ imports",
      /Cannot read supabase\/functions\/import_map\.json: it must be JSON/,
    ],
    [
      "a manifest that is not init's",
      "durable-responses.json",
      `{"release":"1","files":{"../../etc/passwd":"x"},"imports":{}}`,
      /Cannot read supabase\/durable-responses\.json: it is not what init wrote/,
    ],
  ] as const
) {
  Deno.test(`${what} is refused, and nothing is written`, async () => {
    await using project = await supabaseProject();
    await project.write(path, text);
    const before = await project.all();
    const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 1, stderr);
    assert.match(stderr, message);
    assert.deepEqual(await project.all(), before);
  });
}

Deno.test("check names the place of a config.toml that is no TOML, although it needs nothing of it", async () => {
  await using project = await supabaseProject();
  await project.write("config.toml", 'project_id = "x"\n[api\n');
  const { code, stdout, stderr } = await thePackage().run(["check"], { cwd: project.folder });
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /^Error: Cannot read supabase\/config\.toml: Invalid TOML .* \(line 2, column \d+\)\n {2}→ Fix that place/,
  );
});

Deno.test("commands that talk to a project say which thing they miss, and do not try", async () => {
  await using project = await supabaseProject();
  const run = (args: string[], env: Record<string, string> = {}) =>
    thePackage().run(args, { cwd: project.folder, env });
  const url = ["--url", "https://abcdefghijklmnopqrst.supabase.co"];
  const cases: [string[], Record<string, string>, RegExp][] = [
    [["doctor"], {}, /Cannot tell which project/],
    [["doctor", "--url", "nonsense"], {}, /Cannot use 'nonsense' as the project's URL/],
    [["jobs", "list", ...url], {}, /SUPABASE_SECRET_KEY is not set/],
    [
      ["jobs", "list", ...url],
      { SUPABASE_SECRET_KEY: "sb_publishable_x" },
      /it is a publishable key/,
    ],
    [["jobs", "show", "7", ...url], { SUPABASE_SECRET_KEY: "sb_secret_x" }, /a job's id is a UUID/],
    [["jobs", "list", "--limit", "0"], {}, /whole number from 1 to 1000/],
    [["jobs", "list", "--status", "done"], {}, /it must be one of background, queued/],
    [
      ["connect", ...url],
      { SUPABASE_SECRET_KEY: "sb_secret_x" },
      /DURABLE_RESPONSES_WORKER_SECRET is not set here/,
    ],
    [
      ["connect", ...url, "--project-url", "nonsense"],
      {},
      /argument 'nonsense' is invalid\. It must look like https:/,
    ],
    [["frobnicate"], {}, /unknown command 'frobnicate'/],
    [["dev", "--openai-port", "1"], {}, /option '--openai-port' needs --openai-only/],
    [
      ["dev", "--openai-only", "--fresh"],
      {},
      /'--openai-only' cannot be used with option '--fresh'/,
    ],
    [
      ["dev", "--openai-only", "--ports", "1,2"],
      {},
      /cannot be used with option '--ports <api,db>'/,
    ],
    [["doctor", "--smoke", "--smoke-wait", "0"], {}, /a number of seconds above 0, up to 3600/],
    [["doctor", "--smoke-wait", "5"], {}, /option '--smoke-wait' needs --smoke/],
    [["doctor", "--smoke-profile", "x"], {}, /option '--smoke-profile' needs --smoke/],
    [["jobs", "list", "--owner", "bob"], {}, /It must be a user's id, which is a UUID/],
    [["doctor", "--secrets-file", "/nowhere"], {}, /Cannot read '\/nowhere': ENOENT/],
  ];
  for (const [args, env, message] of cases) {
    const { code, stderr } = await run(args, env);
    assert.match(stderr, message);
    assert.equal(code, 2, args.join(" "));
  }
});

Deno.test("a project that cannot be reached is one sentence", async () => {
  await using project = await supabaseProject();
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const env = { SUPABASE_SECRET_KEY: "sb_secret_x" };
  const args = ["jobs", "list", "--url", `http://127.0.0.1:${port}`];
  const { code, stderr } = await thePackage().run(args, { cwd: project.folder, env });
  assert.equal(code, 1);
  assert.match(
    stderr,
    new RegExp(
      `^Error: Cannot reach http://127.0.0.1:${port}: nothing listens there\n  → Start the local stack`,
    ),
  );
});

Deno.test("a command that does not exist is said, and which is meant, also where its help is asked for", async () => {
  const cases: [string[], string][] = [
    [["jbos"], "jbos"],
    [["jbos", "--help"], "jbos"],
    [["help", "jbos"], "jbos"],
    [["jobs", "lsit", "--help"], "lsit"],
  ];
  for (const [args, word] of cases) {
    const { code, stdout, stderr } = await thePackage().run(args, { cwd: "/" });
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    const meant = word === "jbos" ? "jobs" : "list";
    assert.equal(
      stderr,
      `Error: unknown command '${word}'\n(Did you mean ${meant}?)\nRun with --help for usage\n`,
    );
  }
  for (const args of [["jobs", "--help"], ["help", "jobs"], ["jobs", "list", "--help"]]) {
    const { code, stdout } = await thePackage().run(args, { cwd: "/" });
    assert.equal(code, 0, args.join(" "));
    assert.match(stdout, /^Usage: durable-responses jobs/);
  }
});

Deno.test("help is on stdout with exit code 0, and a pipe, NO_COLOR and FORCE_COLOR are respected", async () => {
  const cwd = Deno.cwd();
  const help = await thePackage().run(["--help"], { cwd });
  assert.equal(help.code, 0);
  for (const command of ["init", "connect", "doctor", "jobs", "routes", "worker"]) {
    assert.match(help.stdout, new RegExp(`^  ${command} `, "m"));
  }
  const about = (env: Record<string, string>) =>
    thePackage().run(["init", "--yes"], { cwd: "/", env });
  const escape = "\u001b[";
  assert.ok(!(await about({})).stderr.includes(escape));
  assert.ok(!(await about({ NO_COLOR: "1", FORCE_COLOR: "1" })).stderr.includes(escape));
  assert.ok((await about({ FORCE_COLOR: "1" })).stderr.includes(escape));
});
