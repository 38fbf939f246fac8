/** Which functions use a file of the project, by Deno's graph of their modules. */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ifThereNow } from "../if-there.ts";
import { type LoadOptions, runDeno } from "./load-faults.ts";

const graphSchema = z.object({ modules: z.array(z.object({ specifier: z.string() })) });

/** A module in no graph is used by nobody: on the platform, too, only what the graph has is deployed. */
const isModule = /\.(?:[cm]?[jt]s|[jt]sx)$/;

/**
 * @param names all functions
 * @param paths absolute
 * @returns all of them if one of the files is in no graph and no module: it may be read. One that is gone again, as an editor's
 * own files are, is nobody's.
 */
export async function dependents(
  names: string[],
  paths: string[],
  options: LoadOptions,
): Promise<string[]> {
  const graphs = await Promise.all(
    names.map(async (name) => ({ name, files: await filesOf(name, options) })),
  );
  const unknown = paths.filter((path) => !graphs.some(({ files }) => files?.has(path)));
  if (unknown.some(mayBeRead)) return names;
  return graphs.filter(({ files }) => files === undefined || paths.some((path) => files.has(path)))
    .map(({ name }) => name);
}

/** A folder is told of by its files. */
function mayBeRead(path: string): boolean {
  return !isModule.test(path) && (ifThereNow(() => Deno.statSync(path))?.isFile ?? false);
}

/** The files that a function imports, those that are missing too; undefined if Deno cannot say: loadFaults() tells why. */
async function filesOf(name: string, options: LoadOptions): Promise<Set<string> | undefined> {
  const graph = await graphOf(name, options).catch((error: unknown) => {
    if (error instanceof Error) return undefined;
    throw error;
  });
  const files = graph?.modules.flatMap(({ specifier }) =>
    specifier.startsWith("file:") ? [fileURLToPath(specifier)] : []
  );
  return files && new Set(files);
}

async function graphOf(name: string, options: LoadOptions) {
  const { stdout } = await runDeno(["info", "--json"], [name], options.remote?.(name), options);
  return graphSchema.parse(JSON.parse(stdout));
}
