/** What is made from the one place where a thing is defined: from supabase/schemas, and from the model of the functions. */
import { join } from "node:path";
import { stateDiagram } from "./diagram.ts";

/** The first migration, from the root. Until 0.1.0 is tagged it is the only one. */
export const firstMigration =
  "supabase/migrations/20261126000000_durable_responses.sql";

/** Where the state diagram stands. */
const diagramFile = "docs/architecture.md";
const diagramPlace = /(<!-- made by npm run schema -->\n)[^]*?(<!-- end -->)/;

/** The words for statuses. The client is published without the server's sources, so it has a copy. */
const statusFile = "supabase/functions/_durable_responses/model/status.ts";
const statusCopy = "packages/client/src/generated/status.ts";

/** A file that `npm run schema` writes; the path is from the root. */
export interface MadeFile {
  path: string;
  text: string;
}

/** @param root the folder that holds `supabase/`, `docs/` and `packages/` */
export async function madeFiles(root: string): Promise<MadeFile[]> {
  const migration = await readSchemas(root);
  const docs = await Deno.readTextFile(join(root, diagramFile));
  if (!diagramPlace.test(docs)) {
    throw new Error(
      `Cannot find the place of the diagram in ${diagramFile}: <!-- made by npm run schema -->`,
    );
  }
  const diagram = stateDiagram(migration);
  const statuses = await Deno.readTextFile(join(root, statusFile));
  return [
    { path: firstMigration, text: migration },
    {
      path: diagramFile,
      text: docs.replace(
        diagramPlace,
        (_, before, after) => `${before}${diagram}${after}`,
      ),
    },
    {
      path: statusCopy,
      text: `// Made by npm run schema of ${statusFile}\n// deno-fmt-ignore-file\n${statuses}`,
    },
  ];
}

/** All of supabase/schemas in the order of their names. */
export async function readSchemas(root: string): Promise<string> {
  const folder = join(root, "supabase", "schemas");
  const names: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && name.endsWith(".sql")) names.push(name);
  }
  const texts = await Promise.all(
    names.sort().map((name) => Deno.readTextFile(join(folder, name))),
  );
  return texts.join("");
}
