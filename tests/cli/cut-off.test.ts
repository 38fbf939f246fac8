/** An init that was interrupted. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { stageChanges } from "../../packages/cli/src/init/apply.ts";
import { makePlan } from "../../packages/cli/src/init/plan.ts";
import { defaultStarter } from "../../packages/cli/src/init/starters.ts";
import { readRelease } from "../../packages/cli/src/project/release.ts";
import { sharedPackage } from "./support/package.ts";
import { type SupabaseProject, supabaseProject } from "./support/supabase-project.ts";

const thePackage = sharedPackage();
const staging = ".temp/durable-responses-init";

/** Stages a project's first init, as the CLI does right before it puts files in place. */
async function stage(project: SupabaseProject) {
  const supabase = join(project.folder, "supabase");
  const release = await readRelease(join(thePackage().folder, "template"));
  const wishes = {
    starter: defaultStarter,
    secrets: {},
    keepChanged: false,
    restore: [],
    functionName: undefined,
    imports: undefined,
  };
  const { changes } = await makePlan(supabase, release, wishes);
  await stageChanges(supabase, changes);
  return changes;
}

Deno.test("what was staged is put in place by the next init, whatever had arrived already", async () => {
  await using project = await supabaseProject();
  const changes = await stage(project);
  for (const [index, { path }] of changes.slice(0, 20).entries()) {
    await project.write(path, await project.read(`${staging}/${index}`));
    if (index % 2 === 0) {
      await Deno.remove(join(project.folder, "supabase", staging, String(index)));
    }
  }
  const { code, stdout, stderr } = await thePackage().run(["init", "--yes"], {
    cwd: project.folder,
  });
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    new RegExp(
      `^Finished an earlier init that was interrupted: ${
        changes.length - 20
      } files written.\nNothing to do`,
    ),
  );
  for (const { path, after } of changes) assert.equal(await project.read(path), after);
  assert.equal(await project.exists(staging), false);
});

Deno.test("what was staged only in part is thrown away, and init starts anew", async () => {
  await using project = await supabaseProject();
  await stage(project);
  await Deno.remove(join(project.folder, "supabase", staging, "journal.json"));
  const { code, stdout } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
  assert.equal(code, 0);
  assert.match(stdout, /^Release [\d.]+ goes into this project:/);
  assert.equal(await project.exists(staging), false);
});

Deno.test("a file that somebody changed in between is not overwritten: init says so", async () => {
  await using project = await supabaseProject();
  await stage(project);
  await project.write("config.toml", `${await project.read("config.toml")}\n# mine\n`);
  const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /Cannot finish the interrupted init: supabase\/config\.toml was changed since\n {2}→ Delete /,
  );
  assert.match(await project.read("config.toml"), /# mine/);
});

Deno.test("a dry run neither finishes nor forgets it", async () => {
  await using project = await supabaseProject();
  await stage(project);
  await thePackage().run(["init", "--dry-run"], { cwd: project.folder });
  assert.ok(await project.exists(`${staging}/journal.json`));
  assert.equal(await project.exists("durable-responses.json"), false);
});

/** A project that an attacker has prepared: with a journal, and a staged file that it would put somewhere. */
async function prepare(project: SupabaseProject, path: string, more: Record<string, unknown> = {}) {
  await project.write(`${staging}/0`, "not yours");
  const step = { path, before: null, after: "0".repeat(64), staged: "0", ...more };
  await project.write(`${staging}/journal.json`, JSON.stringify([step]));
}

const outside: [string, string, Record<string, unknown>?][] = [
  ["upwards", "../../elsewhere/file"],
  ["upwards from within", "functions/../../../elsewhere/file"],
  ["an absolute path", "/tmp/durable-responses-elsewhere/file"],
  ["a staged file of its own choice", "functions/file", { staged: "../../../elsewhere/file" }],
];
for (const [name, path, more] of outside) {
  Deno.test(`a journal that came with the project writes nothing outside of it: ${name}`, async () => {
    await using project = await supabaseProject();
    await prepare(project, path, more);
    const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 1);
    assert.match(stderr, /its journal is not what init wrote\n {2}→ Delete /);
    assert.equal(await project.read(`${staging}/0`), "not yours");
  });
}

Deno.test("nor through a link that came with it", async () => {
  await using project = await supabaseProject();
  const home = await Deno.makeTempDir();
  try {
    await project.write("functions/here", "");
    await Deno.symlink(home, join(project.folder, "supabase", "functions", "link"));
    await prepare(project, "functions/link/.ssh/authorized_keys");
    const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 1);
    assert.match(stderr, /functions\/link\/\.ssh\/authorized_keys leads out of the project/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(home)), []);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
