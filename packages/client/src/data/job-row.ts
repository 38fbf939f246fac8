/** Jobs in both of their forms: from the function (an `error` object) and from the tables (`error_*` columns). */
import { isPaused, type JobStatus, jobStatuses } from "../generated/status.ts";
import type { Job, JobError, JobSummary, WaitingCall } from "../types/job.ts";
import { array, nullable, number, object, oneOf, type Row, text, toRow, toRows } from "./fields.ts";

const errorColumns = "error_code,error_message,error_hint";

/** The columns of a job that a user may read, as a `select`. */
export const jobColumns = "id,status,profile,metadata,attempt,response_id,fallback_reason,run_at," +
  "deadline,retry_of,answer_until,review_reason,output_text,output,output_parsed,usage," +
  `${errorColumns},created_at,updated_at,finished_at`;

export const summaryColumns = "id,status,profile,metadata,attempt,query_text,fallback_reason," +
  `retry_of,${errorColumns},created_at,updated_at,finished_at`;

/** @throws TypeError if it is not a job */
export function readJobRow(value: unknown): Job {
  const row = toRow(value);
  const status = oneOf(row, "status", jobStatuses);
  return {
    ...readCommon(row, status),
    response_id: nullable(row, "response_id", text),
    run_at: nullable(row, "run_at", text),
    deadline: nullable(row, "deadline", text),
    answer_until: nullable(row, "answer_until", text),
    review_reason: nullable(row, "review_reason", text),
    waiting: isPaused({ status }) ? (nullable(row, "waiting", readWaiting) ?? []) : null,
    output_text: nullable(row, "output_text", text),
    output: nullable(row, "output", array),
    output_parsed: row["output_parsed"] ?? null,
    usage: nullable(row, "usage", object),
  };
}

/** @throws TypeError */
export function readSummaryRow(value: unknown): JobSummary {
  const row = toRow(value);
  return {
    ...readCommon(row, oneOf(row, "status", jobStatuses)),
    query_text: nullable(row, "query_text", text),
  };
}

function readCommon(row: Row, status: JobStatus) {
  return {
    id: text(row, "id"),
    status,
    profile: text(row, "profile"),
    metadata: object(row, "metadata"),
    attempt: number(row, "attempt"),
    fallback_reason: nullable(row, "fallback_reason", text),
    retry_of: nullable(row, "retry_of", text),
    error: nullable(
      row,
      "error",
      (from, name) => readError(object(from, name), ""),
    ) ??
      (row["error_code"] ? readError(row, "error_") : null),
    created_at: text(row, "created_at"),
    updated_at: text(row, "updated_at"),
    finished_at: nullable(row, "finished_at", text),
  };
}

function readError(row: Row, prefix: string): JobError {
  const hint = nullable(row, `${prefix}hint`, text);
  return {
    code: text(row, `${prefix}code`),
    message: text(row, `${prefix}message`),
    ...(hint !== null && { hint }),
  };
}

function readWaiting(row: Row, name: string): WaitingCall[] {
  return toRows(row[name]).map((call) => ({
    request_id: text(call, "request_id"),
    kind: text(call, "kind"),
    server_label: nullable(call, "server_label", text),
    tool: nullable(call, "tool", text),
    arguments: nullable(call, "arguments", text),
    digest: nullable(call, "digest", text),
    call_id: nullable(call, "call_id", text),
  }));
}
