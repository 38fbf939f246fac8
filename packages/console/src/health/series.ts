/** Jobs of a period, counted in equal intervals by the time at which they were accepted. */
import { isFinal } from "../../../client/src/index.ts";
import type { ActivityRow, Status } from "../data/schemas.ts";

export const ranges = [
  { name: "1 hour", ms: 3_600_000, buckets: 30 },
  { name: "24 hours", ms: 86_400_000, buckets: 48 },
  { name: "7 days", ms: 7 * 86_400_000, buckets: 56 },
] as const;
export type Range = (typeof ranges)[number];

/** The groups of jobs, in the order in which the bars are stacked. */
export const groups = ["completed", "open", "person", "cancelled", "failed"] as const;
export type Group = (typeof groups)[number];

export interface Bucket {
  /** In ms since 1970. */
  from: number;
  to: number;
  counts: Record<Group, number>;
  total: number;
  fellBack: number;
  /** Time from accepted to completed, in ms; undefined if nothing completed. */
  p50: number | undefined;
  p95: number | undefined;
}

const groupOf: Readonly<Record<Status, Group>> = {
  completed: "completed",
  failed: "failed",
  cancelled: "cancelled",
  awaiting_approval: "person",
  awaiting_tool_output: "person",
  needs_review: "person",
  background: "open",
  queued: "open",
  running: "open",
};

export function bucketsOf(rows: readonly ActivityRow[], range: Range, now: number): Bucket[] {
  const size = range.ms / range.buckets;
  const start = now - range.ms;
  const inBucket: ActivityRow[][] = Array.from({ length: range.buckets }, () => []);
  for (const row of rows) {
    const index = Math.min(Math.floor((row.created_at - start) / size), range.buckets - 1);
    inBucket[index]?.push(row);
  }
  return inBucket.map((these, index) => ({
    from: start + index * size,
    to: start + (index + 1) * size,
    ...summary(these),
  }));
}

export function summary(rows: readonly ActivityRow[]): Omit<Bucket, "from" | "to"> {
  const counts = { completed: 0, open: 0, person: 0, cancelled: 0, failed: 0 };
  for (const { status } of rows) counts[groupOf[status]] += 1;
  const took = rows.flatMap(({ status, created_at, finished_at }) =>
    status === "completed" && finished_at !== null ? finished_at - created_at : []
  ).sort((one, other) => one - other);
  return {
    counts,
    total: rows.length,
    fellBack: rows.filter(({ fallback_reason }) => fallback_reason !== null).length,
    p50: percentile(took, 0.5),
    p95: percentile(took, 0.95),
  };
}

/** Jobs by status, as far as these rows show. */
export function openByStatus(rows: readonly ActivityRow[]): Map<Status, number> {
  const counts = new Map<Status, number>();
  for (const { status } of rows) {
    if (!isFinal({ status })) counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return counts;
}

function percentile(sorted: readonly number[], part: number): number | undefined {
  return sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)];
}
