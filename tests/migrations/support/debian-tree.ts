/**
 * Debian's Postgres 15 with the real pg_cron, its programs and extension folder put together in a folder of ours: Postgres
 * finds its other files by where its program lies, so nothing of the system is written to, and no root is needed.
 */
import { join } from "node:path";
import { copyFolder } from "../../../packages/dev/postgres/template.ts";
import { projectRoot } from "../../../packages/dev/postgres/binaries.ts";

const home = "/usr/lib/postgresql/15";
const share = "/usr/share/postgresql/15";
const cronControl = join(share, "extension", "pg_cron.control");

export interface DebianTree {
  postgres: string;
  initdb: string;
}

/** What of Debian's Postgres 15 is not installed; undefined if all is there. */
export function missingPart(): string | undefined {
  return [join(home, "bin", "postgres"), cronControl].find((path) => !exists(path));
}

/** Builds the tree in `folder`: two programs copied, the rest linked, our pg_net and Vault added. */
export async function buildTree(folder: string): Promise<DebianTree> {
  const missing = missingPart();
  if (missing !== undefined) {
    throw new Error(`Cannot use Debian's Postgres 15: '${missing}' must be there; ${howToInstall}`);
  }
  const programs = join(folder, "lib", "postgresql", "15", "bin");
  const extensions = join(folder, "share", "postgresql", "15", "extension");
  await Deno.mkdir(programs, { recursive: true });
  await Deno.mkdir(extensions, { recursive: true });
  for (const name of ["postgres", "initdb"]) {
    // A link would be followed, and lead back to the system's folders.
    await Deno.copyFile(join(home, "bin", name), join(programs, name));
  }
  await Deno.symlink(join(home, "lib"), join(folder, "lib", "postgresql", "15", "lib"));
  await linkAll(share, join(folder, "share", "postgresql", "15"), ["extension"]);
  await linkAll(join(share, "extension"), extensions);
  await addStandIns(extensions);
  return { postgres: join(programs, "postgres"), initdb: join(programs, "initdb") };
}

export const howToInstall = "run 'apt-get install postgresql-15-cron'";

async function addStandIns(extensions: string): Promise<void> {
  const source = join(projectRoot, "packages", "dev", "postgres", "extensions");
  for (const { name } of [...Deno.readDirSync(source)]) {
    if (name.startsWith("pg_cron")) continue;
    await copyFolder(join(source, name), join(extensions, name));
  }
}

async function linkAll(source: string, target: string, except: string[] = []): Promise<void> {
  for (const { name } of [...Deno.readDirSync(source)]) {
    if (!except.includes(name)) await Deno.symlink(join(source, name), join(target, name));
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
