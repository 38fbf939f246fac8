/** No file is longer than a person can read in one go. */
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { projectFiles } from "./files.ts";
import { firstMigration } from "../schema/made-files.ts";

const limit = 400;
const suffixes = [".ts", ".tsx", ".js", ".mjs", ".sql", ".css", ".html", ".sh"];

/** Names the files of more than 400 lines, except the migration, which is generated from shorter files. */
export async function checkLengths(): Promise<string | undefined> {
  const found: string[] = [];
  for (const file of await projectFiles(suffixes)) {
    if (file === firstMigration) continue;
    const text = await Deno.readTextFile(join(projectRoot, file));
    const lines = text.split("\n").length - 1;
    if (lines > limit) found.push(`${file} has ${lines} lines; split it, ${limit} is the limit`);
  }
  return found.length > 0 ? found.join("\n") : undefined;
}
