/** Every package.json has exact versions, and package-lock.json has the same. Otherwise 'npm ci' refuses a fresh clone. */
import { join } from "node:path";
import { z } from "zod";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

const versions = z.record(z.string(), z.string()).optional();
const manifest = z.looseObject({
  workspaces: z.array(z.string()).optional(),
  dependencies: versions,
  devDependencies: versions,
  optionalDependencies: versions,
  peerDependencies: versions,
});
type Manifest = z.infer<typeof manifest>;
const lockFile = z.looseObject({ packages: z.record(z.string(), manifest) });

const kinds = [
  "dependencies",
  "devDependencies",
  "optionalDependencies",
  "peerDependencies",
] as const;

export async function checkManifests(): Promise<string | undefined> {
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(await Deno.readTextFile(join(projectRoot, path)));
  const root = manifest.parse(await read("package.json"));
  const { packages } = lockFile.parse(await read("package-lock.json"));
  const wrong: string[] = [];
  for (const folder of ["", ...root.workspaces ?? []]) {
    const path = folder === "" ? "package.json" : `${folder}/package.json`;
    wrong.push(...wrongVersions(path, manifest.parse(await read(path)), packages[folder]));
  }
  return wrong.length > 0 ? wrong.join("\n") : undefined;
}

/** One sentence for each version that is a range, or differs from the lock file's. */
export function wrongVersions(path: string, asked: Manifest, locked: Manifest = {}): string[] {
  return kinds.flatMap((kind) => {
    const [ours, theirs] = [asked[kind] ?? {}, locked[kind] ?? {}];
    const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
    return names.flatMap((name) => {
      const version = ours[name];
      // A peer may have another version in the project that uses the package.
      const isExact = kind === "peerDependencies" ||
        /^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version ?? "");
      if (version !== undefined && !isExact) {
        return [`${path}: '${name}' must have an exact version, not '${version}'`];
      }
      return version === theirs[name] ? [] : [
        `${path}: package-lock.json has '${name}' as ${theirs[name] ?? "nothing"}, not ${
          version ?? "nothing"
        }; run 'npm install --package-lock-only --ignore-scripts'`,
      ];
    });
  });
}
