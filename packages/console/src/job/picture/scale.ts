/**
 * The picture's time axis. It is linear, except for long periods in which nothing happened: those are shortened, marked as
 * broken, and labeled with their real length. Otherwise a job that waited a day for a yes would show nothing else.
 */
import type { Phase } from "./phases.ts";

export interface Piece {
  from: number;
  to: number;
  /** Place on the axis, 0 to 1. */
  x0: number;
  x1: number;
  broken: boolean;
}

export interface Tick {
  x: number;
  /** In ms since the job was accepted. */
  ms: number;
}

export interface Scale {
  pieces: Piece[];
  /** Place of a time on the axis, 0 to 1. Times outside are placed at its ends. */
  at(time: number): number;
  ticks: Tick[];
}

/** A quiet period that is this many times as long as all eventful ones together is shortened … */
const breaksAbove = 4;
/** … to this share of everything that is not shortened, which leaves room for its label. */
const brokenShare = 0.17;
const wantedTicks = 7;

/** @param events times at which something happened, in ms since 1970 */
export function createScale(phases: readonly Phase[], events: readonly number[]): Scale {
  const spans = phases.filter(({ from, to }) => to > from);
  const first = phases[0]?.from ?? 0;
  const isQuiet = ({ from, to }: Phase) => !events.some((time) => time > from && time < to);
  const eventful = sum(spans.filter((phase) => !isQuiet(phase)).map(({ from, to }) => to - from));
  const quiet = spans.filter(isQuiet).map(({ from, to }) => to - from).sort((a, b) => a - b);
  // If no period is eventful, quiet ones are measured against twice their median.
  const measure = eventful || (quiet[Math.floor((quiet.length - 1) / 2)] ?? 0) * 2;

  const breaksAt = (phase: Phase) =>
    isQuiet(phase) && phase.to - phase.from > measure * breaksAbove;
  const whole = sum(spans.filter((phase) => !breaksAt(phase)).map(({ from, to }) => to - from));
  const cut = Math.max(whole * brokenShare, 1);

  const weights = spans.map((phase) => {
    const length = phase.to - phase.from;
    const breaks = breaksAt(phase);
    return { phase, breaks, weight: breaks ? cut : length };
  });
  const total = sum(weights.map(({ weight }) => weight)) || 1;
  let x = 0;
  const pieces = weights.map(({ phase: { from, to }, breaks, weight }): Piece => {
    const piece = { from, to, x0: x, x1: x + weight / total, broken: breaks };
    x = piece.x1;
    return piece;
  });
  const at = (time: number) => place(pieces, time);
  return { pieces, at, ticks: ticksOf(pieces, first, total) };
}

function place(pieces: readonly Piece[], time: number): number {
  const piece = pieces.find(({ to }) => time <= to) ?? pieces.at(-1);
  if (piece === undefined) return 0;
  const part = (time - piece.from) / Math.max(piece.to - piece.from, 1);
  return piece.x0 + (piece.x1 - piece.x0) * Math.min(Math.max(part, 0), 1);
}

function ticksOf(pieces: readonly Piece[], first: number, shown: number): Tick[] {
  const step = niceStep(shown / wantedTicks);
  const ticks: Tick[] = [];
  for (const piece of pieces) {
    if (piece.broken) continue;
    const begin = Math.ceil((piece.from - first) / step);
    for (let count = begin; first + count * step <= piece.to; count++) {
      const x = place(pieces, first + count * step);
      // Labels must not overlap.
      if (ticks.length === 0 || x - (ticks.at(-1)?.x ?? 0) > 0.6 / wantedTicks) {
        ticks.push({ x, ms: count * step });
      }
    }
  }
  return ticks;
}

const seconds = 1000;
const minutes = 60 * seconds;
const hours = 60 * minutes;
const steps = [
  1,
  2,
  5,
  10,
  20,
  50,
  100,
  200,
  500,
  ...[1, 2, 5, 10, 15, 30].map((count) => count * seconds),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minutes),
  ...[1, 2, 3, 6, 12, 24, 48, 168].map((count) => count * hours),
];

function niceStep(wanted: number): number {
  return steps.find((step) => step >= wanted) ?? Math.ceil(wanted / (24 * hours)) * 24 * hours;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
