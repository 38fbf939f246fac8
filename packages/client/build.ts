/** Builds packages/client/dist: JavaScript and types, file by file, so that bundlers can leave out unused ones. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** @param folder is emptied first, so that no deleted source is published */
export async function buildClient(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const { success, stdout } = await new Deno.Command("node", {
    args: [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      join(root, "packages/client"),
      "--outDir",
      folder,
    ],
  }).output();
  if (!success) throw new Error(`Cannot build the client: ${new TextDecoder().decode(stdout)}`);
}

if (import.meta.main) await buildClient(join(root, "packages/client/dist"));
