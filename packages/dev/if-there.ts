/** Files and folders that may be missing. Only that they are missing is passed over. */
import { join } from "node:path";

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

/** Name and text of each file in a folder, in the order of their names; none if there is no such folder. */
export async function textFilesIn(folder: string): Promise<{ name: string; text: string }[]> {
  const entries = ifThereNow(() => [...Deno.readDirSync(folder)]) ?? [];
  const names = entries.filter(({ isFile }) => isFile).map(({ name }) => name).sort();
  return await Promise.all(
    names.map(async (name) => ({ name, text: await Deno.readTextFile(join(folder, name)) })),
  );
}
