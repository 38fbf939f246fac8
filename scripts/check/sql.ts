/** squawk on our SQL: a separate Postgres parser, with rules for types, names and locks. */
import { join, relative } from "node:path";
import { childEnvironment } from "../../packages/dev/child-environment.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

/** These rules are about changes to a table in use. A new table is not in use yet. */
const onlyForChanges = [
  "require-concurrent-index-creation",
  "require-concurrent-index-deletion",
  "require-lock-timeout",
  "require-statement-timeout",
  "constraint-missing-not-valid",
  "adding-field-with-default",
  "adding-not-nullable-field",
  "ban-create-domain-with-constraint",
];

const notOurs = [
  // The Supabase CLI runs each migration in a transaction, so none is left half done.
  "prefer-robust-stmts",
  // These are counters and milliseconds. Anything that could grow beyond an int is a bigint.
  "prefer-bigint-over-int",
  "prefer-bigint-over-smallint",
];

export async function checkSql(): Promise<string | undefined> {
  const { definitions, changes } = sqlFiles(
    await filesIn("supabase/schemas"),
    await filesIn("supabase/migrations"),
  );
  const found = [
    await squawk(definitions, [...notOurs, ...onlyForChanges]),
    await squawk(changes, notOurs),
  ];
  found.push(await shouting([...definitions, ...changes]));
  const wrong = found.filter((text) => text !== undefined);
  return wrong.length > 0 ? wrong.join("\n") : undefined;
}

/** The first migration is made of the schemas. Each later one changes a database in use. */
export function sqlFiles(
  schemas: string[],
  migrations: string[],
): { definitions: string[]; changes: string[] } {
  if (schemas.length === 0) return { definitions: migrations, changes: [] };
  return { definitions: schemas, changes: migrations.slice(1) };
}

const keywords =
  /\b(?:ALTER|AND|AS|BEGIN|BY|CASE|COMMENT|CREATE|DEFAULT|DELETE|DROP|ELSE|END|FROM|FUNCTION|GRANT|IF|INSERT|INTO|JOIN|LANGUAGE|NOT|NULL|ON|OR|ORDER|RETURN|RETURNS|REVOKE|SELECT|SET|TABLE|THEN|UPDATE|VALUES|WHEN|WHERE|WITH)\b/;

async function shouting(files: string[]): Promise<string | undefined> {
  const found: string[] = [];
  for (const file of files) {
    found.push(...keywordsInCapitals(file, await Deno.readTextFile(join(projectRoot, file))));
  }
  return found.length > 0 ? found.join("\n") : undefined;
}

/** One sentence for each line of SQL that is not lowercase, outside of comments and strings. */
export function keywordsInCapitals(file: string, sql: string): string[] {
  const bare = sql.replaceAll(/--[^\n]*|'(?:[^']|'')*'/g, (text) => text.replaceAll(/[^\n]/g, " "));
  return bare.split("\n").flatMap((line, index) => {
    const [keyword] = keywords.exec(line) ?? [];
    return keyword === undefined ? [] : [`${file}:${index + 1}: write '${keyword}' in lowercase`];
  });
}

async function squawk(files: string[], excluded: string[]): Promise<string | undefined> {
  if (files.length === 0) return undefined;
  const program = join(projectRoot, "node_modules", ".bin", "squawk");
  const command = new Deno.Command(program, {
    args: [
      "--reporter",
      "gcc",
      "--include",
      "require-table-schema",
      "--pg-version",
      "15",
      "--assume-in-transaction",
      "--exclude",
      excluded.join(","),
      ...files,
    ],
    cwd: projectRoot,
    clearEnv: true,
    env: childEnvironment(),
    stdin: "null",
  });
  const { success, stdout, stderr } = await outputOf(command, program);
  if (success) return undefined;
  return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("").trim();
}

async function outputOf(command: Deno.Command, program: string): Promise<Deno.CommandOutput> {
  try {
    return await command.output();
  } catch (cause) {
    throw new Error(`Cannot run squawk: '${program}' must be there; run 'npm ci'`, { cause });
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const path = join(projectRoot, folder);
  const files: string[] = [];
  try {
    for await (const { name } of Deno.readDir(path)) {
      if (name.endsWith(".sql")) files.push(relative(projectRoot, join(path, name)));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files.sort();
}
