/** Lists of jobs, page by page. */
import { checkLimit, checkStatuses, isId } from "./check.ts";
import type { ListFilter, Tables } from "./data/tables.ts";
import { ArgumentError } from "./errors.ts";
import type { JobStatus, JobSummary } from "./types/job.ts";

/** How many of the newest jobs a list with `search` covers. */
export const searchedJobs = 10_000;

export interface ListOptions<Name extends string = string> {
  status?: JobStatus | readonly JobStatus[];
  profile?: Name | readonly Name[];
  /**
   * Text in the query, the answer or the error, in any case, or the beginning of an id. It searches the newest 10,000 jobs
   * that you may see (`searchedJobs`), and none below them.
   */
  search?: string;
  /** Jobs per page: 1 to 200, default 50. */
  limit?: number;
  /** `next` of the previous page. */
  cursor?: string;
  signal?: AbortSignal | undefined;
}

export interface Page<Name extends string = string> {
  /** Newest first. */
  jobs: JobSummary<Name>[];
  /** The `cursor` of the next page; null on the last. */
  next: string | null;
}

/** @throws ArgumentError for an invalid filter */
export function readListOptions(options: ListOptions): ListFilter {
  const { limit = 50, search, cursor } = options;
  checkLimit(limit);
  const status = asArray(options.status);
  checkStatuses(status);
  return {
    status,
    limit,
    profile: asArray(options.profile),
    search: search?.trim() || undefined,
    before: cursor === undefined ? undefined : readCursor(cursor),
  };
}

/** One page. It asks for one row more than the page has, to know whether there is another page. */
export async function readPage(
  tables: Tables,
  filter: ListFilter,
  signal: AbortSignal | undefined,
): Promise<Page> {
  const rows = await tables.list(
    { ...filter, limit: filter.limit + 1 },
    signal,
  );
  const jobs = rows.slice(0, filter.limit);
  const last = jobs.at(-1);
  return {
    jobs,
    next: rows.length > jobs.length && last ? last.id : null,
  };
}

function asArray<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return isArray(value) ? value : [value];
}

function isArray<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** Ids are ordered by time: a page starts below the last id of the previous one. */
function readCursor(cursor: string): string {
  if (!isId(cursor)) {
    throw new ArgumentError(
      "Cannot list jobs: cursor must be `next` of the page before",
      "Leave it out for the first page",
    );
  }
  return cursor.toLowerCase();
}
