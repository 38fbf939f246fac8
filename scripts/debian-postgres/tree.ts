/**
 * Debian's Postgres 15 with the real pg_cron, its programs and extension folder assembled in our own folder. Postgres finds
 * its other files relative to its program, so no system folder is changed, and root is not needed.
 */
import { join } from "node:path";
import { copyFolder } from "../../packages/dev/postgres/template.ts";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";

const home = "/usr/lib/postgresql/15";
const share = "/usr/share/postgresql/15";

export interface DebianTree {
  postgres: string;
  initdb: string;
}

/** The extensions that are separate packages in Debian, and are needed here. */
export type DebianExtension = "pg_cron" | "plpgsql_check";

const packages: Readonly<Record<DebianExtension, string>> = {
  pg_cron: "postgresql-15-cron",
  plpgsql_check: "postgresql-15-plpgsql-check",
};

/** Which parts of Debian's Postgres 15 are not installed, and how to install them; undefined if everything is there. */
export function whatIsMissing(...extensions: DebianExtension[]): string | undefined {
  for (const name of extensions) {
    const control = join(share, "extension", `${name}.control`);
    const path = [join(home, "bin", "postgres"), control].find((path) => !exists(path));
    if (path !== undefined) {
      return `'${path}' is not there; run 'apt-get install ${packages[name]}'`;
    }
  }
  return undefined;
}

/** Builds the tree in `folder`: two programs are copied, the rest is linked, and our pg_net and Vault are added. */
export async function buildTree(folder: string): Promise<DebianTree> {
  const missing = whatIsMissing("pg_cron");
  if (missing !== undefined) throw new Error(`Cannot use Debian's Postgres 15: ${missing}`);
  const programs = join(folder, "lib", "postgresql", "15", "bin");
  const extensions = join(folder, "share", "postgresql", "15", "extension");
  await Deno.mkdir(programs, { recursive: true });
  await Deno.mkdir(extensions, { recursive: true });
  for (const name of ["postgres", "initdb"]) {
    // Not a link, which Postgres would follow back to the system's folders.
    await Deno.copyFile(join(home, "bin", name), join(programs, name));
  }
  await Deno.symlink(join(home, "lib"), join(folder, "lib", "postgresql", "15", "lib"));
  await linkAll(share, join(folder, "share", "postgresql", "15"), ["extension"]);
  await linkAll(join(share, "extension"), extensions);
  await addStandIns(extensions);
  return { postgres: join(programs, "postgres"), initdb: join(programs, "initdb") };
}

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
