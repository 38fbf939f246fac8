/** Routes, workers and the schedule. */
import type { Overview, RouteRow, WorkerRow } from "../data/schemas.ts";
import { formatAgo, formatDuration } from "../ui/time.ts";

const breakerWords = { closed: "tried", open: "skipped", half_open: "probing" } as const;

export function RoutesTable({ routes, now }: { routes: RouteRow[]; now: number }) {
  return (
    <Table
      title="Routes"
      columns={["Route", "Background", "Failures in a row", "Paused", "Typical run", "Limit"]}
      empty="No routes yet: the first job creates one"
      rows={routes.map((route) => ({
        key: route.route,
        cells: [
          <code key="route">{route.route}</code>,
          <span key="breaker" className={`breaker breaker-${route.breaker}`}>
            {breakerWords[route.breaker]}
            {route.probe_at !== null && route.probe_at > now &&
              `, probe in ${formatDuration(route.probe_at - now)}`}
          </span>,
          route.background_failures === 0
            ? "0"
            : `${route.background_failures}, last ${route.last_failure ?? "unknown"}`,
          route.paused_until !== null && route.paused_until > now
            ? `${formatDuration(route.paused_until - now)} more: ${route.pause_reason}`
            : "no",
          route.typical_ms === null ? "unknown" : formatDuration(route.typical_ms),
          route.max_running === null ? "none" : `${route.max_running} at a time`,
        ],
      }))}
    />
  );
}

const workerKinds: Readonly<Record<WorkerRow["kind"], string>> = {
  edge: "Edge Function",
  process: "process",
  inline: "in place",
};

export function WorkersTable({ workers, now }: { workers: WorkerRow[]; now: number }) {
  return (
    <Table
      title="Workers"
      columns={["Worker", "Kind", "Up for", "Seen"]}
      empty="None now: one is woken when work is due"
      rows={workers.map(({ id, kind, started_at, seen_at }) => ({
        key: id,
        cells: [
          <code key="id">{id}</code>,
          workerKinds[kind],
          formatDuration(now - started_at),
          `${formatAgo(now - seen_at)} ago`,
        ],
      }))}
    />
  );
}

export function ScheduleTable({ cron, now }: { cron: Overview["cron"]; now: number }) {
  return (
    <Table
      title="Schedule"
      columns={["Cron job", "Every", "Last run", "Result"]}
      empty="No cron job of this project: run npx durable-responses doctor to fix it"
      rows={cron.map(({ name, schedule, active, last_at, last_status, last_message }) => ({
        key: name,
        cells: [
          <code key="name">{name}</code>,
          active ? schedule : `${schedule}, switched off`,
          last_at === null ? "not yet" : `${formatAgo(now - last_at)} ago`,
          last_status === null
            ? ""
            : (
              <span key="status" className={last_status === "failed" ? "tone-failed" : ""}>
                {last_status === "failed" ? `failed: ${last_message}` : last_status}
              </span>
            ),
        ],
      }))}
    />
  );
}

interface TableProps {
  title: string;
  columns: string[];
  rows: { key: string; cells: React.ReactNode[] }[];
  empty: string;
}

function Table({ title, columns, rows, empty }: TableProps) {
  return (
    <section className="table-section" aria-label={title}>
      <h2>{title}</h2>
      {rows.length === 0 ? <p className="soft">{empty}</p> : (
        // Focusable, so that it can be scrolled with the keyboard.
        <div className="table-scroll" tabIndex={0} role="region" aria-label={`${title}, table`}>
          <table>
            <thead>
              <tr>{columns.map((column) => <th scope="col" key={column}>{column}</th>)}</tr>
            </thead>
            <tbody>
              {rows.map(({ key, cells }) => (
                <tr key={key}>
                  {cells.map((cell, index) => <td key={columns[index]}>{cell}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
