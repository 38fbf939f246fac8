/** Why a migration failed, read from what the Supabase CLI printed: the file, the line, Postgres' words. */

export interface MigrationFailure {
  /** The migration's file. */
  name: string;
  /** What Postgres said. */
  why: string;
  /** The statement as far as Postgres read it, or all of it if it names no place. */
  statement: string;
  /** Whether the statement ends where Postgres stopped. */
  stops: boolean;
}

/** @returns undefined if no migration failed, such as without a connection */
export function readFailure(stderr: string): MigrationFailure | undefined {
  const [, name] = /.*^Applying migration (\S+)\.\.\.$/ms.exec(stderr) ?? [];
  const [, why, more = "", rest] =
    /^ERROR: (.*)$\n((?:.*\n)*?)^At statement: \d+\n((?:.*\n?)*)/m.exec(stderr) ?? [];
  if (name === undefined || why === undefined || rest === undefined) return undefined;
  const lines = rest.replace(/\n*^Try rerunning the command with --debug.*/ms, "").split("\n");
  const stops = /^\s*\^$/.test(lines.at(-1) ?? "");
  if (stops) lines.pop();
  const details = more.replace(/\n\s*Learn more: .*/, "").trim().replaceAll(/\s*\n\s*/g, " ")
    .replace(/[.;]$/, "");
  return {
    name,
    why: details === "" ? why : `${why}. ${details}`,
    statement: lines.join("\n"),
    stops,
  };
}

/** One sentence for a person. @param text the migration's */
export function failureText(failure: MigrationFailure, text: string | undefined): string {
  const { name, why, statement, stops } = failure;
  const at = text?.indexOf(statement) ?? -1;
  // A statement that is there twice has no line.
  const isOne = text !== undefined && at !== -1 && text.lastIndexOf(statement) === at;
  const end = isOne ? at + (stops ? statement.length : 0) : 0;
  const line = isOne ? `, line ${text.slice(0, end).split("\n").length}` : "";
  const [first = ""] = statement.split("\n").slice(stops ? -1 : 0);
  return `Cannot apply ${name}${line}, at '${first.trim().slice(0, 80)}': ${why}`;
}
