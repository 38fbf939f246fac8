/** A plan in the form that a person reads: new files by folder, and a diff of each changed file. */
import { dirname } from "node:path/posix";
import { createTwoFilesPatch } from "diff";
import type { Colors } from "../terminal/terminal.ts";
import { manifestFile } from "../project/manifest.ts";
import { product } from "../project/release.ts";
import type { Change, Plan } from "./plan.ts";

/** Lines that show everything that would change. */
export function showPlan({ changes, kept }: Plan, color: Colors): string[] {
  const added = changes.filter(({ before }) => before === undefined);
  const removed = changes.filter(({ after }) => after === undefined);
  const changed = changes.filter(({ before, after }) =>
    before !== undefined && after !== undefined
  );
  return [
    ...[...byFolder(added)].map(([folder, files]) =>
      color.green(
        `  + supabase/${
          files.length === 1 ? files[0]?.path : `${folder}/  (${files.length} files)`
        }`,
      )
    ),
    ...removed.map(({ path }) => color.red(`  - supabase/${path}`)),
    ...changed.flatMap((change) => [
      color.yellow(`  ~ supabase/${change.path}`),
      ...(hasDiff(change) ? diffLines(change, color) : []),
    ]),
    ...kept.map(({ path, why }) => color.dim(`  = supabase/${path}  (${why})`)),
  ];
}

/** The files that are in the way, and how each differs from the release. */
export function showConflicts({ conflicts }: Plan, color: Colors): string[] {
  return conflicts.flatMap(({ path, why, before, after }) => [
    color.red(`  ! supabase/${path}  (${why})`),
    ...diffLines({ path, before, after }, color),
  ]);
}

// The manifest contains only hashes, and a secret must not end up in a terminal's scrollback.
function hasDiff({ path, secret }: Change): boolean {
  return path !== manifestFile && !secret;
}

function diffLines(
  { path, before, after }: Pick<Change, "path" | "before" | "after">,
  color: Colors,
): string[] {
  const patch = createTwoFilesPatch(
    path,
    path,
    before ?? "",
    after ?? "",
    "yours",
    "new",
    { context: 2 },
  );
  // Without the header, because the line above names the path.
  return patch.split("\n").slice(4).filter((line) => line !== "").map(
    (line) => {
      const indented = `      ${line}`;
      if (line.startsWith("+")) return color.green(indented);
      if (line.startsWith("-")) return color.red(indented);
      return color.dim(indented);
    },
  );
}

function byFolder(changes: Change[]): Map<string, Change[]> {
  // The folder that the functions share is one line, however many folders it contains.
  return groupBy(
    changes,
    ({ path }) => path.startsWith(`${product}/`) ? product : groupOf(path),
  );
}

function groupOf(path: string): string {
  const folder = dirname(path);
  return folder === "migrations" ? folder : path;
}

// Map.groupBy came with Node 21.
function groupBy<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...groups.get(key) ?? [], item]);
  }
  return groups;
}
