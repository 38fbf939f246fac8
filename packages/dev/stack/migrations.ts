/**
 * Brings a database that is kept up to date with the project's migrations. What is applied is what the database says, in
 * the CLI's own table: a file may be passed over, and of several the CLI keeps those before the one that failed.
 */
import type { Cluster } from "../postgres/cluster.ts";
import { migrate } from "../postgres/migrate.ts";
import { readMigrations, versionOf } from "../postgres/migration-files.ts";
import { hashOf } from "../postgres/template.ts";
import type { Kept } from "./kept.ts";

export interface MigrationsOptions {
  /** The folder that holds `supabase/`. */
  project: string;
  /** What a person should know of migrations. */
  tell: (line: string) => void;
}

/** One of the project's files. */
interface File {
  name: string;
  version: string;
  hash: string;
}

/** Applies what is new. One that was applied and has changed since is named: nobody applies it again. */
export async function applyMigrations(
  cluster: Cluster,
  kept: Kept,
  { project, tell }: MigrationsOptions,
): Promise<void> {
  const files = await filesOf(project);
  const applied = await appliedTo(cluster);
  const added = files.filter(({ version }) => !applied.has(version));
  const gone = [...applied].filter(([version]) => files.every((file) => file.version !== version))
    .map(([, name]) => name);
  refuseSameVersion(files);
  if (gone.length > 0 && added.length > 0) {
    throw new Error(
      `Cannot apply ${namesOf(added)}: ${
        gone.join(", ")
      } was applied to this database, but the file is gone. Put it back, or make a new database (dev: --fresh)`,
    );
  }
  const changed = files.filter(({ version, hash }) =>
    applied.has(version) && (kept.state.migrations[version] ?? hash) !== hash
  );
  try {
    if (added.length > 0) await migrate({ dbUrl: cluster.url(), workdir: project });
  } finally {
    // Also after a failure, for what came before it.
    await noteApplied(cluster, kept, { project, tell }, added);
  }
  for (const { name } of changed) {
    tell(
      `${name} has changed since it was applied. The database is as before: put the file back and write a new migration, or start with --fresh`,
    );
  }
  for (const name of gone) {
    tell(
      `${name} was applied, but the file is gone. Put it back before you add another migration, or start with --fresh`,
    );
  }
  const different = [...changed.map(({ name }) => name), ...gone];
  for (const name of named.get(kept) ?? []) {
    if (!different.includes(name)) tell(`${name} is again as it was applied`);
  }
  named.set(kept, different);
}

/** What a person was last told to put back, for each database that runs. */
const named = new WeakMap<Kept, string[]>();

/** Stores what the files of the applied migrations contain, and forgets whatever the database does not have. */
async function noteApplied(
  cluster: Cluster,
  { state, save }: Kept,
  { project, tell }: MigrationsOptions,
  added: File[],
): Promise<void> {
  const applied = await appliedTo(cluster);
  const taken = added.filter(({ version }) => applied.has(version));
  if (taken.length > 0) tell(`Applied ${namesOf(taken)}`);
  // An editor may have saved one again before the CLI read it, or deleted it after.
  const known = [...added, ...await filesOf(project)];
  state.migrations = Object.fromEntries(
    [...applied.keys()].flatMap((version) => {
      const hash = state.migrations[version] ??
        known.findLast((file) => file.version === version)?.hash;
      return hash === undefined ? [] : [[version, hash]];
    }),
  );
  await save();
}

/** The CLI would apply the first and then refuse the second, with an error of its table's key. */
function refuseSameVersion(files: File[]): void {
  const [one, other] = files.flatMap((file, index) => {
    const before = files.slice(0, index).find(({ version }) => version === file.version);
    return before ? [before, file] : [];
  });
  if (!one || !other) return;
  throw new Error(
    `Cannot apply the migrations: '${one.name}' and '${other.name}' have the same version ${one.version}. Rename the one that is newer`,
  );
}

/** The name of each applied migration's file, by its version. */
async function appliedTo(cluster: Cluster): Promise<Map<string, string>> {
  const sql = cluster.connect("postgres", "postgres", { max: 1 });
  try {
    const [table] =
      await sql`select to_regclass('supabase_migrations.schema_migrations') is not null as there`;
    if (!table?.["there"]) return new Map();
    const rows = await sql<{ version: string; file: string }[]>`
      select version, version || '_' || coalesce(name, '') || '.sql' as file
      from supabase_migrations.schema_migrations
      order by version`;
    return new Map(rows.map(({ version, file }) => [version, file]));
  } finally {
    await sql.end();
  }
}

async function filesOf(project: string): Promise<File[]> {
  const texts = Object.entries(await readMigrations(project));
  return await Promise.all(texts.map(async ([name, text]) => {
    // A name without a version is no migration, and not among these.
    const version = versionOf(name) ?? name;
    return { name, version, hash: await hashOf([text]) };
  }));
}

function namesOf(files: File[]): string {
  return files.map(({ name }) => name).join(", ");
}
