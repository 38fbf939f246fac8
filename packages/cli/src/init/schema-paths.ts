/**
 * A project with declarative schemas lists its files in config.toml. Our objects come from our migration and are not in
 * those files, so `supabase db diff` would propose to drop our tables. Therefore our migrations go to the start of the list.
 */
import type { TomlTable } from "smol-toml";
import { Failure } from "../failure.ts";
import { isTable, parseToml, saysAsWanted } from "./config-toml.ts";

/**
 * The text with `migrations` at the start of the project's own `schema_paths`; unchanged if there are none.
 * @param migrations paths relative to `supabase/`
 * @throws Failure if the layout of the list does not allow lines to be added
 */
export function withSchemaPaths(text: string, migrations: readonly string[]): string {
  const config = parseToml(text);
  const listed = schemaPaths(config);
  if (listed === undefined || listed.length === 0) return text;
  const added = migrations.map((path) => `./${path}`).filter((path) =>
    !listed.some((entry) => entry.replace(/^\.\//, "") === path.slice(2))
  );
  if (added.length === 0) return text;
  const entries = added.map((path) => JSON.stringify(path)).join(", ");
  // As the list is laid out: on its line, or on lines of their own, indented as its first one.
  const after = text.replace(
    /^(\s*schema_paths\s*=\s*\[)(\s*\n[ \t]*)?/m,
    (_, start: string, line: string = "") =>
      line === "" ? `${start}${entries}, ` : `${start}${line}${entries},${line}`,
  );
  if (!saysAsWanted(after, withPaths(config, [...added, ...listed]))) {
    throw new Failure(
      "Cannot add our migration to schema_paths in supabase/config.toml: the list has an unexpected layout",
      { hint: `Add ${entries} to the start of the list by hand, under [db.migrations]` },
    );
  }
  return after;
}

function schemaPaths(config: TomlTable): string[] | undefined {
  const paths = migrationsOf(config)?.["schema_paths"];
  if (!Array.isArray(paths)) return undefined;
  return paths.filter((path) => typeof path === "string");
}

function migrationsOf(config: TomlTable): TomlTable | undefined {
  const db = config["db"];
  const migrations = isTable(db) ? db["migrations"] : undefined;
  return isTable(migrations) ? migrations : undefined;
}

function withPaths(config: TomlTable, paths: string[]): TomlTable {
  const db = isTable(config["db"]) ? config["db"] : {};
  return {
    ...config,
    db: { ...db, migrations: { ...migrationsOf(config), schema_paths: paths } },
  };
}
