/** `durable-responses dev` before it starts anything. tests/packages/dev.test.ts tests what it runs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { adviceFor } from "../../packages/cli/src/terminal/here.ts";
import { sharedPackage } from "./support/package.ts";
import { supabaseProject } from "./support/supabase-project.ts";

const thePackage = sharedPackage();

Deno.test("without the package that it needs, it says which one to install", async () => {
  await using project = await supabaseProject();
  const init = () => thePackage().run(["init", "--yes"], { cwd: project.folder });
  assert.doesNotMatch((await init()).stdout, /npm install/);
  await Deno.remove(join(project.folder, "node_modules", "durable-responses-dev"));
  const { code, stderr } = await thePackage().run(["dev"], { cwd: project.folder });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^Error: Cannot run the project: the package 'durable-responses-dev' is not installed$/m,
  );
  assert.match(stderr, /npm install --save-dev durable-responses-dev@\d/);
  await Deno.remove(join(project.folder, "supabase", "durable-responses.json"));
  assert.match((await init()).stdout, /npm install --save-dev durable-responses-dev && /);
});

Deno.test("what to do about a finding is said for where the project runs", () => {
  const advice =
    "npx supabase secrets set --remote OPENAI_API_KEY=sk-…; npx supabase db push --remote --include-all, then npx supabase functions deploy --remote --use-api respond openai-webhook";
  assert.equal(adviceFor("https://abc.supabase.co", advice), advice);
  assert.equal(
    adviceFor("http://127.0.0.1:54321", advice),
    "put OPENAI_API_KEY=sk-… into supabase/.env.durable-responses.local and restart dev (with supabase functions serve: supabase/functions/.env); restart dev (or npx supabase migration up --include-all), then restart dev (or supabase functions serve)",
  );
});

Deno.test("outside of a project, it says where it looked", async () => {
  const folder = await Deno.makeTempDir({ prefix: "no-project-" });
  try {
    const { code, stderr } = await thePackage().run(["dev"], { cwd: folder });
    assert.equal(code, 1);
    assert.match(stderr, /^Error: Cannot find a Supabase project/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
