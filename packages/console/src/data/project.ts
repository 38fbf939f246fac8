/** One project as one visitor may see it: what the pages read beyond the client SDK. Every failure here is a `Failure`. */
import type { PostgrestSingleResponse, SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";
import { createDurableResponses, type DurableResponses } from "../../../client/src/index.ts";
import { readPageConfig } from "../connection/settings.ts";
import { Failure, readRefusal, unreachable } from "./failure.ts";
import {
  type ActivityRow,
  activityRows,
  type FullJob,
  fullJob,
  type ListedJob,
  listedJob,
  overviewRow,
  routeRow,
  type Status,
  workerRow,
} from "./schemas.ts";

/** Who is looking: a signed-in user, who may be an operator by claim, or somebody with the secret key. */
export type Identity =
  | { kind: "user"; id: string; email: string; isOperator: boolean }
  | { kind: "secret_key" };

export interface JobFilter {
  statuses: Status[];
  profile: string | undefined;
  /** true: only jobs that fell back. */
  fellBack: boolean;
  search: string;
}

/** A place in the list. Ids are ordered by time, newest first. */
export interface Cursor {
  id: string;
}

export const rowsPerPage = 200;

const core =
  "id,owner_id,status,profile,fallback_reason,error_code,created_at,updated_at,finished_at,run_at";
const attemptCore = "number,mode,outcome,started_at,finished_at";
/** An input may have a megabyte, and a page has 200 jobs: the list reads only how each begins. */
const listColumns = `${core},query:query_text,attempts:response_attempts(${attemptCore})`;

const jobColumns = [
  core,
  "input,metadata,retry_of,attempt,failures,max_attempts,deadline,response_id,output_text,output_parsed",
  "usage,error_message,error_hint,answer_until,review_reason,idempotency_key",
].join(",");
const attemptColumns = `${attemptCore},response_id,error_code,error_message,usage,warnings`;
const stepColumns =
  "number,attempt,item_id,kind,status,effect,server_label,tool,arguments,digest,output,error,answer,answered_by,answered_at,started_at,finished_at";

export class Project {
  readonly #supabase: SupabaseClient;
  /** Actions on jobs, and watching one: the client SDK, as any frontend uses it. */
  readonly responses: DurableResponses;

  /** @param supabase with the secret key, or with a user's session */
  constructor(readonly url: string, supabase: SupabaseClient, readonly identity: Identity) {
    this.#supabase = supabase;
    const { functionName } = readPageConfig();
    this.responses = createDurableResponses(supabase, { functionName });
  }

  /** Whether it shows everybody's jobs and the state of the whole project, not only the user's own jobs. */
  get isOperator(): boolean {
    return this.identity.kind === "secret_key" || this.identity.isOperator;
  }

  /** One page of jobs, newest first. The first page has the total number too, unless a search makes that expensive. */
  async listJobs(
    filter: JobFilter,
    position: { after?: Cursor; newerThan?: Cursor },
    signal: AbortSignal,
  ): Promise<{ jobs: ListedJob[]; total: number | undefined }> {
    if (filter.search !== "") {
      const jobs = await this.#search(filter, position.after, signal);
      return { jobs, total: undefined };
    }
    const counts = position.after === undefined &&
      position.newerThan === undefined;
    let query = this.#supabase.from("response_jobs")
      .select(listColumns, counts ? { count: "exact" } : {});
    if (filter.statuses.length > 0) query = query.in("status", filter.statuses);
    if (filter.profile !== undefined) {
      query = query.eq("profile", filter.profile);
    }
    if (filter.fellBack) query = query.not("fallback_reason", "is", null);
    if (position.after) query = query.lt("id", position.after.id);
    if (position.newerThan) query = query.gt("id", position.newerThan.id);
    const { data, count } = await answered(
      query.order("id", { ascending: false }).limit(rowsPerPage).abortSignal(
        signal,
      ),
    );
    return { jobs: z.array(listedJob).parse(data), total: count ?? undefined };
  }

  /** Searches only the newest 10,000 jobs. */
  async #search(
    { search, statuses, profile, fellBack }: JobFilter,
    after: Cursor | undefined,
    signal: AbortSignal,
  ): Promise<ListedJob[]> {
    const { data } = await answered(
      this.#supabase.rpc("search_response_jobs", {
        p_text: search,
        p_limit: rowsPerPage,
        p_before: after?.id ?? null,
        p_statuses: statuses.length > 0 ? statuses : null,
        p_profiles: profile === undefined ? null : [profile],
        p_fell_back: fellBack,
      }).select(listColumns).abortSignal(signal),
    );
    return z.array(listedJob).parse(data);
  }

  /** These jobs as they are now. Deleted jobs are left out. */
  async listedJobs(ids: string[], signal: AbortSignal): Promise<ListedJob[]> {
    const { data } = await answered(
      this.#supabase.from("response_jobs").select(listColumns).in("id", ids).abortSignal(signal),
    );
    return z.array(listedJob).parse(data);
  }

  async getJob(id: string, signal: AbortSignal): Promise<FullJob> {
    // An operator by claim is a user, and users are not granted these columns.
    const [from, more, ofAttempt] = this.identity.kind === "secret_key"
      ? [
        "response_jobs_internal",
        ",route,leased_by",
        ",worker,request_id",
      ] as const
      : ["response_jobs", "", ""] as const;
    const { data } = await answered(
      this.#supabase.from(from).select(
        `${jobColumns}${more},attempts:response_attempts(${attemptColumns}${ofAttempt}),steps:response_steps(${stepColumns})`,
      ).eq("id", id).order("number", { referencedTable: "attempts" })
        .order("number", { referencedTable: "steps" }).limit(1).abortSignal(signal),
    );
    const [job] = z.array(fullJob).parse(data);
    if (job) return job;
    throw new Failure("job_not_found", `Cannot find job ${id}`, {
      status: 404,
      hint:
        "Check the id. A job is visible only to its owner, and finished jobs are deleted after a while",
    });
  }

  /** Status and times of the newest jobs since then, at most `limit` of them. */
  async activity(since: Date, limit: number, signal: AbortSignal): Promise<ActivityRow[]> {
    const pageSize = 1000;
    const rows: z.infer<typeof activityRows> = [];
    while (rows.length < limit) {
      const last = rows.at(-1);
      let query = this.#supabase.from("response_jobs")
        .select("id,status,profile,fallback_reason,created_at,finished_at").gt(
          "id",
          idAt(since),
        );
      if (last) query = query.lt("id", last.id);
      const { data } = await answered(
        query.order("id", { ascending: false }).limit(pageSize).abortSignal(
          signal,
        ),
      );
      const page = activityRows.parse(data);
      rows.push(...page);
      if (page.length < pageSize) break;
    }
    return rows;
  }

  /** Operators only: jobs by status, what is overdue, cron's last runs, and the state of pg_net. */
  async overview(signal: AbortSignal) {
    const { data } = await answered(
      this.#supabase.rpc("response_overview").abortSignal(signal),
    );
    return overviewRow.parse(data);
  }

  /** Operators only. */
  async routes(signal: AbortSignal) {
    const { data } = await answered(
      this.#supabase.from("response_routes").select(Object.keys(routeRow.shape).join(","))
        .order("updated_at", { ascending: false }).limit(200).abortSignal(signal),
    );
    return z.array(routeRow).parse(data);
  }

  /** Operators only. */
  async workers(signal: AbortSignal) {
    const { data } = await answered(
      this.#supabase.from("response_workers").select(Object.keys(workerRow.shape).join(","))
        .order("seen_at", { ascending: false }).limit(200).abortSignal(signal),
    );
    return z.array(workerRow).parse(data);
  }
}

interface Asked<T> extends PromiseLike<PostgrestSingleResponse<T>> {
  retry(enabled: boolean): PromiseLike<PostgrestSingleResponse<T>>;
}

/** supabase-js would retry silently for seconds. The page's own retries are visible. */
async function answered<T>(asked: Asked<T>) {
  const answer = await asked.retry(false);
  if (answer.error === null) return answer;
  if (answer.error.message.includes("AbortError")) throw new DOMException("", "AbortError");
  throw answer.status === 0 ? unreachable(answer.error) : readRefusal(answer.status, answer.error);
}

/** Below every id that was created after that time: a UUIDv7 starts with the time. */
function idAt(time: Date): string {
  const ms = time.getTime().toString(16).padStart(12, "0");
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7000-8000-000000000000`;
}
