/** Where two texts first differ. */

/** Line number and both lines at the first difference; undefined if the texts are equal. */
export function firstDifference(
  expected: string,
  found: string,
): string | undefined {
  if (expected === found) return undefined;
  const [left, right] = [expected.split("\n"), found.split("\n")];
  const at = right.findIndex((line, index) => line !== left[index]);
  const line = at === -1 ? right.length : at;
  return [
    `first difference at line ${line + 1}:`,
    `  one:   ${left[line] ?? "(end)"}`,
    `  other: ${right[line] ?? "(end)"}`,
  ].join("\n");
}
