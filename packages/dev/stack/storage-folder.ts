/** Where Storage has its files: beside the database that is kept, or for as long as the stack runs. */
import { runFolder, tidyRunFolder } from "../run-folder.ts";
import type { Kept } from "./kept.ts";
import type { Part } from "./parts.ts";

export async function storageFolder(
  kept: Kept | undefined,
  durable: boolean,
): Promise<Part & { path: string }> {
  if (kept) {
    await Deno.mkdir(kept.storageFolder, { recursive: true, mode: 0o700 });
    return { path: kept.storageFolder, stop: () => Promise.resolve() };
  }
  const dir = runFolder(durable ? "disk" : "memory");
  const path = await Deno.makeTempDir({ dir, prefix: "storage-" });
  return {
    path,
    async stop() {
      await Deno.remove(path, { recursive: true });
      tidyRunFolder();
    },
  };
}
