/**
 * Data folders that are made once and copied from then on, in the user's cache folder: initdb and the platform's roles
 * and schemas take 3 s, a copy 0.1 s. A template's name holds a hash of all that went into it, so it is never out of
 * date, and it is renamed into place when finished, so that two runs may make the same one at once.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { childEnvironment } from "../child-environment.ts";
import { runProcess } from "../processes.ts";
import { cacheFolder, runFolder } from "../run-folder.ts";
import { findPostgres, type PostgresBinaries } from "./binaries.ts";
import { type Confinement, findConfinement } from "./confine.ts";
import { connectSocket } from "./connect.ts";
import { extensionFiles, installExtensions } from "./extension-files.ts";
import { startServer, stopServer } from "./server.ts";
import { ifThere, textFilesIn } from "../if-there.ts";

const bootstrapFolder = fileURLToPath(new URL("bootstrap", import.meta.url));

const unusedMs = 24 * 60 * 60 * 1000;

const initdbArguments = [
  "--username=supabase_admin",
  "--auth-local=trust",
  "--auth-host=scram-sha-256",
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--wal-segsize=4",
  "--no-sync",
  "--no-instructions",
];

export interface Template {
  /** The data folder to copy. */
  folder: string;
  /** Names its content. */
  key: string;
  binaries: PostgresBinaries;
  confinement: Confinement;
}

/** The template with the platform's roles and schemas and no migrations; makes it if it is not there. */
export async function platformTemplate(): Promise<Template> {
  const binaries = await findPostgres();
  await installExtensions(binaries.extensionFolder);
  const confinement = await findConfinement(binaries.postgres);
  const scripts = await textFilesIn(bootstrapFolder);
  const key = await hashOf([
    binaries.version,
    ...initdbArguments,
    ...[...scripts, ...await extensionFiles()].flatMap(({ name, text }) => [name, text]),
  ]);
  const folder = await cachedFolder("platform", key, async (dataFolder) => {
    await confinement.own(dataFolder);
    await runProcess({
      name: "initdb",
      ...confinement.wrap(binaries.initdb, ["-D", dataFolder, ...initdbArguments]),
      env: childEnvironment({ LC_ALL: "C" }),
    });
    await runBootstrap(dataFolder, binaries, confinement, scripts);
  });
  return { folder, key, binaries, confinement };
}

/**
 * The folder `<name>-<key>` in the cache; if it is not there, `build` fills an empty folder, which is then given that
 * name.
 */
export async function cachedFolder(
  name: string,
  key: string,
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const cache = cacheFolder();
  const finished = join(cache, `${name}-${key}`);
  if (await isFolder(finished)) {
    await Deno.utime(finished, new Date(), new Date());
    return finished;
  }
  const building = await Deno.makeTempDir({ dir: cache, prefix: `building-${name}-` });
  try {
    await build(building);
    await Deno.rename(building, finished);
  } catch (error) {
    await Deno.remove(building, { recursive: true });
    // Another run was faster; what it made is the same.
    if (await isFolder(finished)) return finished;
    throw error;
  }
  await removeUnused(cache);
  return finished;
}

// Every change of a migration makes a new template of 30 MB.
async function removeUnused(cache: string): Promise<void> {
  for (const { name } of [...Deno.readDirSync(cache)]) {
    const folder = join(cache, name);
    if (Date.now() - await lastUse(folder) > unusedMs) {
      await Deno.remove(folder, { recursive: true });
    }
  }
}

async function lastUse(folder: string): Promise<number> {
  // It is not there when another run has just finished it and given it its name.
  return (await ifThere(Deno.stat(folder)))?.mtime?.getTime() ?? Date.now();
}

/** Copies a data folder to `target`, which must not exist. */
export async function copyFolder(source: string, target: string): Promise<void> {
  await runProcess({ name: "cp", command: "cp", args: ["-Rp", source, target] });
}

/** A short hexadecimal name for the texts, in their order. */
export async function hashOf(texts: string[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(texts));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return hash.slice(0, 8).toHex();
}

async function runBootstrap(
  dataFolder: string,
  { postgres }: PostgresBinaries,
  confinement: Confinement,
  scripts: { name: string; text: string }[],
): Promise<void> {
  const socketFolder = await Deno.makeTempDir({ dir: runFolder(), prefix: "pg-" });
  await confinement.own(socketFolder);
  const port = 5432;
  const server = await startServer({
    postgres,
    confinement,
    dataFolder,
    socketFolder,
    port,
    tcp: false,
    durable: false,
  });
  const sql = connectSocket({ socketFolder, port, role: "supabase_admin", database: "postgres" });
  try {
    for (const { name, text } of scripts) {
      try {
        await sql.unsafe(text);
      } catch (cause) {
        throw new Error(`Cannot run the bootstrap script '${name}'`, { cause });
      }
    }
  } finally {
    await sql.end();
    await stopServer(server, "fast");
    await Deno.remove(socketFolder, { recursive: true });
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await ifThere(Deno.stat(path)))?.isDirectory ?? false;
}
