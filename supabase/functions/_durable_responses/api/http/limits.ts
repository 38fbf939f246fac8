/** Longest that a caller may wait for an answer, ms: the platform wants the first byte within 150 s. */
export const maxWaitMs = 120_000;

/** The part of a worker's life in which it may still hold a request open. */
export const usableLife = 0.85;
