/**
 * Builds packages/dev/dist: JavaScript and types, file by file, since Deno runs no TypeScript out of node_modules. The types are
 * checked by `npm run check`, with Deno's own; here they are only written.
 */
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** Read where the program runs. */
const data = ["postgres/bootstrap", "postgres/extensions"];

/** @param folder is emptied first: a file that is gone from the sources must not be published */
export async function buildDev(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const { success, stdout } = await new Deno.Command("node", {
    args: [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      join(root, "packages/dev/tsconfig.build.json"),
      "--outDir",
      folder,
    ],
  }).output();
  if (!success) throw new Error(`Cannot build dev: ${new TextDecoder().decode(stdout)}`);
  for (const path of data) {
    await cp(join(root, "packages/dev", path), join(folder, "dev", path), { recursive: true });
  }
  await renameTypeImports(folder);
}

/** TypeScript names the sources in declarations, and Deno looks for just what is named. */
async function renameTypeImports(folder: string): Promise<void> {
  for (const path of await readdir(folder, { recursive: true })) {
    if (!path.endsWith(".d.ts")) continue;
    const file = join(folder, path);
    const text = await readFile(file, "utf8");
    const renamed = text.replaceAll(/(["'])(\.{1,2}\/[^"'\n]+)(?<!\.d)\.ts\1/g, "$1$2.js$1");
    if (renamed !== text) await writeFile(file, renamed);
  }
}

if (import.meta.main) await buildDev(join(root, "packages/dev/dist"));
