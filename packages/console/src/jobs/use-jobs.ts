/** The list: pages by keyset on scrolling, plus new and changed jobs, without reading everything again. */
import {
  type InfiniteData,
  keepPreviousData,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { isFinal } from "../../../client/src/index.ts";
import { useProject } from "../connection/context.ts";
import { type Cursor, type JobFilter, rowsPerPage } from "../data/project.ts";
import { type ListedJob } from "../data/schemas.ts";
import { useNews } from "./use-news.ts";

interface Page {
  jobs: ListedJob[];
  total: number | undefined;
}
type Pages = InfiniteData<Page, Cursor | undefined>;

/** The SDK reports changes of the first page. This finds changes below it. */
const refreshMs = 30_000;
const noJobs: ListedJob[] = [];

export function useJobs(filter: JobFilter) {
  const project = useProject();
  const queries = useQueryClient();
  const key = useMemo(() => ["jobs", filter] as const, [filter]);
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      project.listJobs(filter, pageParam ? { after: pageParam } : {}, signal),
    initialPageParam: undefined as Cursor | undefined,
    getNextPageParam: ({ jobs }) => jobs.length === rowsPerPage ? jobs.at(-1) : undefined,
    // Pages are never read again: the query below updates their rows.
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    // Rows that change are easier to read than rows that disappear and come back.
    placeholderData: keepPreviousData,
  });
  const jobs = useMemo(
    () => list.data?.pages.flatMap((page) => page.jobs) ?? noJobs,
    [list.data],
  );

  const changes = useQuery({
    queryKey: ["job-changes", filter],
    enabled: list.isSuccess,
    refetchInterval: refreshMs,
    queryFn: async ({ signal }) => {
      const pages = queries.getQueryData<Pages>(key)?.pages ?? [];
      const known = pages.flatMap((page) => page.jobs);
      const [first] = known;
      const open = known.filter(({ status }) => !isFinal({ status })).slice(
        0,
        rowsPerPage,
      );
      const [newer, changed] = await Promise.all([
        project.listJobs(filter, first ? { newerThan: first } : {}, signal),
        open.length > 0 ? project.listedJobs(open.map(({ id }) => id), signal) : [],
      ]);
      // A search returns its newest jobs again.
      return {
        newer: newer.jobs.filter(({ id }) => !first || id > first.id),
        changed,
      };
    },
  });

  const connection = useNews(filter, list.isSuccess, changes.refetch);

  const found = changes.data;
  useEffect(() => {
    if (found === undefined) return;
    // A full page: there may be more new jobs between these and the known ones. Start over.
    if (found.newer.length === rowsPerPage) void queries.resetQueries({ queryKey: key });
    else queries.setQueryData<Pages>(key, (pages) => pages && withChanges(pages, found));
  }, [found, key, queries]);

  return { ...list, jobs, total: list.data?.pages[0]?.total, changes, connection };
}

function withChanges(
  data: Pages,
  { newer, changed }: { newer: ListedJob[]; changed: ListedJob[] },
): Pages {
  const byId = new Map(changed.map((job) => [job.id, job]));
  const known = new Set(data.pages.flatMap((page) => page.jobs.map(({ id }) => id)));
  const added = newer.filter(({ id }) => !known.has(id));
  const isNews = (job: ListedJob) => byId.get(job.id)?.updated_at !== job.updated_at;
  const hasNews = data.pages.some((page) =>
    page.jobs.some((job) => byId.has(job.id) && isNews(job))
  );
  if (added.length === 0 && !hasNews) return data;
  return {
    ...data,
    pages: data.pages.map((page, index) => ({
      total: page.total === undefined ? undefined : page.total + added.length,
      jobs: [...(index === 0 ? added : []), ...page.jobs.map((job) => byId.get(job.id) ?? job)],
    })),
  };
}
