import { memo } from "react";
import { isFinal } from "../../../client/src/index.ts";
import type { ListedJob } from "../data/schemas.ts";
import { StatusMark, statusNames } from "../ui/status.tsx";
import { formatAgo, formatDuration, formatTime } from "../ui/time.ts";
import { Strip } from "./strip.tsx";

interface Props {
  job: ListedJob;
  index: number;
  top: number;
  height: number;
  isSelected: boolean;
  isActive: boolean;
  /** In ms since 1970, in whole seconds, so that a row is drawn at most once a second. */
  now: number;
}

/** One job. A finished job is drawn once, and again only when the text of its age changes. */
export const JobRow = memo(function JobRow(props: Props) {
  const { job, index, top, height, isSelected, isActive, now } = props;
  const took = (job.finished_at ?? now) - job.created_at;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={`row ${isSelected ? "is-selected" : ""} ${isActive ? "is-active" : ""}`}
      style={{ height, transform: `translateY(${top}px)` }}
    >
      <span role="cell" className={`cell-status tone-${job.status}`}>
        <StatusMark status={job.status} />
        <span className="status-name">{statusNames[job.status]}</span>
      </span>
      <span role="cell" className="cell-query">
        <a
          href={`#/jobs/${job.id}`}
          data-index={index}
          tabIndex={isActive || (index === 0 && !isSelected) ? 0 : -1}
          aria-current={isSelected ? "true" : undefined}
        >
          {job.query ?? "Whole request from a server"}
        </a>
      </span>
      <span role="cell" className="cell-why">
        {job.error_code
          ? <code className="tone-failed">{job.error_code}</code>
          : job.fallback_reason && <code>{job.fallback_reason}</code>}
      </span>
      <span role="cell" className="cell-profile">{job.profile}</span>
      <span role="cell" className="cell-strip">
        <Strip life={job} now={now} />
      </span>
      <span role="cell" className="cell-took">
        {isFinal(job) ? formatDuration(took) : <em>{formatDuration(took)}</em>}
      </span>
      <time
        role="cell"
        className="cell-age"
        dateTime={new Date(job.created_at).toISOString()}
        title={formatTime(job.created_at)}
      >
        {formatAgo(now - job.created_at)}
      </time>
    </div>
  );
}, isSame);

function isSame(one: Props, other: Props): boolean {
  const { now: _one, ...before } = one;
  const { now, ...after } = other;
  const stays = Object.entries(after).every(([name, value]) =>
    Object.is(value, before[name as keyof typeof before])
  );
  return stays && isFinal(after.job) &&
    formatAgo(now - after.job.created_at) ===
      formatAgo(one.now - after.job.created_at);
}
