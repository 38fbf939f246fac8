/** The bytes of objects: one file for each version, which is written once and never changed. */
import { join } from "node:path";
import { ifThere } from "../if-there.ts";

export interface Files {
  write(version: string, bytes: Uint8Array): Promise<void>;
  /** Undefined when there are none of that version (any more). */
  read(version: string): Promise<Uint8Array<ArrayBuffer> | undefined>;
  remove(versions: readonly string[]): Promise<void>;
}

/** A version may come out of a row that anybody wrote; only what names a file of ours leads to one. */
const versionShape = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function filesIn(folder: string): Files {
  const isOurs = (version: string) => versionShape.test(version);
  const pathOf = (version: string) => join(folder, version);
  return {
    async write(version, bytes) {
      await Deno.writeFile(pathOf(version), bytes, { mode: 0o600, createNew: true });
    },
    async read(version) {
      return isOurs(version) ? await ifThere(Deno.readFile(pathOf(version))) : undefined;
    },
    async remove(versions) {
      for (const version of versions.filter(isOurs)) await ifThere(Deno.remove(pathOf(version)));
    },
  };
}
