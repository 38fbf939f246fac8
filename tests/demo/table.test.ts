/** The table at the end of `--scenario all`, and the width of text in a terminal. */
import assert from "node:assert/strict";
import { nothingSeen, type Report } from "../../scripts/demo/report.ts";
import { showTable } from "../../scripts/demo/table.ts";
import { widthFor } from "../../scripts/demo/timeline/terminal.ts";

const fine: Report = {
  ok: true,
  scenario: "approval",
  ...nothingSeen,
  emails_sent: 1,
  timings_ms: { accepted: 10, failed_over: null, completed: 2_340 },
};
const wrong: Report = { ok: false, scenario: "deadline", reason: "it never ended", ...nothingSeen };

function shown(reports: Report[]): string {
  const lines: string[] = [];
  showTable({ width: 80, paint: (text) => text, write: (line) => void lines.push(line) }, reports);
  return lines.join("\n");
}

Deno.test("each scenario has a row, and the last line says whether all went well", () => {
  const text = shown([fine, fine]);
  assert.match(text, /^scenario +job +runs +emails +seconds$/m);
  assert.match(text, /^approval +ok +0 +1 +2\.3$/m);
  assert.match(text, /All 2 scenarios ended as they should\.$/);
});

Deno.test("what did not go well is named with its reason", () => {
  const text = shown([fine, wrong]);
  assert.match(text, /^deadline +NOT OK/m);
  assert.match(text, /1 of 2 did not: deadline \(it never ended\)$/);
});

Deno.test("a terminal that says it has no columns, or too few, counts as one that has enough", () => {
  assert.equal(widthFor(0), 110);
  assert.equal(widthFor(12), 50);
  assert.equal(widthFor(200), 200);
});
