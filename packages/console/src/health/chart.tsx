/** What the charts share: their size, their axes, and the same numbers as a table for those who cannot see them. */
import { AxisBottom, AxisLeft } from "@visx/axis";
import { scaleLinear, scaleLog } from "@visx/scale";
import type { ReactNode } from "react";
import { useWidth } from "../ui/use-width.ts";
import type { Bucket, Range } from "./series.ts";

const height = 150;
const margin = { top: 10, right: 4, bottom: 22, left: 44 };
/** About half of a time's width: closer to the right edge, a label under the middle of its tick would be cut. */
const halfLabel = 24;

export interface Plane {
  /** Time, in ms since 1970, to px. */
  x(time: number): number;
  /** Value to px. */
  y(value: number): number;
  bottom: number;
}

interface Props {
  title: string;
  /** The number for the whole range, next to the title. */
  value: ReactNode;
  buckets: Bucket[];
  range: Range;
  /** The highest value that is shown. */
  max: number;
  /** For values of very different sizes: where the axis starts, and its labels. */
  log?: { min: number; ticks: number[] };
  format(value: number): string;
  /** One row of the table: a column's name and its value. */
  describe(bucket: Bucket): Record<string, string>;
  children(plane: Plane): ReactNode;
}

export function Chart(props: Props) {
  const { title, value, buckets, range, max, log, format, describe, children } = props;
  const [element, width] = useWidth<HTMLDivElement>();
  const from = buckets[0]?.from ?? 0;
  const to = buckets.at(-1)?.to ?? 1;
  const x = scaleLinear({
    domain: [from, to],
    range: [margin.left, Math.max(width - margin.right, margin.left)],
  });
  const heights = [height - margin.bottom, margin.top];
  const y = log
    ? scaleLog({ domain: [log.min, Math.max(max, log.min * 10)], range: heights, clamp: true })
    : scaleLinear({ domain: [0, max || 1], range: heights, nice: 4 });
  const plane: Plane = { x: (time) => x(time), y: (at) => y(at), bottom: height - margin.bottom };
  const ticks = log ? log.ticks.filter((at) => at <= max) : y.ticks(3);
  return (
    <figure className="chart">
      <figcaption>
        <span className="label">{title}</span>
        <strong>{value}</strong>
      </figcaption>
      <div ref={element} className="chart-plane" style={{ height }}>
        {width > 0 && (
          <svg width={width} height={height} aria-hidden="true">
            {ticks.map((at) => (
              <line key={at} className="grid" x1={margin.left} x2={width} y1={y(at)} y2={y(at)} />
            ))}
            {children(plane)}
            <AxisLeft
              scale={y}
              left={margin.left}
              tickValues={ticks}
              tickFormat={(at) => format(Number(at))}
              hideTicks
              hideAxisLine
              tickLabelProps={{ className: "axis-text", dx: -4, dy: 3, textAnchor: "end" }}
            />
            <AxisBottom
              scale={x}
              top={height - margin.bottom}
              tickValues={timeTicks(from, to, width)}
              tickFormat={(at) => timeText(Number(at), range)}
              tickLength={4}
              axisLineClassName="axis-line"
              tickClassName="axis-tick"
              tickLabelProps={(at) => ({
                className: "axis-text",
                textAnchor: x(Number(at)) > width - halfLabel ? "end" : "middle",
              })}
            />
          </svg>
        )}
      </div>
      <ChartTable title={title} buckets={buckets} range={range} describe={describe} />
    </figure>
  );
}

function ChartTable(
  { title, buckets, range, describe }: Pick<Props, "title" | "buckets" | "range" | "describe">,
) {
  const columns = Object.keys(buckets[0] ? describe(buckets[0]) : {});
  return (
    // The box hides the table, because a table is as large as its rows, whatever its style says.
    <div className="visually-hidden">
      <table>
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            {columns.map((column) => <th scope="col" key={column}>{column}</th>)}
          </tr>
        </thead>
        <tbody>
          {buckets.filter(({ total }) => total > 0).map((bucket) => (
            <tr key={bucket.from}>
              <th scope="row">{timeText(bucket.from, range)}</th>
              {Object.values(describe(bucket)).map((value, index) => <td key={index}>{value}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whole quarters, hours or days, as many as fit. */
function timeTicks(from: number, to: number, width: number): number[] {
  const wanted = Math.max(2, Math.floor(width / 90));
  const minute = 60_000;
  const step = [5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1440, 2880]
    .map((minutes) => minutes * minute).find((size) => (to - from) / size <= wanted) ?? to - from;
  const offset = new Date(from).getTimezoneOffset() * minute;
  const first = Math.ceil((from - offset) / step) * step + offset;
  const ticks: number[] = [];
  for (let at = first; at <= to; at += step) ticks.push(at);
  return ticks;
}

const hourText = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});
const dayText = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric" });

function timeText(time: number, range: Range): string {
  return (range.ms > 2 * 86_400_000 ? dayText : hourText).format(time);
}
