/** `worker`: how the project's own functions are started as a plain process. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { sharedPackage } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

const thePackage = sharedPackage();
const importMapSchema = z.object({ imports: z.record(z.string(), z.string()) });

Deno.test("worker runs the package's worker on the project's functions, with the packages that those are pinned to", async () => {
  await using project = await supabaseProject();
  await thePackage().run(["init", "--yes"], { cwd: project.folder });
  const { code, stdout } = await thePackage().run(["worker", "--print"], { cwd: project.folder });
  assert.equal(code, 0);
  const [, encoded = ""] = stdout.match(/--import-map=data:application\/json,(\S+)/) ?? [];
  const { imports } = importMapSchema.parse(
    JSON.parse(decodeURIComponent(encoded.replace(/'$/, ""))),
  );
  const folderOf = (...path: string[]) =>
    `${pathToFileURL(Deno.realPathSync(join(...path))).href}/`;
  const pinned =
    importMapSchema.parse(JSON.parse(await project.read("functions/import_map.json"))).imports;
  assert.equal(
    imports[folderOf(thePackage().folder, "template/supabase/functions")],
    folderOf(project.folder, "supabase/functions"),
  );
  for (const [name, url] of Object.entries(pinned)) {
    const [, version] = url.match(/esm\.sh\/(?:@[^/]+\/)?[^/@]+@([\d.]+)/) ?? [];
    assert.match(
      imports[name] ?? "",
      new RegExp(`^npm:/?${name.replace(/\/$/, "")}@${version}/?$`),
    );
  }
});

Deno.test("worker in a project without our functions, or without a Deno, says so", async () => {
  await using project = await supabaseProject();
  const without = await thePackage().run(["worker"], { cwd: project.folder });
  assert.deepEqual([without.code, without.stderr], [
    1,
    "Error: Cannot run the project's functions: supabase/functions/import_map.json is missing\n" +
    "  → npx durable-responses init adds the functions, and writes the file again if it was removed\n",
  ]);
  await thePackage().run(["init", "--yes"], { cwd: project.folder });
  const env = { SUPABASE_URL: "http://127.0.0.1:1", SUPABASE_SECRET_KEY: "sb_secret_x" };
  const noDeno = await thePackage().run(["worker", "--deno", "/nowhere/deno"], {
    cwd: project.folder,
    env,
  });
  assert.equal(noDeno.code, 1);
  assert.match(
    noDeno.stderr,
    /^Error: Cannot run '\/nowhere\/deno': there is no such program\n {2}→ npm install --save-dev deno@/,
  );
});
