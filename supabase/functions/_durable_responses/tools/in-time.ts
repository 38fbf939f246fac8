/** The time limit of a profile's conditions: one that hangs must not block a worker, or the function that reads a webhook. */

/** In ms: enough to ask a database, or a person's own service, but not a person. */
const conditionMs = 10_000;

/**
 * @throws what the condition throws, and Error if it has not answered in time; it then continues, but its answer is ignored
 */
export async function inTime<T>(condition: () => T | Promise<T>, ms = conditionMs): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it did not answer within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([condition(), late]);
  } finally {
    clearTimeout(timer);
  }
}
