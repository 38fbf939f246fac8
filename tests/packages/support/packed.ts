/** The packages as npm would publish them, and folders with them installed. */
import { join } from "node:path";
import { projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../../packages/dev/processes.ts";
import { packPackage, publishedPackages } from "../../../scripts/packages.ts";

export interface Tarball {
  name: string;
  version: string;
  /** Path of the tarball. */
  file: string;
  /** Paths in it. */
  files: string[];
}

/** Packs the packages with these names (default: all) into `folder`. */
export async function packInto(folder: string, names?: string[]): Promise<Tarball[]> {
  const tarballs: Tarball[] = [];
  for (const each of await publishedPackages()) {
    if (names && !names.includes(each.name)) continue;
    const { name, version, filename, files } = await packPackage(each, folder);
    tarballs.push({
      name,
      version,
      file: join(folder, filename),
      files: files.map(({ path }) => path),
    });
  }
  return tarballs;
}

/**
 * Installs a tarball where npm would, without a registry: its dependencies, which `linked` names, come from this repository's
 * node_modules.
 */
export async function installOffline(
  folder: string,
  tarballs: Tarball[],
  linked: string[],
): Promise<void> {
  const modules = join(folder, "node_modules");
  for (const { name, file } of tarballs) {
    const target = join(modules, name);
    await Deno.mkdir(target, { recursive: true });
    await runProcess({
      name: "tar",
      command: "tar",
      args: ["-xzf", file, "--strip-components=1", "-C", target],
    });
  }
  for (const name of linked) {
    await Deno.mkdir(join(modules, name, ".."), { recursive: true });
    await Deno.symlink(join(projectRoot, "node_modules", name), join(modules, name));
  }
}
