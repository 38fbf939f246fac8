/** The packages that are published, and how each is built and packed. */
import { dirname, join } from "node:path";
import { z } from "zod";
import { buildCli } from "../packages/cli/build.ts";
import { buildClient } from "../packages/client/build.ts";
import { buildDev } from "../packages/dev/build.ts";
import { buildConsole } from "../packages/dev/console/build.ts";
import { projectRoot } from "../packages/dev/postgres/binaries.ts";

export interface Package {
  /** Its name at npm. */
  name: string;
  /** From the root. */
  folder: string;
  version: string;
}

/** Each with its build. None needs another to be built first. `packages/text` is bundled into its users. */
const builds: Readonly<Record<string, () => Promise<void>>> = {
  "packages/client": () => buildClient(join(projectRoot, "packages/client/dist")),
  "packages/cli": () => buildCli(join(projectRoot, "packages/cli/dist")),
  // Only if it is out of date, because an open console in a browser reads these files.
  "packages/console": buildConsole,
  "packages/dev": () => buildDev(join(projectRoot, "packages/dev/dist")),
};

const lockFile = join(projectRoot, ".local", "packages-build.lock");

const manifestSchema = z.object({ name: z.string(), version: z.string() });
const packedSchema = z.array(z.object({
  name: z.string(),
  version: z.string(),
  filename: z.string(),
  size: z.number(),
  files: z.array(z.object({ path: z.string() })),
}));

export type Packed = z.infer<typeof packedSchema>[number];

export async function publishedPackages(): Promise<Package[]> {
  return await Promise.all(
    Object.keys(builds).map(async (folder) => {
      const text = await Deno.readTextFile(join(projectRoot, folder, "package.json"));
      return { folder, ...manifestSchema.parse(JSON.parse(text)) };
    }),
  );
}

export async function buildPackage({ folder }: Package): Promise<void> {
  await locked(() => build(folder));
}

/**
 * Builds a package, and packs it as npm publishes it.
 * @param into a folder for the tarball; without one, nothing is written
 */
export async function packPackage({ folder }: Package, into?: string): Promise<Packed> {
  return await locked(async () => {
    await build(folder);
    const where = into === undefined ? ["--dry-run"] : ["--pack-destination", into];
    const stdout = await npm(["pack", "--json", ...asBuilt, "--workspace", folder, ...where]);
    const [packed] = packedSchema.parse(JSON.parse(stdout));
    if (!packed) throw new Error(`Cannot pack ${folder}: npm packed nothing`);
    return packed;
  });
}

export async function publishPackage({ folder }: Package): Promise<void> {
  await locked(async () => {
    await build(folder);
    await npm(["publish", "--access", "public", ...asBuilt, "--workspace", folder]);
  });
}

/** `prepack` is for packing by hand. Here, the package is already built. */
const asBuilt = ["--ignore-scripts"];

async function build(folder: string): Promise<void> {
  await builds[folder]?.();
}

/** A build empties its folder first, and another process may be packing it. */
async function locked<T>(run: () => Promise<T>): Promise<T> {
  await Deno.mkdir(dirname(lockFile), { recursive: true });
  using file = await Deno.open(lockFile, { create: true, write: true });
  await file.lock(true);
  return await run();
}

/** Whether the current registry has exactly this version. */
export async function isPublished({ name, version }: Package): Promise<boolean> {
  const { success, stdout, stderr } = await run(["view", `${name}@${version}`, "version"]);
  if (success) return stdout.trim() !== "";
  if (stderr.includes("E404")) return false;
  throw new Error(`Cannot ask the registry for ${name}@${version}: ${stderr.trim()}`);
}

async function npm(args: string[]): Promise<string> {
  const { success, stdout, stderr } = await run(args);
  if (success) return stdout;
  throw new Error(`Cannot run 'npm ${args.join(" ")}': ${stderr.trim() || stdout.trim()}`);
}

async function run(args: string[]) {
  const { success, stdout, stderr } = await new Deno.Command("npm", {
    args,
    cwd: projectRoot,
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, stdout: text(stdout), stderr: text(stderr) };
}
