/** A job as lines for a person. */
import { z } from "zod";
import { visibleExactly } from "../../../text/visible.ts";
import { asCalled } from "../terminal/called.ts";
import { count } from "../terminal/count.ts";
import { ago } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** A job in the form of `respond`'s answers. */
export const jobSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  profile: z.string(),
  attempt: z.number(),
  created_at: z.string(),
  output_text: z.string().nullable(),
  fallback_reason: z.string().nullable(),
  review_reason: z.string().nullish(),
  answer_until: z.string().nullish(),
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
  }).nullable(),
  waiting: z.array(z.object({
    request_id: z.string().nullable(),
    server_label: z.string().nullable(),
    tool: z.string().nullable(),
    arguments: z.string().nullable(),
    digest: z.string().nullish(),
  })).nullish(),
});
export type Job = z.infer<typeof jobSchema>;

/** Without its question, which `respond` does not give. */
export function describe(job: Job, { color }: Terminal): string[] {
  const lines = [
    `${color.bold(job.id)}  ${job.status}, profile ${job.profile}, ${count(job.attempt, "run")}, ${
      ago(job.created_at)
    } old`,
  ];
  if (job.fallback_reason) {
    lines.push(`fell back from background: ${job.fallback_reason}`);
  }
  if (job.review_reason) {
    lines.push(color.yellow(`needs review: ${job.review_reason}`));
  }
  for (
    const { tool, server_label, arguments: given, request_id, digest } of job.waiting ??
      []
  ) {
    lines.push(
      visibleExactly(`  asks about ${server_label ?? "?"}.${tool ?? "?"}`) +
        `  (request ${request_id ?? "?"}, digest ${digest ?? "?"})`,
      // Complete and unformatted, because this is what a yes allows.
      ...visibleExactly(given ?? "{}").split("\n").map((line) => `      ${line}`),
    );
  }
  if (job.answer_until) {
    lines.push(color.yellow(`waits for an answer until ${job.answer_until}`));
  }
  const command = commandFor(job);
  if (command !== undefined) {
    lines.push(`  ${color.dim("→")} ${asCalled(`npx durable-responses ${command}`)}`);
  }
  if (job.error) {
    lines.push(color.red(`${job.error.code}: ${job.error.message}`));
    if (job.error.hint) lines.push(`  → ${job.error.hint}`);
  }
  if (job.output_text) lines.push("", job.output_text);
  return lines;
}

/** What a person does next. */
function commandFor({ id, status, waiting }: Job): string | undefined {
  const which = (waiting?.length ?? 0) > 1 ? " --request <request>" : "";
  if (status === "awaiting_approval") return `jobs approve ${id}${which} (--reject says no)`;
  if (status !== "needs_review") return undefined;
  return `jobs resolve ${id}${which} --outcome happened (or did_not_happen, or cancel)`;
}

export function oneLine(text: string, length = Infinity): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

/** When a queued job is tried again; undefined if a worker may take it now. */
export function nextRun(
  { status }: Pick<Job, "status">,
  runAt: string | null,
  now: number = Date.now(),
): string | undefined {
  const seconds = runAt === null ? 0 : Math.ceil((Date.parse(runAt) - now) / 1000);
  return status === "queued" && seconds > 0
    ? `its next run starts in ${seconds} s, at ${runAt}`
    : undefined;
}
