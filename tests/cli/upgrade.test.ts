/** `init` in a project that has an earlier release. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { otherRelease, type Package, sharedPackage } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

const thePackage = sharedPackage();
const changedFile = "functions/_durable_responses/platform/redact.ts";
const goneFile = "functions/_durable_responses/gone.ts";
const firstMigration = "migrations/20261126000000_durable_responses.sql";
const laterMigration = "migrations/20990101000000_durable_responses_later.sql";

/** The previous release: one file less, one more, one different, and another version of a package. */
function earlier(): Promise<Package & AsyncDisposable> {
  return otherRelease(thePackage(), "0.0.9", async (supabase) => {
    await Deno.writeTextFile(join(supabase, changedFile), "// as it was in 0.0.9\n");
    await Deno.writeTextFile(join(supabase, goneFile), "// dropped later\n");
    await Deno.remove(join(supabase, "functions/_durable_responses/platform/log.ts"));
    const map = join(supabase, "functions/import_map.json");
    await Deno.writeTextFile(
      map,
      (await Deno.readTextFile(map)).replace(/openai@[\d.]+/, "openai@7.0.0"),
    );
  });
}

async function withEarlier(
  run: (project: Awaited<ReturnType<typeof supabaseProject>>) => Promise<void>,
) {
  await using project = await supabaseProject();
  await using old = await earlier();
  const first = await old.run(["init", "--yes"], { cwd: project.folder });
  assert.equal(first.code, 0, first.stderr);
  await run(project);
}

Deno.test("an upgrade adds, changes and removes what the release does, with a diff", () =>
  withEarlier(async (project) => {
    const { code, stdout } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 0);
    assert.match(stdout, /^From release 0\.0\.9 to [\d.]+:/);
    assert.match(
      stdout,
      /~ supabase\/functions\/_durable_responses\/platform\/redact\.ts\n +@@[^]*-\/\/ as it was in 0\.0\.9/,
    );
    assert.match(stdout, /- supabase\/functions\/_durable_responses\/gone\.ts/);
    assert.equal(await project.exists(goneFile), false);
    assert.ok(await project.exists("functions/_durable_responses/platform/log.ts"));
    assert.doesNotMatch(await project.read("functions/import_map.json"), /openai@7\.0\.0"/);
    assert.doesNotMatch(stdout, /secrets set/);
  }));

Deno.test("one migration is put in; a later release adds its own, and leaves the first as it was applied", () =>
  withEarlier(async (project) => {
    const migrations = async () =>
      Object.keys(await project.all()).filter((path) => path.startsWith("migrations/"));
    assert.deepEqual(await migrations(), [firstMigration]);
    const first = await project.read(firstMigration);
    await using later = await otherRelease(
      thePackage(),
      "9.0.0",
      (supabase) => Deno.writeTextFile(join(supabase, laterMigration), "select 1;\n"),
    );
    const { code, stderr } = await later.run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 0, stderr);
    assert.deepEqual((await migrations()).sort(), [firstMigration, laterMigration]);
    assert.equal(await project.read(firstMigration), first);
  }));

Deno.test("a release that changes a migration that was released is refused", () =>
  withEarlier(async (project) => {
    await using broken = await otherRelease(
      thePackage(),
      "9.0.0",
      (supabase) => Deno.writeTextFile(join(supabase, firstMigration), "select 1;\n"),
    );
    const { code, stderr } = await broken.run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 1);
    assert.match(stderr, /a released migration must not change/);
  }));

Deno.test("an upgrade leaves profiles.ts, the secrets and changed settings of the project alone", () =>
  withEarlier(async (project) => {
    const mine = {
      "functions/_shared/profiles.ts": "// mine\n",
      ".env.durable-responses.local": await project.read(".env.durable-responses.local"),
    };
    await project.write("functions/_shared/profiles.ts", "// mine\n");
    const { code } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 0);
    for (const [path, text] of Object.entries(mine)) assert.equal(await project.read(path), text);
  }));

Deno.test("an upgrade stops at a file that both have changed, and changes nothing", () =>
  withEarlier(async (project) => {
    await project.write(changedFile, "// my own\n");
    const before = await project.all();
    const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 1);
    assert.match(
      stderr,
      /! supabase\/functions\/_durable_responses\/platform\/redact\.ts {2}\(changed by you, and the release has a newer version\)/,
    );
    assert.match(stderr, /--keep-changed/);
    assert.deepEqual(await project.all(), before);
  }));

Deno.test("--keep-changed upgrades around it, and the next upgrade asks again", () =>
  withEarlier(async (project) => {
    await project.write(changedFile, "// my own\n");
    const kept = await thePackage().run(["init", "--yes", "--keep-changed"], {
      cwd: project.folder,
    });
    assert.equal(kept.code, 0, kept.stderr);
    assert.equal(await project.read(changedFile), "// my own\n");
    assert.ok(await project.exists("functions/_durable_responses/platform/log.ts"));
    const again = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(again.code, 1);
    await Deno.remove(join(project.folder, "supabase", changedFile));
    const taken = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(taken.code, 0);
    assert.notEqual(await project.read(changedFile), "// my own\n");
  }));

Deno.test("a file that the user changed and the release did not stays, and nobody is asked", () =>
  withEarlier(async (project) => {
    const file = "functions/_durable_responses/model/canonical.ts";
    await project.write(file, "// my own\n");
    const { code, stdout } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 0);
    assert.match(
      stdout,
      /= supabase\/functions\/_durable_responses\/model\/canonical\.ts {2}\(changed by you; the release has no newer version\)/,
    );
    assert.equal(await project.read(file), "// my own\n");
  }));

Deno.test("line ends of a Windows checkout are no change", () =>
  withEarlier(async (project) => {
    for (const [path, text] of Object.entries(await project.all())) {
      if (path.endsWith(".ts") || path.endsWith(".sql")) {
        await project.write(path, text.replaceAll("\n", "\r\n"));
      }
    }
    const { code, stderr } = await thePackage().run(["init", "--yes"], { cwd: project.folder });
    assert.equal(code, 0, stderr);
  }));
