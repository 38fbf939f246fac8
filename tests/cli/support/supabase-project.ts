/** A Supabase project made by the real CLI, in its own folder. */
import { supabaseEnvironment } from "../../../packages/dev/child-environment.ts";
import { join } from "node:path";
import { findSupabaseCli, projectRoot } from "../../../packages/dev/postgres/binaries.ts";
import { cachedFolder, hashOf } from "../../../packages/dev/postgres/template.ts";
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

/** What `supabase init` writes, by path. It takes a second of CPU, so once for each release of the CLI. */
async function supabaseInit(): Promise<Record<string, string>> {
  const command = await findSupabaseCli();
  const { size, mtime } = await Deno.stat(command);
  const key = await hashOf([command, `${size} ${mtime?.getTime()}`]);
  const folder = await cachedFolder("supabase-init", key, async (empty) => {
    await runProcess({
      name: "supabase init",
      command,
      args: ["init", "--yes", "--workdir", empty],
      env: supabaseEnvironment(),
    });
  });
  return await textsBelow(join(folder, "supabase"));
}

/** `supabase init` in an empty folder. Packages resolve from this repository's node_modules. */
export async function supabaseProject(): Promise<SupabaseProject> {
  const folder = await Deno.makeTempDir({ prefix: "dr-adopter-" });
  await Deno.mkdir(join(folder, "supabase"));
  for (const [path, text] of Object.entries(await supabaseInit())) {
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
