/** The jobs, newest first. Only the visible rows exist, and further pages load on scrolling. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { flushSync } from "react-dom";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ListedJob } from "../data/schemas.ts";
import { useNow } from "../ui/time.ts";
import { JobRow } from "./job-row.tsx";

const rowHeights = { wide: 34, narrow: 60 };
/** Below this width, in px, a job takes two lines. */
const narrowBelow = 960;
/** How many rows before the end the next page is requested. */
const ahead = 60;

interface Props {
  jobs: ListedJob[];
  total: number | undefined;
  selected: string | undefined;
  active: string | undefined;
  hasMore: boolean;
  isLoadingMore: boolean;
  /** The rows belong to the previous filter, and the new filter's jobs are being loaded. */
  isStale: boolean;
  onEnd(): void;
}

const headings = [
  "Status",
  "Query",
  "Fallback or error",
  "Profile",
  "Time spent",
  "Took",
  "Age",
];

export function JobList(
  { jobs, total, selected, active, hasMore, isLoadingMore, isStale, onEnd }: Props,
) {
  const scroller = useRef<HTMLDivElement>(null);
  const isNarrow = useIsNarrow(scroller);
  const rowHeight = isNarrow ? rowHeights.narrow : rowHeights.wide;
  const now = useNow();
  const rows = useVirtualizer({
    count: jobs.length,
    getScrollElement: useCallback(() => scroller.current, []),
    estimateSize: useCallback(() => rowHeight, [rowHeight]),
    // With a new function at each render, it would measure all rows again.
    getItemKey: useCallback((index: number) => jobs[index]?.id ?? index, [jobs]),
    overscan: 12,
  });
  useEffect(() => rows.measure(), [rows, rowHeight]);
  useKeepInPlace(scroller, jobs, rowHeight);

  const inSight = rows.getVirtualItems();
  const last = inSight.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && !isLoadingMore && last >= jobs.length - ahead) onEnd();
  }, [hasMore, isLoadingMore, last, jobs.length, onEnd]);

  const activeIndex = active === undefined ? -1 : jobs.findIndex(({ id }) => id === active);
  useEffect(() => {
    if (activeIndex < 0) return;
    rows.scrollToIndex(activeIndex, { align: "auto" });
    // The row exists after the scroll; its link takes the focus, so that Enter opens it.
    const frame = requestAnimationFrame(() => {
      scroller.current?.querySelector<HTMLElement>(`a[data-index="${activeIndex}"]`)
        ?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
    // Not on activeIndex: a new row above must not move the focus.
  }, [active]);

  return (
    <div
      role="table"
      aria-label="Jobs, newest first"
      aria-busy={isStale}
      aria-rowcount={(total ?? jobs.length) + 1}
      className={`jobs ${isNarrow ? "is-narrow" : ""}`}
    >
      <div role="rowgroup" className="jobs-head">
        <div role="row" aria-rowindex={1} className="row-head">
          {headings.map((heading) => <span role="columnheader" key={heading}>{heading}</span>)}
        </div>
      </div>
      <div role="rowgroup" className="jobs-scroll" ref={scroller} data-testid="jobs-scroll">
        <div role="presentation" className="jobs-rows" style={{ height: rows.getTotalSize() }}>
          {inSight.map(({ index, start, key }) => {
            const job = jobs[index];
            return job && (
              <JobRow
                key={key}
                job={job}
                index={index}
                top={start}
                height={rowHeight}
                isSelected={job.id === selected}
                isActive={job.id === active}
                now={now}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

function useIsNarrow(element: React.RefObject<HTMLElement | null>): boolean {
  const [isNarrow, setIsNarrow] = useState(() => innerWidth < narrowBelow);
  useLayoutEffect(() => {
    const measured = element.current;
    if (measured === null) return;
    const observer = new ResizeObserver(() =>
      // Before the paint, so that the rows never appear in the other form.
      flushSync(() => setIsNarrow(measured.clientWidth < narrowBelow))
    );
    observer.observe(measured);
    return () => observer.disconnect();
  }, [element]);
  return isNarrow;
}

/** New jobs at the top do not move the rows that somebody is reading. */
function useKeepInPlace(
  scroller: React.RefObject<HTMLElement | null>,
  jobs: ListedJob[],
  rowHeight: number,
): void {
  const first = useRef<string>(undefined);
  useLayoutEffect(() => {
    const before = first.current;
    first.current = jobs[0]?.id;
    if (before === undefined || before === first.current || !scroller.current) return;
    const added = jobs.slice(0, 200).findIndex(({ id }) => id === before);
    if (added > 0 && scroller.current.scrollTop > 0) {
      scroller.current.scrollTop += added * rowHeight;
    }
  }, [jobs, rowHeight, scroller]);
}
