/** The stand-ins for pg_cron, pg_net and Vault: SQL-only extensions, put where the server looks for extensions. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ifThere, textFilesIn } from "../if-there.ts";

const source = fileURLToPath(new URL("extensions", import.meta.url));

export const extensionFiles = () => textFilesIn(source);

/** Copies what is new or changed. Two runs may do it at once: each file is put in its place whole. */
export async function installExtensions(extensionFolder: string): Promise<void> {
  for (const { name, text } of await extensionFiles()) {
    const target = join(extensionFolder, name);
    if (await ifThere(Deno.readTextFile(target)) === text) continue;
    const unfinished = `${target}.${Deno.pid}.${crypto.randomUUID()}`;
    try {
      await Deno.writeTextFile(unfinished, text, { mode: 0o644 });
      await Deno.rename(unfinished, target);
    } catch (cause) {
      throw new Error(
        `Cannot install the stand-in extension '${name}': '${extensionFolder}' must be writable`,
        { cause },
      );
    }
  }
}
