/** `durable-responses jobs …`: show jobs, and decide what needs a person. */
import { z } from "zod";
import { jobStatuses } from "../../../../supabase/functions/_durable_responses/model/status.ts";
import { connect, type ConnectionOptions } from "../api/connection.ts";
import { jobIdOf, shortId } from "../api/job-id.ts";
import { Project } from "../api/project.ts";
import { visibleJson } from "../../../text/visible.ts";
import { Failure } from "../failure.ts";
import { asCalled } from "../terminal/called.ts";
import { ago, table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { describe, jobSchema, nextRun, oneLine } from "./job-text.ts";

export interface JobsOptions extends ConnectionOptions {
  json?: boolean;
}

export interface ListOptions extends JobsOptions {
  status?: string;
  profile?: string;
  owner?: string;
  limit: number;
}

export const statuses: readonly string[] = jobStatuses;

const rowSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  profile: z.string(),
  attempt: z.number(),
  owner_id: z.string().nullable(),
  error_code: z.string().nullable(),
  output_text: z.string().nullable(),
  query_text: z.string().nullable(),
  created_at: z.string(),
});

const eventSchema = z.object({
  at: z.string(),
  attempt: z.number(),
  event: z.string(),
  detail: z.string().nullable(),
});

const columns = "id,status,profile,attempt,owner_id,error_code,query_text,output_text,created_at";

export async function listJobs(
  terminal: Terminal,
  options: ListOptions,
): Promise<void> {
  const wanted = options.status?.split(",") ?? [];
  const unknown = wanted.find((status) => !statuses.includes(status));
  if (unknown !== undefined) {
    throw new Failure(
      `Cannot list jobs with the status '${unknown}': it must be one of ${statuses.join(", ")}`,
      { exitCode: 2 },
    );
  }
  const query = new URLSearchParams({
    select: columns,
    order: "id.desc",
    limit: String(options.limit),
    ...(wanted.length > 0 && { status: `in.(${wanted.join(",")})` }),
    ...(options.profile !== undefined && { profile: `eq.${options.profile}` }),
    ...(options.owner !== undefined && { owner_id: `eq.${options.owner}` }),
  });
  const project = new Project(await connect(terminal, options));
  const rows = await project.rows(`response_jobs?${query}`, rowSchema);
  if (options.json) {
    terminal.out(visibleJson(rows));
    return;
  }
  if (rows.length === 0) {
    terminal.note("No such jobs.");
    if (options.profile !== undefined) await noteProfiles(terminal, project, options.profile);
    return;
  }
  const cells = rows.map((row) => [
    shortId(row.id),
    row.status,
    row.profile,
    String(row.attempt),
    ago(row.created_at),
    oneLine(row.query_text ?? "", 40),
    row.error_code ?? oneLine(row.output_text ?? "", 40),
  ]);
  for (
    const line of table([
      "id",
      "status",
      "profile",
      "runs",
      "age",
      "question",
      "answer or error",
    ], cells)
  ) terminal.out(line);
}

/** A profile that the functions do not have is probably misspelled. */
async function noteProfiles(terminal: Terminal, project: Project, wanted: string): Promise<void> {
  const report = z.looseObject({ profiles: z.array(z.string()) });
  const { profiles } = await project.call("response_doctor", {}, report);
  if (profiles.length === 0 || profiles.includes(wanted)) return;
  const names = profiles.map((name) => `'${name}'`).join(", ");
  terminal.note(`The functions have no profile '${wanted}'. They have ${names}.`);
}

export async function showJob(
  terminal: Terminal,
  id: string,
  options: JobsOptions,
): Promise<void> {
  const project = new Project(await connect(terminal, options));
  const job = await project.respond(`/${await jobIdOf(project, id)}`, {}, jobSchema);
  const [events, [row]] = await Promise.all([
    project.rows(
      `response_timeline?select=at,attempt,event,detail&job_id=eq.${job.id}&order=at,attempt`,
      eventSchema,
    ),
    project.rows(
      `response_jobs?select=query_text,run_at&id=eq.${job.id}`,
      z.object({ query_text: z.string().nullable(), run_at: z.string().nullable() }),
    ),
  ]);
  const question = row?.query_text ?? null;
  if (options.json) {
    terminal.out(visibleJson({ ...job, query_text: question, timeline: events }));
    return;
  }
  const [head = "", ...more] = describe(job, terminal);
  const asked = question === null ? [] : [terminal.color.dim(`asked: ${oneLine(question, 300)}`)];
  const next = nextRun(job, row?.run_at ?? null) ?? [];
  for (const line of [head, ...asked, ...more].concat(next)) terminal.out(line);
  terminal.out("");
  const start = Date.parse(job.created_at);
  const cells = events.map(({ at, attempt, event, detail }) => [
    `+${((Date.parse(at) - start) / 1000).toFixed(1)} s`,
    String(attempt),
    // People read a second attempt as a first that failed, but a run may simply continue after a call.
    event.replace(/^attempt_/, "run_"),
    // Whole: while a job is repeated, nothing else says why. A terminal wraps it.
    oneLine(detail ?? ""),
  ]);
  for (const line of table(["time", "run", "event", "detail"], cells)) {
    terminal.out(line);
  }
}

const decisions: readonly Action[] = ["approve", "resolve"];

/** The API's hints about a job's `waiting`, for somebody who sees no JSON. */
function hintFor(id: string, hint = ""): string {
  return /\bGET the job|\bwaiting\b|\bJSON\b/.test(hint)
    ? `npx durable-responses jobs show ${id} names what waits: each call with its --request and --digest`
    : hint;
}

export type Action = "retry" | "cancel" | "approve" | "resolve";

/** Acts on a job through `respond`, which records that a secret key did it. */
export async function actOnJob(
  terminal: Terminal,
  action: Action,
  id: string,
  body: Record<string, unknown>,
  options: JobsOptions,
): Promise<void> {
  const project = new Project(await connect(terminal, options));
  const whole = await jobIdOf(project, id);
  const [earlier] = action === "retry"
    ? await project.rows(
      `response_jobs?select=id&retry_of=eq.${whole}`,
      z.object({ id: z.string() }),
    )
    : [];
  const job = await project.respond(`/${whole}/${action}`, { method: "POST", body }, jobSchema)
    .catch((error: unknown) => {
      throw error instanceof Failure && decisions.includes(action)
        ? new Failure(error.message, { hint: hintFor(whole, error.hint), cause: error })
        : error;
    });
  if (earlier?.id === job.id) {
    terminal.note(
      asCalled(
        `It was retried before, as the job below. To run that one again: npx durable-responses jobs retry ${job.id}`,
      ),
    );
  }
  if (options.json) terminal.out(visibleJson(job));
  else for (const line of describe(job, terminal)) terminal.out(line);
}
