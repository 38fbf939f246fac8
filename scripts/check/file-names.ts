/** File names are kebab-case. SQL files have a number in front and underscores, as the Supabase CLI writes them. */
import { projectFiles } from "./files.ts";

const code =
  /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*\.(?:ts|tsx|js|mjs|css|html)$/;
const sql = /^\d+[_-][a-z0-9]+(?:[_-][a-z0-9]+)*\.sql$/;
const suffixes = [".ts", ".tsx", ".js", ".mjs", ".css", ".html", ".sql"];

/** Postgres finds an extension's files by the extension's name. */
const namedByPostgres = /^packages\/dev\/postgres\/extensions\//;

export async function checkFileNames(): Promise<string | undefined> {
  const wrong = wrongFileNames(await projectFiles(suffixes));
  return wrong.length > 0 ? wrong.join("\n") : undefined;
}

/** One sentence for each. @param files paths from the root */
export function wrongFileNames(files: string[]): string[] {
  return files.flatMap((file) => {
    const name = file.slice(file.lastIndexOf("/") + 1);
    if (namedByPostgres.test(file)) return [];
    if (name.endsWith(".sql")) {
      return sql.test(name) ? [] : [`${file}: name it like '11_steps.sql'`];
    }
    return code.test(name) ? [] : [`${file}: name it in kebab-case, like 'step-writer.ts'`];
  });
}
