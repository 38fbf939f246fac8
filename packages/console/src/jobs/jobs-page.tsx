/** The list of jobs. A selected job is shown next to it, or instead of it on narrow screens. */
import { useCallback, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { searchedJobs } from "../../../client/src/index.ts";
import { useOpened } from "../connection/context.ts";
import { JobPage } from "../job/job-page.tsx";
import { Button } from "../ui/button.tsx";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { LiveMark } from "../ui/live-mark.tsx";
import { useKeys } from "../ui/keys.ts";
import { isFiltered, noFilter, useFilter } from "./filter.ts";
import { FilterBar } from "./filter-bar.tsx";
import { JobList } from "./job-list.tsx";
import { useJobs } from "./use-jobs.ts";

export function JobsPage({ selected }: { selected?: string }) {
  const [filter, setFilter] = useFilter();
  const { config, project } = useOpened();
  const { jobs, total, changes, connection, ...list } = useJobs(filter);
  const [, go] = useLocation();
  const search = useRef<HTMLInputElement>(null);
  const [active, setActive] = useState<string | undefined>(selected);

  const step = (by: number) => {
    const from = jobs.findIndex(({ id }) => id === (active ?? selected));
    const next = jobs[Math.min(Math.max(from + by, 0), jobs.length - 1)];
    if (!next) return;
    setActive(next.id);
    // If a job is shown next to the list, it follows the selection.
    if (selected !== undefined) go(`/jobs/${next.id}`, { replace: true });
  };
  useKeys({
    j: () => step(1),
    ArrowDown: () => step(1),
    k: () => step(-1),
    ArrowUp: () => step(-1),
    "/": () => search.current?.focus(),
    Escape: () => selected === undefined ? setActive(undefined) : go("/"),
    ...(active !== undefined && { Enter: () => go(`/jobs/${active}`) }),
  });

  const profiles = useMemo(() => {
    const seen = jobs.slice(0, 1000).map(({ profile }) => profile);
    return [...new Set([...config.profiles, ...seen, ...(filter.profile ? [filter.profile] : [])])]
      .sort();
  }, [jobs, config, filter.profile]);
  const { fetchNextPage } = list;
  const onEnd = useCallback(() => void fetchNextPage(), [fetchNextPage]);
  const change = useCallback((next: typeof filter) => setFilter(next), [setFilter]);

  return (
    <div className={`jobs-page ${selected === undefined ? "" : "has-job"}`}>
      <section className="list-pane" aria-label="List of jobs">
        <h1 className="visually-hidden">Jobs</h1>
        <FilterBar filter={filter} profiles={profiles} search={search} onChange={change} />
        {list.isError && (
          <FailureNotice
            error={list.error}
            onRetry={() => void (jobs.length > 0 ? list.fetchNextPage() : list.refetch())}
            retrying={list.isFetching}
          />
        )}
        {changes.isError && !list.isError && (
          <FailureNotice
            stale
            error={changes.error}
            onRetry={() => void changes.refetch()}
            retrying={changes.isFetching}
          />
        )}
        {list.isSuccess && !list.isPlaceholderData && jobs.length === 0
          ? (
            <NothingHere
              filtered={isFiltered(filter)}
              onClear={() => setFilter(noFilter)}
            />
          )
          : (
            <JobList
              jobs={jobs}
              total={total}
              selected={selected}
              active={active}
              hasMore={list.hasNextPage && !list.isFetchNextPageError}
              isLoadingMore={list.isFetchingNextPage || list.isPlaceholderData}
              isStale={list.isPlaceholderData}
              onEnd={onEnd}
            />
          )}
        <div className="list-foot">
          <p role="status">
            {list.isPending || list.isPlaceholderData
              ? "Loading…"
              : total === undefined
              ? `${countOf(jobs.length)}${
                list.hasNextPage ? " so far" : ""
              }, searched the newest ${searchedJobs.toLocaleString()} jobs`
              : `${jobs.length.toLocaleString()} of ${total.toLocaleString()} jobs${
                project.isOperator ? "" : " of yours"
              }`}
          </p>
          {connection && <LiveMark state={connection} />}
        </div>
      </section>
      {selected !== undefined && <JobPage key={selected} id={selected} />}
    </div>
  );
}

function countOf(jobs: number): string {
  return `${jobs.toLocaleString()} ${jobs === 1 ? "job" : "jobs"}`;
}

function NothingHere(
  { filtered, onClear }: { filtered: boolean; onClear(): void },
) {
  const [, go] = useLocation();
  return (
    <div className="nothing">
      <p>{filtered ? "No job matches." : "No jobs yet."}</p>
      {filtered
        ? <Button onClick={onClear}>Show all</Button>
        : <Button look="solid" onClick={() => go("/new")}>Ask the first query</Button>}
    </div>
  );
}
