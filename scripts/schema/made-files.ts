/** Generated files: from supabase/schemas, and from the model of the functions. */
import { join } from "node:path";
import { stateDiagram } from "./diagram.ts";

/** The path of the first migration, from the root. Until 0.1.0 is tagged, it is the only one. */
export const firstMigration = "supabase/migrations/20261126000000_durable_responses.sql";

/** The file with the state diagram. */
const diagramFile = "docs/architecture.md";
const diagramPlace = /(<!-- made by npm run schema -->\n)[^]*?(<!-- end -->)/;

/** The statuses and the shapes of rows. The client is published without the server's sources, so it has copies. */
const modelFolder = "supabase/functions/_durable_responses/model";
const clientFolder = "packages/client/src/generated";
const copied = ["status.ts", "rows.ts"];

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
  const copies = await Promise.all(copied.map(async (name): Promise<MadeFile> => {
    const text = await Deno.readTextFile(join(root, modelFolder, name));
    const head = `// Made by npm run schema of ${modelFolder}/${name}\n// deno-fmt-ignore-file\n`;
    return { path: `${clientFolder}/${name}`, text: head + text };
  }));
  return [
    { path: firstMigration, text: migration },
    {
      path: diagramFile,
      text: docs.replace(diagramPlace, (_, before, after) => `${before}${diagram}${after}`),
    },
    ...copies,
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
