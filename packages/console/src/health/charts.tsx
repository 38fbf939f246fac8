/** The three charts of health: how many jobs, how many fell back, how long they took. */
import { LinePath } from "@visx/shape";
import { formatDuration } from "../ui/time.ts";
import { Chart } from "./chart.tsx";
import { type Bucket, type Group, groups, type Range } from "./series.ts";

interface Props {
  buckets: Bucket[];
  range: Range;
  /** The whole range. */
  whole: Omit<Bucket, "from" | "to">;
}

const groupNames: Readonly<Record<Group, string>> = {
  completed: "completed",
  open: "under way",
  person: "waits for an answer",
  cancelled: "cancelled",
  failed: "failed",
};

export function JobsChart({ buckets, range, whole }: Props) {
  return (
    <div className="chart-wide">
      <Chart
        title="Jobs accepted, by outcome"
        value={whole.total.toLocaleString()}
        max={Math.max(...buckets.map(({ total }) => total), 4)}
        format={(value) => value.toLocaleString()}
        describe={({ counts }) =>
          Object.fromEntries(groups.map((group) => [groupNames[group], String(counts[group])]))}
        buckets={buckets}
        range={range}
      >
        {({ x, y }) =>
          buckets.map((bucket) => (
            <g key={bucket.from}>
              {stack(bucket).map(({ group, low, high }) => (
                <rect
                  key={group}
                  className={`group-${group}`}
                  x={x(bucket.from) + 0.5}
                  width={Math.max(x(bucket.to) - x(bucket.from) - 1.5, 1)}
                  y={y(high)}
                  height={y(low) - y(high)}
                />
              ))}
            </g>
          ))}
      </Chart>
      <p className="legend">
        {groups.map((group) => (
          <span key={group}>
            <i className={`swatch group-${group}`} aria-hidden="true" />
            {groupNames[group]} {whole.counts[group].toLocaleString()}
          </span>
        ))}
      </p>
    </div>
  );
}

function stack({ counts }: Bucket) {
  let low = 0;
  return groups.filter((group) => counts[group] > 0).map((group) => {
    const part = { group, low, high: low + counts[group] };
    low = part.high;
    return part;
  });
}

export function FallbackChart({ buckets, range, whole }: Props) {
  const share = ({ fellBack, total }: { fellBack: number; total: number }) => fellBack / total;
  const known = buckets.filter(({ total }) => total > 0);
  return (
    <Chart
      title="Fallbacks"
      value={whole.total === 0 ? "–" : percent(share(whole))}
      max={1}
      format={percent}
      describe={(bucket) => ({ "fell back": percent(share(bucket)) })}
      buckets={buckets}
      range={range}
    >
      {({ x, y, bottom }) => (
        <>
          <path
            className="fallback-area"
            d={area(known, (one) => x(middle(one)), (one) => y(share(one)), bottom)}
          />
          <LinePath
            className="fallback-line"
            data={known}
            x={(bucket) => x(middle(bucket))}
            y={(bucket) => y(share(bucket))}
          />
          <OnlyDot
            className="fallback-dot"
            at={known}
            x={(one) => x(middle(one))}
            y={(one) => y(share(one))}
          />
        </>
      )}
    </Chart>
  );
}

type Timed = Bucket & { p50: number; p95: number };

export function AnswerTimeChart({ buckets, range, whole }: Props) {
  const known = buckets.filter((bucket): bucket is Timed =>
    bucket.p50 !== undefined && bucket.p95 !== undefined
  );
  const time = (ms: number | undefined) => ms === undefined ? "–" : formatDuration(ms);
  return (
    <Chart
      title="Time to answer, p50 and p95"
      value={
        <>
          {time(whole.p50)} <span className="soft">and</span> {time(whole.p95)}
        </>
      }
      max={Math.max(...known.map(({ p95 }) => p95), 60_000)}
      log={latencyAxis}
      format={formatTick}
      describe={({ p50, p95 }) => ({ p50: time(p50), p95: time(p95) })}
      buckets={buckets}
      range={range}
    >
      {({ x, y }) => (
        <>
          <path className="answer-band" d={band(known, (one) => x(middle(one)), y)} />
          <LinePath
            className="p95-line"
            data={known}
            x={(one) => x(middle(one))}
            y={(one) => y(one.p95)}
          />
          <LinePath
            className="p50-line"
            data={known}
            x={(one) => x(middle(one))}
            y={(one) => y(one.p50)}
          />
          <OnlyDot
            className="p95-dot"
            at={known}
            x={(one) => x(middle(one))}
            y={(one) => y(one.p95)}
          />
          <OnlyDot
            className="p50-dot"
            at={known}
            x={(one) => x(middle(one))}
            y={(one) => y(one.p50)}
          />
        </>
      )}
    </Chart>
  );
}

interface DotProps<B> {
  className: string;
  at: readonly B[];
  x(bucket: B): number;
  y(bucket: B): number;
}

/** Without this, a line through a single point would be only as large as it is thick. */
function OnlyDot<B>({ className, at: [only, ...more], x, y }: DotProps<B>) {
  if (only === undefined || more.length > 0) return null;
  return <circle className={className} cx={x(only)} cy={y(only)} r={4} />;
}

function area(
  buckets: readonly Bucket[],
  x: (bucket: Bucket) => number,
  y: (bucket: Bucket) => number,
  bottom: number,
): string {
  const [first] = buckets;
  const last = buckets.at(-1);
  if (first === undefined || last === undefined) return "";
  const top = buckets.map((bucket) => `${x(bucket)},${y(bucket)}`).join("L");
  return `M${x(first)},${bottom}L${top}L${x(last)},${bottom}Z`;
}

function band(
  buckets: readonly Timed[],
  x: (bucket: Bucket) => number,
  y: (value: number) => number,
): string {
  const upper = buckets.map((bucket) => `${x(bucket)},${y(bucket.p95)}`);
  const lower = buckets.map((bucket) => `${x(bucket)},${y(bucket.p50)}`).reverse();
  return upper.length === 0 ? "" : `M${[...upper, ...lower].join("L")}Z`;
}

function middle({ from, to }: Bucket): number {
  return (from + to) / 2;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** In ms, up to 10 h: a job that waits for a person takes a thousand times as long as one that does not. */
const latencyAxis = { min: 500, ticks: [1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000] };

function formatTick(ms: number): string {
  if (ms >= 3_600_000) return `${ms / 3_600_000} h`;
  return ms >= 60_000 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}
