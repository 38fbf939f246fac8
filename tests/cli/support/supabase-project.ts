/** A Supabase project made by the real CLI, in its own folder. */
import { supabaseEnvironment } from "../../../packages/dev/child-environment.ts";
import { join } from "node:path";
import { findSupabaseCli, projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { runProcess } from "../../../packages/dev/processes.ts";

export interface SupabaseProject extends AsyncDisposable {
  /** The folder that contains `supabase/`. */
  folder: string;
  /** Paths are relative to `supabase/`. */
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** Every file with its text, except the CLI's own notes in `.temp`. */
  all(): Promise<Record<string, string>>;
}

/** What `supabase init` writes, by path: it takes 0.4 s, so once for all tests of a process. */
let fresh: Promise<Record<string, string>> | undefined;

async function supabaseInit(): Promise<Record<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "dr-fresh-" });
  try {
    await runProcess({
      name: "supabase init",
      command: await findSupabaseCli(),
      args: ["init", "--yes", "--workdir", folder],
      env: supabaseEnvironment(),
    });
    return await textsBelow(join(folder, "supabase"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** `supabase init` in an empty folder. Packages resolve from this repository's node_modules. */
export async function supabaseProject(): Promise<SupabaseProject> {
  const folder = await Deno.makeTempDir({ prefix: "dr-adopter-" });
  fresh ??= supabaseInit();
  await Deno.mkdir(join(folder, "supabase"));
  for (const [path, text] of Object.entries(await fresh)) {
    await Deno.writeTextFile(join(folder, "supabase", path), text);
  }
  await linkPackages(folder);
  const at = (path: string) => join(folder, "supabase", path);
  return {
    folder,
    read: (path) => Deno.readTextFile(at(path)),
    async write(path, text) {
      await Deno.mkdir(join(at(path), ".."), { recursive: true });
      await Deno.writeTextFile(at(path), text);
    },
    exists: (path) => Deno.stat(at(path)).then(() => true, () => false),
    all: () => textsBelow(join(folder, "supabase")),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** Links all packages but not their programs, so that a test decides whether the machine has Deno. */
async function linkPackages(folder: string): Promise<void> {
  const [from, to] = [join(projectRoot, "node_modules"), join(folder, "node_modules")];
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) {
    if (!name.startsWith(".")) await Deno.symlink(join(from, name), join(to, name));
  }
}

async function textsBelow(folder: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const path of walk(folder)) {
    files[path.slice(folder.length + 1)] = await Deno.readTextFile(path);
  }
  return files;
}

async function* walk(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (name === ".temp") continue;
    if (isDirectory) yield* walk(join(folder, name));
    else yield join(folder, name);
  }
}
