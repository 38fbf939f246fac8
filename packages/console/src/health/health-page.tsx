/** The state of the project: what needs attention, what is running, and how the last hours or days went. */
import { useMemo, useState } from "react";
import { useLocation } from "wouter";
import { useProject } from "../connection/context.ts";
import { noFilter, writeFilter } from "../jobs/filter.ts";
import { type FinalStatus, isFinal, jobStatuses } from "../../../client/src/generated/status.ts";
import type { HealthRow, Status } from "../data/schemas.ts";
import { FailureNotice } from "../ui/failure-notice.tsx";
import { StatusMark, statusNames } from "../ui/status.tsx";
import { formatDuration, formatTime, useNow } from "../ui/time.ts";
import { AnswerTimeChart, FallbackChart, JobsChart } from "./charts.tsx";
import { failedFindings, type Finding, findingsOf, ownFindings } from "./findings.ts";
import { bucketsOf, openByStatus, type Range, ranges, summary } from "./series.ts";
import { RoutesTable, ScheduleTable, WorkersTable } from "./tables.tsx";
import { activityLimit, useHealth } from "./use-health.ts";

export function HealthPage() {
  const { isOperator } = useProject();
  const [range, setRange] = useState<Range>(ranges[1]);
  const { activity, overview, routes, workers } = useHealth(range);
  const now = useNow();
  const parts = isOperator ? [activity, overview, routes, workers] : [activity];
  // All parts at once: a late one would push down what somebody is already reading.
  if (parts.some(({ isPending }) => isPending)) return <Waiting />;
  const open = activity.data && openByStatus(activity.data.rows);
  const findings = [
    ...(isOperator
      ? findingsOf(overview.data, routes.data ?? [], now)
      : ownFindings(open ?? new Map())),
    ...(activity.data ? failedFindings(activity.data.rows, activity.data.range.name) : []),
  ];
  return (
    <div className="health">
      <Headline
        findings={findings}
        isKnown={parts.every(({ isSuccess }) => isSuccess)}
      />
      {parts.map((query, index) =>
        query.isError && (
          <FailureNotice
            key={index}
            error={query.error}
            stale={query.data !== undefined}
            onRetry={() => void query.refetch()}
            retrying={query.isFetching}
          />
        )
      )}
      <NowNumbers
        health={overview.data?.health}
        open={open}
        isOperator={isOperator}
      />
      <div className="range" role="group" aria-label="Range of the charts">
        {ranges.map((one) => (
          <button
            key={one.name}
            type="button"
            className="chip"
            aria-pressed={one === range}
            onClick={() => setRange(one)}
          >
            {one.name}
          </button>
        ))}
      </div>
      <Charts data={activity.data} />
      {isOperator && (
        <>
          {routes.data && <RoutesTable routes={routes.data} now={now} />}
          <div className="tables">
            {workers.data && <WorkersTable workers={workers.data} now={now} />}
            {overview.data && <ScheduleTable cron={overview.data.cron} now={now} />}
          </div>
        </>
      )}
    </div>
  );
}

function Waiting() {
  return <p className="health soft" role="status">Reading…</p>;
}

function Headline({ findings, isKnown }: { findings: Finding[]; isKnown: boolean }) {
  const [worst, ...others] = findings;
  return (
    <header className={`headline is-${worst?.tone ?? "fine"}`}>
      <h1>{worst?.text ?? (isKnown ? "All is well" : "Health")}</h1>
      {worst?.what && <p className="soft">{worst.what}</p>}
      {others.length > 0 && (
        <ul>
          {others.map(({ tone, text, what }) => (
            <li key={text} className={`is-${tone}`}>
              {text}
              {what && <span className="soft">{what}</span>}
            </li>
          ))}
        </ul>
      )}
    </header>
  );
}

const unfinished = jobStatuses.filter((
  status,
): status is Exclude<Status, FinalStatus> => !isFinal({ status }));

interface NowProps {
  health: HealthRow | undefined;
  open: ReturnType<typeof openByStatus> | undefined;
  isOperator: boolean;
}

function NowNumbers({ health, open, isOperator }: NowProps) {
  const [, go] = useLocation();
  const showJobs = (status: Status) => {
    writeFilter({ ...noFilter, statuses: [status] });
    go("/");
  };
  return (
    <dl className="numbers">
      {unfinished.map((status) => (
        <div key={status}>
          <dt>
            <button type="button" className="number-link" onClick={() => showJobs(status)}>
              <StatusMark status={status} /> {statusNames[status]}
            </button>
          </dt>
          <dd>{(health?.[status] ?? open?.get(status) ?? (open ? 0 : "–")).toLocaleString()}</dd>
        </div>
      ))}
      {isOperator && (
        <div>
          <dt>Oldest job that is due</dt>
          <dd>
            {health === undefined
              ? "–"
              : health.oldest_due_s === null
              ? "none"
              : formatDuration(health.oldest_due_s * 1000)}
          </dd>
        </div>
      )}
    </dl>
  );
}

function Charts({ data }: { data: ReturnType<typeof useHealth>["activity"]["data"] }) {
  const drawn = useMemo(() =>
    data && {
      buckets: bucketsOf(data.rows, data.range, data.now),
      whole: summary(data.rows),
      range: data.range,
    }, [data]);
  if (drawn === undefined || data === undefined) return <div className="charts is-waiting" />;
  const oldest = data.rows.at(-1);
  return (
    <>
      <div className="charts">
        <JobsChart {...drawn} />
        <FallbackChart {...drawn} />
        <AnswerTimeChart {...drawn} />
      </div>
      {data.rows.length >= activityLimit && oldest && (
        <p className="soft">
          The charts hold the newest {activityLimit.toLocaleString()} jobs, back to{" "}
          {formatTime(oldest.created_at)}
        </p>
      )}
    </>
  );
}
