/** What `supabase functions deploy --use-api` sends after init. */
import assert from "node:assert/strict";
import { functionNames } from "../../packages/cli/src/project/release.ts";
import { packageForFile } from "../cli/support/package.ts";
import { supabaseProject } from "../cli/support/supabase-project.ts";
import { forFile } from "../support/for-file.ts";
import { deploy } from "./support/management-api.ts";
import { bundle, localModules } from "./support/modules.ts";

const thePackage = packageForFile();
const theProject = forFile(async (parts) => parts.use(await supabaseProject()));
/** The platform's limit. */
const limitBytes = 5 * 1024 * 1024;

Deno.test("each function is sent with exactly the files that it needs, the import map, and no JWT check", async () => {
  const { folder } = theProject();
  assert.equal((await thePackage().run(["init", "--yes"], { cwd: folder })).code, 0);
  const deployed = await deploy(folder, [...functionNames]);
  assert.deepEqual([...deployed.keys()].sort(), [...functionNames].sort());
  for (const [name, { files, metadata }] of deployed) {
    const entry = `supabase/functions/${name}/index.ts`;
    assert.deepEqual(metadata, {
      entrypoint_path: entry,
      import_map_path: "supabase/functions/import_map.json",
      verify_jwt: false,
    });
    const sent = [...files.keys()].filter((path) => path !== metadata.import_map_path);
    assert.ok(files.has(metadata.import_map_path), name);
    const reached = await localModules(folder, entry);
    assert.deepEqual(sent.filter((path) => !reached.includes(path)), [], `${name}: not needed`);
    const { inputs } = await bundle(folder, entry);
    assert.deepEqual(inputs.filter((path) => !files.has(path)), [], `${name}: missing`);
  }
});

Deno.test("each function is under 5 MB when bundled, packages and all", async () => {
  const { folder } = theProject();
  for (const name of functionNames) {
    const { bytes } = await bundle(folder, `supabase/functions/${name}/index.ts`);
    assert.ok(bytes < limitBytes, `${name}: ${bytes} bytes`);
  }
});
