/** How long a caller may wait for an answer, in ms. The platform requires the first byte within 150 s. */
export const maxWaitMs = 120_000;

/** The part of a worker's life during which it may keep a request open. */
export const usableLife = 0.85;
