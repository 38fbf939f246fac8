/** No files of the repository import each other in a circle: none of them could be read, loaded or changed first. */
import { join } from "node:path";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { projectFiles } from "./files.ts";
import { type Modules, relativeSpecifiers, targetOf } from "./layers.ts";

export async function checkCircles(): Promise<string | undefined> {
  const modules: Record<string, string[]> = {};
  for (const file of await projectFiles([".ts", ".tsx"])) {
    modules[file] = relativeSpecifiers(await Deno.readTextFile(join(projectRoot, file)));
  }
  const wrong = findCircles(modules);
  return wrong.length > 0 ? wrong.join("\n") : undefined;
}

/** One line for each circle, from the file where it was entered back to that file. */
export function findCircles(modules: Modules): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const entered = path.indexOf(file);
    if (entered >= 0) circles.push([...path.slice(entered), file].join(" -> "));
    if (entered >= 0 || done.has(file)) return;
    path.push(file);
    for (const specifier of modules[file] ?? []) visit(targetOf(file, specifier));
    path.pop();
    done.add(file);
  };
  Object.keys(modules).forEach(visit);
  return circles;
}
