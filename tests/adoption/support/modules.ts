/** The modules of a function, as Deno and as a bundler see them. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { z } from "zod";

const graphSchema = z.object({ modules: z.array(z.object({ specifier: z.string() })) });

/** The local modules that an entry reaches, types included; paths from `folder`. */
export async function localModules(folder: string, entry: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--node-modules-dir=manual", entry],
    cwd: folder,
  }).output();
  const { modules } = graphSchema.parse(JSON.parse(new TextDecoder().decode(stdout)));
  return modules.map(({ specifier }) => specifier)
    .filter((specifier) => specifier.startsWith("file:") && !specifier.includes("/node_modules/"))
    .map((specifier) => relative(Deno.realPathSync(folder), fileURLToPath(specifier)))
    .filter((path) => !path.includes("node_modules"))
    .sort();
}

export interface Bundle {
  /** The local modules that run; paths from `folder`. */
  inputs: string[];
  bytes: number;
  text: string;
}

/** One function with all its packages in one file, not minified. */
export async function bundle(folder: string, entry: string): Promise<Bundle> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    outfile: "bundle.js",
    logLevel: "error",
  });
  return {
    inputs: Object.keys(metafile.inputs).filter((path) => path.startsWith("supabase/")).sort(),
    bytes: outputFiles.reduce((sum, file) => sum + file.contents.byteLength, 0),
    text: outputFiles[0]?.text ?? "",
  };
}
