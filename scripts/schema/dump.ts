/**
 * The schema that the migrations create, as SQL-like text in a fixed order, to compare two databases. It is not meant to be
 * run. It is read from the catalog, because the npm build of Postgres has no pg_dump.
 */
import type { Sql } from "postgres";
import { sections } from "./sections.ts";

/** The dump, with a line feed at its end. `sql` may be any role that can read the catalog and cron.job. */
export async function dumpSchema(sql: Sql): Promise<string> {
  const parts: string[] = [];
  for (const { title, query } of sections) {
    const rows = await sql.unsafe<{ line: string }[]>(query);
    parts.push(
      `\n-- ${title}\n\n`,
      ...rows.map(({ line }) => `${line.trimEnd()}\n`),
    );
  }
  return parts.join("");
}
