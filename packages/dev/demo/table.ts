/** How each scenario ended, when several were played. */
import type { Report } from "./report.ts";
import type { Terminal } from "./timeline/terminal.ts";

export function showTable({ paint, write }: Terminal, reports: readonly Report[]): void {
  const rows = reports.map(rowOf);
  const all = [["scenario", "", "job", "attempts", "emails", "seconds"], ...rows];
  const widths =
    all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  write("");
  for (const [index, row] of all.entries()) {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
    const isFine = index === 0 || reports[index - 1]?.ok === true;
    write(index === 0 ? paint(line, "bold") : isFine ? line : paint(line, "red"));
  }
  const wrong = reports.filter(({ ok }) => !ok);
  write(
    wrong.length === 0
      ? `\nAll ${reports.length} scenarios ended as they should.`
      : `\n${wrong.length} of ${reports.length} did not: ${
        wrong.map(({ scenario, reason }) => `${scenario} (${reason})`).join(", ")
      }`,
  );
}

function rowOf({ scenario, ok, job, attempts, emails_sent, timings_ms }: Report): string[] {
  const { completed } = timings_ms;
  return [
    scenario ?? "default",
    ok ? "ok" : "NOT OK",
    job?.error_code ?? job?.status ?? "",
    String(attempts.length),
    String(emails_sent),
    completed === null ? "" : (completed / 1000).toFixed(1),
  ];
}
