/** A database that is kept, when migrations come, change and go: what `dev` does, and what it says. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startDatabase } from "../../packages/dev/stack/database.ts";
import { openKept } from "../../packages/dev/stack/kept.ts";

const first = "20260101000000_first.sql";
const second = "20260102000000_second.sql";
const third = "20260103000000_third.sql";

Deno.test("a migration that is edited or deleted after it was applied is named, with what to do", async () => {
  const project = await Deno.makeTempDir({ prefix: "migrations-" });
  const folder = await Deno.makeTempDir({ prefix: "kept-" });
  await Deno.chmod(folder, 0o711);
  const migrations = join(project, "supabase", "migrations");
  const write = (name: string, text: string) => Deno.writeTextFile(join(migrations, name), text);
  /** Starts on what is kept, and stops. @returns what it says */
  const start = async () => {
    const kept = await openKept(folder);
    const said: string[] = [];
    try {
      const tell = (line: string) => void said.push(line);
      const options = { project, port: undefined, durable: false, kept, onLine() {}, tell };
      await (await startDatabase(options)).destroy();
    } finally {
      kept.release();
    }
    return said;
  };
  try {
    await Deno.mkdir(migrations, { recursive: true });
    await Deno.writeTextFile(join(project, "supabase", "config.toml"), 'project_id = "x"\n');
    await write(first, "create table public.a (id int);");
    await write(second, "create table public.b (id int);");
    assert.deepEqual(await start(), []);

    await write(second, "create table public.b (id bigint);");
    assert.deepEqual(await start(), [
      `${second} has changed since it was applied. The database is as before: write a new migration, or start with --fresh`,
    ]);

    await Deno.remove(join(migrations, second));
    assert.deepEqual(await start(), [
      `${second} was applied, but the file is gone. Put it back before you add another migration, or start with --fresh`,
    ]);

    await write(third, "create table public.c (id int);");
    await assert.rejects(start(), {
      message:
        `Cannot apply ${third}: ${second} was applied to this database, but the file is gone. Put it back, or make a new database (dev: --fresh)`,
    });

    await write(second, "create table public.b (id int);");
    assert.deepEqual(await start(), [`Applied ${third}`]);
  } finally {
    await Deno.remove(project, { recursive: true });
    await Deno.remove(folder, { recursive: true });
  }
});
