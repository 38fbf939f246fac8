import { workerAgeMs } from "../platform.ts";

/** Past this part of its life a worker claims nothing more: what it starts should have a chance to finish. */
const CLAIM_UNTIL = 0.7;
/** Past this part it hands over what still runs, before the platform's own warning at 0.9. */
const HAND_OVER_AT = 0.85;

/** How much of a worker's life is left, by its measured age: it may have been warm when it was woken. */
export interface Life {
  mayClaim(): boolean;
  /** Until everything must be handed over, ms; Infinity for a worker with no wall clock. */
  handOverInMs(): number;
}

/** The life of a worker that the platform ends after `wallClockMs`. */
export function lifeOf(wallClockMs: number, ageMs: () => number = workerAgeMs): Life {
  return {
    mayClaim: () => ageMs() < wallClockMs * CLAIM_UNTIL,
    handOverInMs: () => wallClockMs * HAND_OVER_AT - ageMs(),
  };
}
