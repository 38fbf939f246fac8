/** The files in `supabase/migrations`: those that the Supabase CLI applies, and those that it passes over. */
import { join } from "node:path";
import { textFilesIn } from "../if-there.ts";

/** The CLI's own rule; it takes no other file for a migration. */
const migrationName = /^([0-9]+)_.*\.sql$/;

/** What the CLI knows a migration by; undefined for a file that it passes over. */
export function versionOf(name: string): string | undefined {
  return migrationName.exec(name)?.[1];
}

/** The text of each migration, by its file's name, in their order; of a project that has none, nothing. */
export async function readMigrations(project: string): Promise<Record<string, string>> {
  const files = await textFilesIn(folderOf(project));
  return Object.fromEntries(
    files.filter(({ name }) => versionOf(name) !== undefined).map(({ name, text }) => [name, text]),
  );
}

/** Files that somebody probably takes for a migration. */
export async function passedOver(project: string): Promise<string[]> {
  const files = await textFilesIn(folderOf(project));
  return files.map(({ name }) => name).filter(isPassedOver);
}

export function isPassedOver(name: string): boolean {
  return name.endsWith(".sql") && versionOf(name) === undefined;
}

/** What a person should know of such a file. */
export function passedOverText(name: string): string {
  return `${name} is not applied: the Supabase CLI takes only files named <timestamp>_name.sql. Rename it (npx supabase migration new makes such a name), or move it elsewhere`;
}

function folderOf(project: string): string {
  return join(project, "supabase", "migrations");
}
