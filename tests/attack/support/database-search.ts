/** Looks for a text in every row of every table, as a dump of the whole database would show it. */
import type { Sql } from "postgres";

/**
 * Names of the tables that contain `text` in any column, except Vault, where secrets belong, and whose values are encrypted on
 * the platform.
 */
export async function findInDatabase(sql: Sql, text: string): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`
    select format('%I.%I', nspname, relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where relkind in ('r', 'p', 'm') and nspname not in ('pg_catalog', 'information_schema', 'vault')
      and nspname not like 'pg_toast%'
    order by name`;
  const found: string[] = [];
  // Inside JSON, a text looks different.
  const forms = [...new Set([text, JSON.stringify(text).slice(1, -1)])];
  for (const { name } of tables) {
    const [hit] = await sql`
      select from ${sql.unsafe(name)} as t
      where exists (select from unnest(${forms}::text[]) as form where strpos(t::text, form) > 0) limit 1`;
    if (hit) found.push(name);
  }
  return found;
}
