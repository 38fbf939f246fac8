/** Reads the tables through the Data API, with the caller's own rights. One request each. */
import type { PostgrestError, SupabaseClient } from "@supabase/supabase-js";
import { type DurableResponsesError, errorFor, NotFoundError, ServerError } from "../errors.ts";
import type { Job, JobSummary } from "../types/job.ts";
import type { Step } from "../types/step.ts";
import { type Row, toRows } from "./fields.ts";
import { jobColumns, readJobRow, readSummaryRow, summaryColumns } from "./job-row.ts";
import { readStepRow, stepColumns } from "./step-row.ts";

const waitingColumns = "item_id,kind,status,run_by,server_label,tool,arguments,digest,call_id";
const waitingStatuses = ["waiting", "uncertain"];

export interface ListFilter {
  status: readonly string[];
  profile: readonly string[];
  /** A text as the user typed it. */
  search: string | undefined;
  /** Only jobs older than the one with this id. */
  before: string | undefined;
  limit: number;
}

export interface Progress {
  job: Job;
  /** From the requested step on, by number. */
  steps: Step[];
}

interface Answer {
  data: unknown;
  error: PostgrestError | null;
  status: number;
}

/** The part of supabase-js's query builder that is used. */
interface Builder extends PromiseLike<Answer> {
  retry(enabled: boolean): Builder;
  abortSignal(signal: AbortSignal): Builder;
}

export class Tables {
  readonly #supabase: SupabaseClient;

  constructor(supabase: SupabaseClient) {
    this.#supabase = supabase;
  }

  /** @throws NotFoundError if the job does not exist, or is another user's */
  async job(id: string, signal: AbortSignal | undefined): Promise<Job> {
    const query = this.#from("response_jobs")
      .select(`${jobColumns},steps:response_steps(${waitingColumns})`)
      .eq("id", id).in("steps.status", waitingStatuses)
      .order("number", { referencedTable: "steps" })
      .limit(1);
    const row = theOne(id, await this.#read(query, signal));
    return readJobRow({ ...row, waiting: askedIn(toRows(row["steps"])) });
  }

  /** A job, and its steps from number `fromStep` on. */
  async progress(
    id: string,
    fromStep: number,
    signal: AbortSignal | undefined,
  ): Promise<Progress> {
    const query = this.#from("response_jobs")
      .select(`${jobColumns},steps:response_steps(${stepColumns})`)
      .eq("id", id).gte("steps.number", fromStep)
      .order("number", { referencedTable: "steps" })
      .limit(1);
    const row = theOne(id, await this.#read(query, signal));
    const rows = toRows(row["steps"]);
    return { job: readJobRow({ ...row, waiting: askedIn(rows) }), steps: rows.map(readStepRow) };
  }

  /** Newest first: ids are ordered by time. */
  async list(
    filter: ListFilter,
    signal: AbortSignal | undefined,
  ): Promise<JobSummary[]> {
    if (filter.search !== undefined) {
      return await this.#search(filter.search, filter, signal);
    }
    const { status, profile, before, limit } = filter;
    let query = this.#from("response_jobs").select(summaryColumns);
    if (status.length > 0) query = query.in("status", status);
    if (profile.length > 0) query = query.in("profile", profile);
    if (before !== undefined) query = query.lt("id", before);
    const page = query.order("id", { ascending: false }).limit(limit);
    return toRows(await this.#read(page, signal)).map(readSummaryRow);
  }

  async #search(
    text: string,
    { status, profile, before, limit }: ListFilter,
    signal: AbortSignal | undefined,
  ): Promise<JobSummary[]> {
    const found = this.#supabase.schema("public").rpc("search_response_jobs", {
      p_text: text,
      p_limit: limit,
      ...(before !== undefined && { p_before: before }),
      ...(status.length > 0 && { p_statuses: status }),
      ...(profile.length > 0 && { p_profiles: profile }),
    }).select(summaryColumns);
    return toRows(await this.#read(found, signal)).map(readSummaryRow);
  }

  /**
   * Registers that somebody watches a job, for 45 s. Only a watched job's changes are announced. With `text`, its text is sent
   * too.
   */
  async watchJob(id: string, text: boolean): Promise<void> {
    await this.#read(
      this.#supabase.schema("public").rpc("watch_response_job", {
        p_job_id: id,
        p_text: text,
      }),
    );
  }

  /** Registers that somebody watches the list of their own jobs, for 45 s. */
  async watchOwnJobs(): Promise<void> {
    await this.#read(
      this.#supabase.schema("public").rpc("watch_response_jobs"),
    );
  }

  #from(table: string) {
    return this.#supabase.schema("public").from(table);
  }

  async #read(query: Builder, signal?: AbortSignal): Promise<unknown> {
    // http/retry.ts alone decides what is retried, and for how long.
    const once = query.retry(false);
    const { data, error, status } = await (signal ? once.abortSignal(signal) : once);
    signal?.throwIfAborted();
    if (error) throw toError(error, status);
    return data;
  }
}

/** The steps that wait for a person or the caller, not for a worker. */
function askedIn(steps: Row[]): Row[] {
  return steps
    .filter(({ status, run_by }) =>
      status === "uncertain" || status === "waiting" && run_by !== "worker"
    )
    .map(({ item_id, ...step }) => ({ ...step, request_id: item_id }));
}

function theOne(id: string, rows: unknown): Row {
  const [row] = toRows(rows);
  if (row) return row;
  throw new NotFoundError("job_not_found", `Cannot find job ${id}`, {
    status: 404,
    hint:
      "Check the id. A job is visible only to its owner, and finished jobs are deleted after a while",
  });
}

function toError(error: PostgrestError, status: number): DurableResponsesError {
  const details = { hint: error.hint ?? undefined, cause: error };
  if (status === 0) {
    return errorFor(
      undefined,
      "network_error",
      "Cannot reach the database: no answer came",
      {
        ...details,
        hint: "Check the connection and the project's URL",
      },
    );
  }
  if (status === 401) {
    const [code, message] = error.code === "42501"
      ? ["missing_token", "Cannot read jobs: nobody is signed in"]
      : ["invalid_token", `Cannot read jobs: ${error.message}`];
    return errorFor(status, code, message, {
      ...details,
      hint: "Sign in, or refresh the session",
    });
  }
  if (error.code === "42P01" || error.code === "PGRST205") {
    return new ServerError(
      "not_configured",
      "Cannot read jobs: the database has no such table",
      {
        ...details,
        status,
        hint: "Apply the migrations, and expose the schema public in the Data API",
      },
    );
  }
  return errorFor(
    status,
    error.code || `http_${status}`,
    error.message,
    details,
  );
}
