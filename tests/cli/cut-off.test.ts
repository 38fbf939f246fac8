/** An init that was cut off half-way. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { stageChanges } from "../../packages/cli/src/init/apply.ts";
import { makePlan } from "../../packages/cli/src/init/plan.ts";
import { defaultStarter } from "../../packages/cli/src/init/starters.ts";
import { readRelease } from "../../packages/cli/src/project/release.ts";
import { packageForFile } from "./support/package.ts";
import { type SupabaseProject, supabaseProject } from "./support/supabase-project.ts";

const thePackage = packageForFile();
const staging = ".temp/durable-responses-init";

/** Stages the first init of a project, as the CLI does right before it puts files in place. */
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
      `^Finished an earlier init that was cut off: ${
        changes.length - 20
      } files put in place.\nNothing to do`,
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
    /Cannot finish the init that was cut off: supabase\/config\.toml has been changed since\n {2}→ Delete /,
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
