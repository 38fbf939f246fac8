/** How each scenario ended, if several were played. */
import { table } from "../../packages/cli/src/terminal/table.ts";
import type { Report } from "./report.ts";
import type { Terminal } from "./timeline/terminal.ts";

export function showTable({ paint, write }: Terminal, reports: readonly Report[]): void {
  const [head = "", ...lines] = table(
    ["scenario", "", "job", "runs", "emails", "seconds"],
    reports.map(rowOf),
  );
  write("");
  write(paint(head, "bold"));
  lines.forEach((line, index) => write(reports[index]?.ok ? line : paint(line, "red")));
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
