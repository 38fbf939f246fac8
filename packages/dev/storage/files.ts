/** The bytes of objects: one file for each version, which is written once and never changed. */
import { join } from "node:path";

export interface Files {
  /** Keeps the bytes; gives their version. */
  write(bytes: Uint8Array): Promise<string>;
  /** Undefined when there are none of that version (any more). */
  read(version: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  remove(versions: readonly string[]): Promise<void>;
}

/** A version may come out of a row that anybody wrote; only what names a file of ours leads to one. */
const versionShape = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function filesIn(folder: string): Files {
  const pathOf = (version: string) =>
    versionShape.test(version) ? join(folder, version) : undefined;
  return {
    async write(bytes) {
      const version = crypto.randomUUID();
      await Deno.writeFile(join(folder, version), bytes, { mode: 0o600 });
      return version;
    },
    async read(version) {
      const path = pathOf(version);
      return path === undefined ? undefined : await Deno.readFile(path).catch(orMissing);
    },
    async remove(versions) {
      for (const version of versions) {
        const path = pathOf(version);
        if (path !== undefined) await Deno.remove(path).catch(orMissing);
      }
    },
  };
}

function orMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
