/** What is printed around the timeline: the title before it, and the answer, emails and verdict after it. */
import type { SentEmail } from "../../packages/dev/mcp/mailbox.ts";
import type { Report } from "./report.ts";
import { wrap } from "./timeline/look.ts";
import { blockText, type Terminal } from "./timeline/terminal.ts";

export function showTitle(terminal: Terminal, name: string, title: string): void {
  terminal.write(`\n${terminal.paint(name, "bold")}  ${title}\n`);
}

/** The answer, the sent emails, and the outcome in one line. */
export function showEnding(
  terminal: Terminal,
  report: Report,
  emails: readonly SentEmail[],
): void {
  const blocks = [
    ...(report.job?.output_text ? [blockText(terminal, "Answer", report.job.output_text)] : []),
    ...emails.map(({ to, subject, body }) =>
      blockText(terminal, "Email", `To ${to}: ${subject}\n${body}`)
    ),
  ];
  if (blocks.length > 0) terminal.write("");
  for (const block of blocks) terminal.write(block);
  terminal.write(`\n${verdictText(terminal, report)}`);
}

function verdictText({ paint, width }: Terminal, report: Report): string {
  const verdict = report.ok ? "✓ ok" : "✗ not ok";
  const text = report.ok ? summaryOf(report) : report.reason ?? summaryOf(report);
  const indent = verdict.length + 2;
  const lines = wrap(text, width - indent).join(`\n${" ".repeat(indent)}`);
  return `${paint(verdict, report.ok ? "green" : "red")}  ${lines}`;
}

/** What happened to the job, from the report alone. */
export function summaryOf(report: Report): string {
  const { job, timings_ms: { failed_over, completed } } = report;
  if (!job) return "no job was accepted";
  const runs = report.attempts.filter(({ mode }) => mode === "synchronous").length;
  return [
    `${job.status}${after(completed)}${job.error_code ? ` with ${job.error_code}` : ""}`,
    ...(job.fallback_reason
      ? [`background left${after(failed_over)} (${job.fallback_reason})`]
      : []),
    ...(runs > 0 ? [count(runs, "synchronous run")] : []),
    count(report.tool_calls.length, "tool call"),
    `${count(report.emails_sent, "email")} sent`,
  ].join(", ");
}

function after(ms: number | null): string {
  return ms === null ? "" : ` after ${(ms / 1000).toFixed(2)} s`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
