/** How long a worker lives, and what it does in each part of its life. */
import { workerAgeMs } from "../platform/runtime.ts";

/** After this part of its life, a worker claims nothing more, and asks its runs to end at the next boundary. */
const claimUntil = 0.75;
/** After this part, it hands over what still runs, before the platform's own warning at 0.9. */
const handOverAt = 0.87;
/** After this part, it waits for nothing more: it must finish its writes before the platform ends it. */
const waitUntil = 0.97;
/** How long a process that is ending waits for the end of a call, in ms. */
const processGraceMs = 4_000;
/** A run that got this part of the usable life has had a fair chance. */
const fullLife = 0.75;

/** How much of a worker's life is left, by its measured age: it may have been warm when it was woken. */
export interface Life {
  readonly kind: "edge" | "process";
  mayClaim(): boolean;
  /** Time until runs should end at the next boundary between items, in ms. */
  boundaryInMs(): number;
  /** Time until everything must be handed over, in ms. */
  handOverInMs(): number;
  /** How long a hand-over may wait for the end of a call, in ms. */
  graceInMs(): number;
  /** How much time a run can have on a fresh worker, in ms; null without a wall clock. */
  readonly fullLifeMs: number | null;
}

/** The life of a worker that the platform ends after `wallClockMs`. */
export function lifeOf(wallClockMs: number, ageMs: () => number = workerAgeMs): Life {
  return {
    kind: "edge",
    mayClaim: () => ageMs() < wallClockMs * claimUntil,
    boundaryInMs: () => wallClockMs * claimUntil - ageMs(),
    handOverInMs: () => wallClockMs * handOverAt - ageMs(),
    graceInMs: () => Math.max(0, wallClockMs * waitUntil - ageMs()),
    fullLifeMs: Math.floor(wallClockMs * handOverAt * fullLife),
  };
}

/** The life of a plain process, which ends on a signal. */
export const unlimitedLife: Life = {
  kind: "process",
  mayClaim: () => true,
  boundaryInMs: () => Infinity,
  handOverInMs: () => Infinity,
  graceInMs: () => processGraceMs,
  fullLifeMs: null,
};
