/** Where two texts part. */

/** Line number and both lines at the first difference; undefined if the texts are equal. */
export function firstDifference(committed: string, made: string): string | undefined {
  if (committed === made) return undefined;
  const [left, right] = [committed.split("\n"), made.split("\n")];
  const at = right.findIndex((line, index) => line !== left[index]);
  const line = at === -1 ? right.length : at;
  return [
    `first difference at line ${line + 1}:`,
    `  committed:  ${left[line] ?? "(end)"}`,
    `  migrations: ${right[line] ?? "(end)"}`,
  ].join("\n");
}
