/** `init` in a project that has never seen it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { sharedPackage } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

const thePackage = sharedPackage();

Deno.test("init puts functions, migrations, settings and secrets into a project, and says what comes next", async () => {
  await using project = await supabaseProject();
  const before = await project.read("config.toml");
  const { code, stdout, stderr } = await thePackage().run(["init", "--yes"], {
    cwd: project.folder,
  });
  assert.equal(code, 0, stderr);
  const inThisOrder = [
    "durable-responses dev",
    "db push",
    "/openai-webhook\n",
    "secrets set",
    "functions deploy",
    "durable-responses connect",
    "durable-responses doctor",
  ].map((command) => stdout.indexOf(command, stdout.indexOf("Next:")));
  assert.ok(!inThisOrder.includes(-1), stdout);
  assert.deepEqual(inThisOrder, inThisOrder.toSorted((one, other) => one - other), stdout);
  for (const name of ["respond", "openai-webhook", "run-jobs"]) {
    assert.ok(await project.exists(`functions/${name}/index.ts`), name);
  }
  assert.match(await project.read("functions/_shared/profiles.ts"), /model: "gpt-6.1-terra"/);
  // Its own lines, comments and all, are still there, in the same order.
  assert.ok((await project.read("config.toml")).startsWith(before.trimEnd()));
});

Deno.test("init again has nothing to do, and changes nothing", async () => {
  await using project = await supabaseProject();
  await thePackage().run(["init", "--yes"], { cwd: project.folder });
  const before = await project.all();
  const { code, stdout } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
  assert.equal(code, 0);
  assert.match(stdout, /^Nothing to do: release [\d.]+ is in place\.\n$/);
  assert.deepEqual(await project.all(), before);
});

Deno.test("init with nobody to ask changes nothing without --yes, and --dry-run only shows", async () => {
  await using project = await supabaseProject();
  const before = await project.all();
  const asked = await thePackage().run(["init"], { cwd: project.folder });
  assert.equal(asked.code, 2);
  assert.match(
    asked.stderr,
    /^Error: Cannot ask for confirmation: there is no terminal; nothing was changed\n {2}→ Add --yes/,
  );
  const dry = await thePackage().run(["init", "--dry-run"], { cwd: project.folder });
  assert.equal(dry.code, 0);
  assert.match(
    dry.stdout,
    /\+ supabase\/migrations\/\d+_durable_responses\.sql\n[^]*~ supabase\/config.toml[^]*\+\[functions\.respond\]/,
  );
  assert.match(
    dry.stdout,
    /^ {2}\+ supabase\/functions\/_shared\/profiles\.gen\.ts {2}\(.* written by check\)$/m,
  );
  assert.deepEqual(await project.all(), before);
});

Deno.test("the secrets file is its owner's alone, ignored by git, never shown, and its worker secret random", async () => {
  await using project = await supabaseProject();
  await project.write(".gitignore", "# mine\n.branches");
  const env = { OPENAI_API_KEY: "sk-secret-of-the-test" };
  const { stdout } = await thePackage().run(["init", "--yes"], { cwd: project.folder, env });
  const file = join(project.folder, "supabase", ".env.durable-responses.local");
  assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  const text = await Deno.readTextFile(file);
  assert.match(text, /^OPENAI_API_KEY=sk-secret-of-the-test$/m);
  assert.match(text, /^DURABLE_RESPONSES_WORKER_SECRET=[\w-]{43}$/m);
  assert.equal(await project.read(".gitignore"), "# mine\n.branches\n.env.*.local\n");
  assert.doesNotMatch(stdout, /sk-secret|WORKER_SECRET=/);
});

Deno.test("each first profile is TypeScript that fits the functions", async () => {
  await using all = await supabaseProject();
  const kinds = ["question", "mcp", "structured"];
  for (const kind of kinds) {
    await using project = await supabaseProject();
    const args = [
      "init",
      "--yes",
      "--profile",
      kind,
      "--model",
      "gpt-6.1-sol",
      ...(kind === "mcp" ? ["--server", "zap-mail"] : []),
    ];
    const { code, stderr } = await thePackage().run(args, { cwd: project.folder });
    assert.equal(code, 0, stderr);
    const profiles = await project.read("functions/_shared/profiles.ts");
    await all.write(`functions/_shared/${kind}.ts`, profiles);
    const env = await project.read(".env.durable-responses.local");
    assert.equal(/^ZAP_MAIL_MCP_URL=$/m.test(env), kind === "mcp");
  }
  // In one project, because the functions are the same, and checking them takes long.
  assert.equal((await thePackage().run(["init", "--yes"], { cwd: all.folder })).code, 0);
  const files = kinds.map((kind) => join(all.folder, `supabase/functions/_shared/${kind}.ts`));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--node-modules-dir=manual", ...files],
    env: { NO_COLOR: "1" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
});

Deno.test("a file of the same name that the project had before is shown with a diff and never overwritten", async () => {
  await using project = await supabaseProject();
  await project.write(
    "functions/_durable_responses/platform/errors.ts",
    "export const mine = 1;\n",
  );
  const before = await project.all();
  const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /! supabase\/functions\/_durable_responses\/platform\/errors\.ts {2}\(a file with this name exists that init did not create\)/,
  );
  assert.match(stderr, /-export const mine = 1;/);
  assert.match(stderr, /1 file is in the way, nothing was changed/);
  assert.match(
    stderr,
    /→ Rename or move supabase\/functions\/_durable_responses\/platform\/errors\.ts\. If it is an old copy of ours, --restore FILE replaces it$/m,
  );
  assert.deepEqual(await project.all(), before);
});
