/** What is printed around the timeline: title before, answer, e-mails and verdict after. */
import type { SentEmail } from "../mcp/mailbox.ts";
import type { Report } from "./report.ts";
import { blockText, type Terminal } from "./timeline/terminal.ts";

export function showTitle(terminal: Terminal, name: string, title: string): void {
  terminal.write(`\n${terminal.paint(name, "bold")}  ${title}\n`);
}

export function showNotice(terminal: Terminal, text: string): void {
  terminal.write(blockText(terminal, "Note", text));
}

/** The answer, the e-mails that left, and in one line what it came to. */
export function showEnding(
  terminal: Terminal,
  report: Report,
  emails: readonly SentEmail[],
): void {
  terminal.write("");
  if (report.job?.output_text) {
    terminal.write(blockText(terminal, "Answer", report.job.output_text));
  }
  for (const { to, subject, body } of emails) {
    terminal.write(blockText(terminal, "E-mail", `To ${to}: ${subject}\n${body}`));
  }
  terminal.write(`\n${verdictText(terminal, report)}`);
}

function verdictText({ paint }: Terminal, report: Report): string {
  return report.ok
    ? `${paint("✓ ok", "green")}  ${summaryOf(report)}`
    : `${paint("✗ not ok", "red")}  ${report.reason ?? summaryOf(report)}`;
}

/** What happened to the job, from the report alone. */
export function summaryOf(report: Report): string {
  const { job, timings_ms: { failed_over, completed } } = report;
  if (!job) return "no job was accepted";
  const tries = report.attempts.filter(({ mode }) => mode === "synchronous").length;
  return [
    ...(job.fallback_reason ? [`background left${at(failed_over)}: ${job.fallback_reason}`] : []),
    ...(tries > 0 ? [`${tries} synchronous ${tries === 1 ? "run" : "runs"}`] : []),
    `${count(report.tool_calls.length, "tool call")}, ${count(report.emails_sent, "e-mail")} sent`,
    `${job.status}${at(completed)}${job.error_code ? ` with ${job.error_code}` : ""}`,
  ].join("; ");
}

function at(ms: number | null): string {
  return ms === null ? "" : ` at ${(ms / 1000).toFixed(2)} s`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
