/** A database that is kept, when migrations come, change and go: what `dev` does, and what it says. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { startDatabase } from "../../packages/dev/stack/database.ts";
import { openKept } from "../../packages/dev/stack/kept.ts";
import { applyMigrations } from "../../packages/dev/stack/migrations.ts";

const first = "20260101000000_first.sql";
const second = "20260102000000_second.sql";
const third = "20260103000000_third.sql";
const changed =
  "has changed since it was applied. The database is as before: put the file back and write a new migration, or start with --fresh";

const applied =
  "The migrations before it are applied. Fix the file and save it; if dev has not started, start it again";

interface Project {
  write(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** Starts on what is kept, and stops. @returns what it says */
  start(): Promise<string[]>;
  /** Starts, changes the project while the database runs, and applies that. @returns what it says then */
  change(how: () => Promise<void>): Promise<{ said: string[]; failure: string; tables: string[] }>;
}

async function withProject(use: (project: Project) => Promise<void>): Promise<void> {
  const project = await Deno.makeTempDir({ prefix: "migrations-" });
  const folder = await Deno.makeTempDir({ prefix: "kept-" });
  await Deno.chmod(folder, 0o711);
  const migrations = join(project, "supabase", "migrations");
  try {
    await Deno.mkdir(migrations, { recursive: true });
    await Deno.writeTextFile(join(project, "supabase", "config.toml"), 'project_id = "x"\n');
    const started = async <T>(
      then: (run: {
        cluster: Awaited<ReturnType<typeof startDatabase>>;
        kept: Awaited<ReturnType<typeof openKept>>;
        said: string[];
        tell: (line: string) => void;
      }) => Promise<T>,
    ) => {
      const kept = await openKept(folder);
      const said: string[] = [];
      const tell = (line: string) => void said.push(line);
      try {
        const options = { project, port: undefined, durable: false, kept, onLine() {}, tell };
        const cluster = await startDatabase(options);
        try {
          return await then({ cluster, kept, said, tell });
        } finally {
          await cluster.destroy();
        }
      } finally {
        kept.release();
      }
    };
    await use({
      write: (name, text) => Deno.writeTextFile(join(migrations, name), text),
      remove: (name) => Deno.remove(join(migrations, name)),
      start: () => started(({ said }) => Promise.resolve(said)),
      change: (how) =>
        started(async ({ cluster, kept, said, tell }) => {
          await how();
          const failure = await applyMigrations(cluster, kept, { project, tell })
            .then(() => "", (error: Error) => error.message);
          const sql = cluster.connect("postgres", "postgres", { max: 1 });
          const columns = await sql`
            select table_name || '.' || column_name as name from information_schema.columns
            where table_schema = 'public' order by name`;
          await sql.end();
          return { said, failure, tables: columns.map(({ name }) => String(name)) };
        }),
    });
  } finally {
    await Deno.remove(project, { recursive: true });
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a migration that is edited or deleted after it was applied is named, with what to do", async () => {
  await withProject(async ({ write, remove, start, change }) => {
    await write(first, "create table public.a (id int);");
    await write(second, "create table public.b (id int);");
    assert.deepEqual(await start(), []);

    await write(second, "create table public.b (id bigint);");
    assert.deepEqual(await start(), [`${second} ${changed}`]);
    const { said } = await change(() => write(second, "create table public.b (id int);"));
    assert.deepEqual(said, [`${second} ${changed}`, `${second} is again as it was applied`]);

    await remove(second);
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
  });
});

Deno.test("a file that the CLI passes over is named, is not called applied, and may be deleted", async () => {
  await withProject(async ({ write, remove, start }) => {
    await write(first, "create table public.a (id int);");
    await write("notes.sql", "create table public.notes (id int);");
    await write("README.md", "no migration");
    const passedOver =
      "notes.sql is not applied: the Supabase CLI takes only files named <timestamp>_name.sql. Rename it (npx supabase migration new makes such a name), or move it elsewhere";
    assert.deepEqual(await start(), [passedOver]);

    await write("notes.sql", "create table public.notes (id bigint);");
    await write(second, "create table public.b (id int);");
    assert.deepEqual(await start(), [passedOver, `Applied ${second}`]);

    await remove("notes.sql");
    await write(third, "create table public.c (id int);");
    assert.deepEqual(await start(), [`Applied ${third}`]);
  });
});

Deno.test("when a migration fails, those before it are known as applied", async () => {
  await withProject(async ({ write, start, change }) => {
    await write(first, "create table public.a (id int);");
    assert.deepEqual(await start(), []);

    const failed = await change(async () => {
      await write(second, "create table public.b (id int);");
      await write(third, "create table public.c (id int");
    });
    assert.equal(
      failed.failure,
      `Cannot apply ${third}, line 1, at 'create table public.c (id int': syntax error at end of input (SQLSTATE 42601). ${applied}`,
    );
    assert.deepEqual(failed.said, [`Applied ${second}`]);
    assert.deepEqual(failed.tables, ["a.id", "b.id"]);

    await write(third, "create table public.c (id int);");
    await write(second, "create table public.b (id int, later int);");
    assert.deepEqual(await start(), [`Applied ${third}`, `${second} ${changed}`]);
    const { tables } = await change(() => Promise.resolve());
    assert.deepEqual(tables, ["a.id", "b.id", "c.id"]);
  });
});

Deno.test("a migration that fails is told with its line and Postgres' words, each in one line", async () => {
  await withProject(async ({ write, remove, change }) => {
    const failureOf = async (text: string) =>
      (await change(() => write(first, text)).finally(() => remove(first))).failure
        .replace(`. ${applied}`, "");
    assert.match(
      await failureOf("-- a\nselect 1;\n\ncreate table public.d (\n  id int,\n  foo nosuch\n);\n"),
      /^Cannot apply 20260101000000_first\.sql, line 6, at 'foo nosuch': type "nosuch" does not exist \(SQLSTATE 42704\)\. Hint: .* CREATE TABLE example \(col extensions\.nosuch\)$/,
    );
    assert.equal(
      await failureOf(
        "select 1;\ncreate table public.y (id int primary key);\ninsert into public.y values (1), (1);\n",
      ),
      `Cannot apply ${first}, line 3, at 'insert into public.y values (1), (1)': duplicate key value violates unique constraint "y_pkey" (SQLSTATE 23505). Key (id)=(1) already exists`,
    );
    assert.equal(
      await failureOf("select 1/0;\nselect 1/0;\n"),
      `Cannot apply ${first}, at 'select 1/0': division by zero (SQLSTATE 22012)`,
    );
  });
});

Deno.test("a renamed migration is the same one, and two of one version are refused", async () => {
  await withProject(async ({ write, remove, start }) => {
    await write(first, "create table public.a (id int);");
    assert.deepEqual(await start(), []);

    await remove(first);
    await write("20260101000000_other.sql", "create table public.a (id int);");
    assert.deepEqual(await start(), []);

    await write(first, "create table public.b (id int);");
    await assert.rejects(start(), {
      message:
        `Cannot apply the migrations: '${first}' and '20260101000000_other.sql' have the same version 20260101000000. Rename the one that is newer`,
    });
  });
});
