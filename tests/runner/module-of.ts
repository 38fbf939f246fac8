/** Several test files as one module. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

/**
 * A module that imports these files, in a folder of its own, which is removed in the end. `deno test` loads what two of them
 * import once, where it would load it for each file. Its hooks run before the first and after the last test of all files.
 */
export async function moduleOf(files: string[]): Promise<AsyncDisposable & { path: string }> {
  const folder = await Deno.makeTempDir({ prefix: "dr-tests-" });
  const path = join(folder, "all.test.ts");
  const imports = files.map((file) =>
    `import ${JSON.stringify(pathToFileURL(join(projectRoot, file)).href)};\n`
  );
  await Deno.writeTextFile(path, imports.join(""));
  return { path, [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }) };
}
