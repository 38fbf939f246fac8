/** The check of supabase/schemas against the migrations, on changed copies: before a release and after it. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { checkSchema } from "../../scripts/check/schema.ts";
import { firstMigration, madeFiles } from "../../scripts/schema/made-files.ts";

const settings = "supabase/schemas/03_settings.sql";
const labels = "  labels text[] not null default '{}',\n";
const comment = "comment on column public.response_workers.labels is 'What it is for.';\n";
const alter = `alter table public.response_workers add column ${labels.trim().replace(",", ";")}\n`;

/** A copy of what the check reads, in its own folder. */
async function copyOfProject(): Promise<{ root: string } & AsyncDisposable> {
  const root = await Deno.makeTempDir({ prefix: "schemas-" });
  const made = (await madeFiles(projectRoot)).map(({ path }) => path);
  const model = ["status.ts", "rows.ts"].map((name) =>
    `supabase/functions/_durable_responses/model/${name}`
  );
  const schemas = await Array.fromAsync(
    Deno.readDir(join(projectRoot, "supabase/schemas")),
    ({ name }) => `supabase/schemas/${name}`,
  );
  for (const path of ["supabase/config.toml", ...made, ...model, ...schemas]) {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.copyFile(join(projectRoot, path), join(root, path));
  }
  return { root, [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }) };
}

/** Adds a column, only in the schemas. */
async function addColumn(root: string): Promise<void> {
  const path = join(root, settings);
  const before = await Deno.readTextFile(path);
  const after = before.replace("  constraint response_workers_kind", (found) => labels + found);
  assert.notEqual(after, before);
  await Deno.writeTextFile(path, after + comment);
}

const later = (root: string) => join(root, "supabase/migrations/20270101000000_labels.sql");

Deno.test("a copy of the project as it is passes", async () => {
  await using project = await copyOfProject();
  assert.equal(await checkSchema(project.root), undefined);
});

Deno.test("before a release, a change of the schemas that the migration does not have is found, with its line", async () => {
  await using project = await copyOfProject();
  await addColumn(project.root);
  const wrong = await checkSchema(project.root) ?? "";
  assert.ok(wrong.startsWith(`${firstMigration} is not what is made now; run 'npm run schema'`));
  assert.match(wrong, /labels text\[\]/);
});

Deno.test("before a release, a migration that nothing makes is found", async () => {
  await using project = await copyOfProject();
  await Deno.rename(join(project.root, firstMigration), later(project.root));
  assert.match(await checkSchema(project.root) ?? "", /has 20270101000000_labels.sql, which noth/);
});

Deno.test("after a release, a further migration that makes what the schemas make passes", async () => {
  await using project = await copyOfProject();
  await addColumn(project.root);
  await Deno.writeTextFile(later(project.root), alter + comment);
  assert.equal(await checkSchema(project.root), undefined);
});

Deno.test("after a release, a further migration that forgets a part is found, and what it forgets is named", async () => {
  await using project = await copyOfProject();
  await addColumn(project.root);
  await Deno.writeTextFile(later(project.root), alter);
  const wrong = await checkSchema(project.root) ?? "";
  assert.match(wrong, /^supabase\/migrations do not make what supabase\/schemas makes/);
  assert.match(wrong, /labels.*What it is for/);
});
