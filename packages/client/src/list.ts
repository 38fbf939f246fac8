/** Lists of jobs, page by page. */
import { checkLimit, checkStatuses } from "./check.ts";
import type { ListFilter, Tables } from "./data/tables.ts";
import { ArgumentError } from "./errors.ts";
import type { JobStatus, JobSummary } from "./types/job.ts";

export interface ListOptions<Name extends string = string> {
  status?: JobStatus | readonly JobStatus[];
  profile?: Name | readonly Name[];
  /** A text in what was asked or answered, upper or lower case. */
  search?: string;
  /** Jobs in a page: 1 to 200, 50 by default. */
  limit?: number;
  /** `next` of the page before. */
  cursor?: string;
  signal?: AbortSignal | undefined;
}

export interface Page<Name extends string = string> {
  /** Newest first. */
  jobs: JobSummary<Name>[];
  /** What `cursor` is for the next page; null on the last. */
  next: string | null;
}

/** @throws ArgumentError for what cannot be a filter */
export function readListOptions(options: ListOptions): ListFilter {
  const { limit = 50, search, cursor } = options;
  checkLimit(limit);
  const status = asArray(options.status);
  checkStatuses(status);
  return {
    status,
    limit,
    profile: asArray(options.profile),
    search: search?.trim() ? quote(`%${search.trim().replace(/[\\%_*]/g, "_")}%`) : undefined,
    after: cursor === undefined ? undefined : readCursor(cursor),
  };
}

/** One page. A row more than the page holds is asked for: it says whether there is another. */
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
    next: rows.length > jobs.length && last ? writeCursor(last) : null,
  };
}

function asArray<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return isArray(value) ? value : [value];
}

function isArray<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** Quoted as PostgREST wants it in `or=(…)`. */
function quote(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function writeCursor({ created_at, id }: JobSummary): string {
  return `${created_at}_${id}`;
}

function readCursor(cursor: string): { created_at: string; id: string } {
  const [, created_at, id] = /^(\d{4}-\d\d-\d\dT[\d:.+-]+Z?)_([0-9a-f-]{36})$/.exec(cursor) ?? [];
  if (created_at === undefined || id === undefined) {
    throw new ArgumentError(
      "Cannot list jobs: cursor must be `next` of the page before",
      "Leave it out for the first page",
    );
  }
  return { created_at, id };
}
