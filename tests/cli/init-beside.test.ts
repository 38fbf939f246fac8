/** `init` in a project with its own files: none of them is in the way, and none is changed. */
import assert from "node:assert/strict";
import { findDeno } from "../../packages/dev/postgres/binaries.ts";
import { sharedPackage } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

const thePackage = sharedPackage();
const mapFile = "functions/import_map.json";
const changedFile = "functions/_durable_responses/platform/redact.ts";

async function init(folder: string, ...args: string[]) {
  return await thePackage().run(["init", "--yes", ...args], { cwd: folder });
}

Deno.test("the project's packages keep their versions: ours stand under the product's scope", async () => {
  await using project = await supabaseProject();
  const mine = {
    openai: "npm:openai@4.104.0",
    zod: "npm:zod@3.25.0",
    lodash: "npm:lodash@4.17.21",
  };
  const scopes = { "./mine/": { zod: "npm:zod@4.0.0" } };
  await project.write(mapFile, JSON.stringify({ imports: mine, scopes }));
  const { code, stderr } = await init(project.folder);
  assert.equal(code, 0, stderr);
  const map = JSON.parse(await project.read(mapFile));
  assert.deepEqual(map.imports, mine);
  assert.deepEqual(map.scopes["./mine/"], scopes["./mine/"]);
  const ours = map.scopes["./_durable_responses/"];
  assert.match(ours.openai, /^https:\/\/esm\.sh\/openai@7/);
  assert.match(ours.zod, /^https:\/\/esm\.sh\/zod@4/);
});

Deno.test("a project with another zod: its profiles, and they alone, get one that works", async () => {
  await using project = await supabaseProject();
  const scope = async () => JSON.parse(await project.read(mapFile)).scopes["./_shared/profiles.ts"];
  for (const zod of ["npm:zod@3.23.8", "https://esm.sh/zod@3.25.0", "npm:zod@4.1.0"]) {
    await project.write(mapFile, JSON.stringify({ imports: { zod } }));
    await init(project.folder, "--profile", "structured");
    assert.match((await scope()).zod, /^https:\/\/esm\.sh\/zod@4/);
    assert.ok((await scope())["zod/"]);
    assert.equal(JSON.parse(await project.read(mapFile)).imports.zod, zod);
    assert.match((await init(project.folder)).stdout, /^Nothing to do/);
  }
  const { code, stdout } = await thePackage().run(["check", "--deno", findDeno()], {
    cwd: project.folder,
    env: { DENO_TLS_CA_STORE: "mozilla,system" },
  });
  assert.equal(code, 0, stdout);
  const imports = { "zod": "npm:zod@4.1.0", "zod/": "npm:/zod@4.1.0/" };
  await project.write(
    mapFile,
    JSON.stringify({ ...JSON.parse(await project.read(mapFile)), imports }),
  );
  await init(project.folder);
  assert.equal(await scope(), undefined);
});

Deno.test("where the project has no zod, profiles get the product's", async () => {
  await using project = await supabaseProject();
  await init(project.folder);
  const { imports, scopes } = JSON.parse(await project.read(mapFile));
  assert.deepEqual(Object.keys(imports), ["zod", "zod/"]);
  assert.equal(imports.zod, scopes["./_durable_responses/"].zod);
});

Deno.test("--imports npm writes the same versions as npm specifiers, and a later init keeps to it", async () => {
  await using esm = await supabaseProject();
  await using npm = await supabaseProject();
  await init(esm.folder);
  await init(npm.folder, "--imports", "npm");
  const map = async ({ read }: typeof esm) =>
    JSON.parse(await read(mapFile)).scopes["./_durable_responses/"];
  const [fromEsm, fromNpm] = [await map(esm), await map(npm)];
  assert.deepEqual(Object.keys(fromNpm), Object.keys(fromEsm));
  for (const [name, specifier] of Object.entries<string>(fromNpm)) {
    const version = /@([\d.]+)/.exec(fromEsm[name].replace("/@", "/"))?.[1];
    const expected = name.endsWith("/")
      ? `npm:/${name.slice(0, -1)}@${version}/`
      : `npm:${name}@${version}`;
    assert.equal(specifier, expected);
  }
  assert.match((await init(npm.folder)).stdout, /^Nothing to do/);
});

Deno.test("a log.ts of the project's own stays beside the product's", async () => {
  await using project = await supabaseProject();
  await project.write("functions/_shared/log.ts", "export const mine = 1;\n");
  assert.equal((await init(project.folder)).code, 0);
  assert.equal(await project.read("functions/_shared/log.ts"), "export const mine = 1;\n");
});

Deno.test("schema_paths get our migration in front, so that a diff does not drop our tables", async () => {
  await using project = await supabaseProject();
  const before = await project.read("config.toml");
  const withPaths = before.replace(
    /^schema_paths = .*$/m,
    `schema_paths = [ # mine\n  "./schemas/tables.sql",\n  "./schemas/*.sql",\n]`,
  );
  assert.notEqual(withPaths, before);
  await project.write("config.toml", withPaths);
  const { code, stderr } = await init(project.folder);
  assert.equal(code, 0, stderr);
  const config = await project.read("config.toml");
  assert.match(
    config,
    /^schema_paths = \["\.\/migrations\/\d+_durable_responses\.sql", {2}# mine\n {2}"\.\/schemas\/tables\.sql",/m,
  );
  await project.write(
    "config.toml",
    before.replace(
      /^schema_paths = .*$/m,
      `schema_paths = [\n    "./schemas/tables.sql",\n    "./schemas/*.sql"\n]`,
    ),
  );
  assert.equal((await init(project.folder)).code, 0);
  assert.match(
    await project.read("config.toml"),
    /^schema_paths = \[\n {4}"\.\/migrations\/\d+_durable_responses\.sql",\n {4}"\.\/schemas\/tables\.sql",\n/m,
  );
  assert.match((await init(project.folder)).stdout, /^Nothing to do/);
});

Deno.test("no schema_paths are made where there are none", async () => {
  await using project = await supabaseProject();
  const line = /^schema_paths = .*$/m.exec(await project.read("config.toml"))?.[0];
  await init(project.folder);
  assert.ok((await project.read("config.toml")).includes(line ?? "schema_paths = []"));
});

Deno.test("--function-name gives respond another name, which it keeps", async () => {
  await using project = await supabaseProject();
  await project.write("functions/respond/index.ts", "// mine\n");
  const { code, stdout, stderr } = await init(project.folder, "--function-name", "ask");
  assert.equal(code, 0, stderr);
  assert.match(await project.read("functions/ask/index.ts"), /Deno\.serve\(respond\(/);
  assert.equal(await project.read("functions/respond/index.ts"), "// mine\n");
  assert.match(await project.read("config.toml"), /^\[functions\.ask\]\nverify_jwt = false$/m);
  assert.match(stdout, /functions deploy --remote --use-api ask openai-webhook run-jobs/);
  assert.match((await init(project.folder)).stdout, /^Nothing to do/);
  const renamed = await init(project.folder, "--function-name", "query");
  assert.equal(renamed.code, 2);
  assert.match(renamed.stderr, /it is called 'ask' in this project/);
  assert.equal((await init(project.folder, "--function-name", "run-jobs")).code, 2);
});

Deno.test("what you changed is left, and said; --restore takes the release's version back", async () => {
  await using project = await supabaseProject();
  await init(project.folder);
  const released = await project.read(changedFile);
  await project.write(changedFile, "// my own\n");
  const again = await init(project.folder);
  assert.match(
    again.stdout,
    /^Nothing to do.*\nKept your changes in:\n {2}supabase\/functions\/_durable_responses\/platform\/redact\.ts {2}\(changed by you/,
  );
  assert.equal(await project.read(changedFile), "// my own\n");
  const restored = await init(project.folder, "--restore", `supabase/${changedFile}`);
  assert.equal(restored.code, 0, restored.stderr);
  assert.equal(await project.read(changedFile), released);
  const copy = `${changedFile}.yours`;
  assert.match(
    restored.stdout,
    /^Your version of supabase\/\S+redact\.ts is in supabase\/\S+redact\.ts\.yours$/m,
  );
  assert.equal(await project.read(copy), "// my own\n");
  await project.write(changedFile, "// my second\n");
  await init(project.folder, "--restore", `supabase/${changedFile}`);
  assert.deepEqual([await project.read(copy), await project.read(`${copy}-2`)], [
    "// my own\n",
    "// my second\n",
  ]);
  const untouched = await init(project.folder, "--restore", `supabase/${changedFile}`);
  assert.match(untouched.stdout, /^Nothing to do/);
  const unknown = await init(project.folder, "--restore", "functions/_shared/profiles.ts");
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /It is your own file/);
});

Deno.test("--profile for a project that has profiles is not ignored silently", async () => {
  await using project = await supabaseProject();
  await init(project.folder);
  const { stderr } = await init(project.folder, "--profile", "mcp", "--server", "mail");
  assert.match(stderr, /--profile, --server: not used, because .*profiles\.ts already exists/);
});

Deno.test("a function of the project's own called respond is kept: ours gets another name", async () => {
  await using project = await supabaseProject();
  const own = "Deno.serve(() => new Response('mine'));\n";
  const entry = "functions/respond/index.ts";
  await project.write(entry, own);
  const { code, stderr } = await init(project.folder);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /→ You have a function called 'respond': give ours another name, such as --function-name ask$/m,
  );
  assert.doesNotMatch(stderr, /--restore|--keep-changed/);
  const renamed = await init(project.folder, "--function-name", "ask");
  assert.equal(renamed.code, 0, renamed.stderr);
  assert.equal(await project.read(entry), own);
  assert.ok(await project.exists("functions/ask/index.ts"));
});

for (const kind of [[], ["--profile", "question"], ["--profile", "structured"]]) {
  Deno.test(`--server is refused for a first profile that has none: ${kind.join(" ") || "the default"}`, async () => {
    await using project = await supabaseProject();
    const before = await project.all();
    const { code, stderr } = await init(project.folder, ...kind, "--server", "mail");
    assert.equal(code, 2);
    assert.match(stderr, /Cannot use --server mail: .*\n.*→ Add --profile mcp, or leave/);
    assert.deepEqual(await project.all(), before);
  });
}
