/** Files and folders that may be missing. Only that they are missing is passed over. */

/** What the work gives; undefined when its file or folder is not there. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  return await work.catch((error: unknown) => orMissing(error));
}

/** The same for work that waits for nothing. */
export function ifThereNow<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    return orMissing(error);
  }
}

function orMissing(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return;
  throw error;
}
