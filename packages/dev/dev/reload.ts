/**
 * Takes in what changes in the project while the stack runs: functions are restarted, new migrations applied. What was restarted
 * is called reloaded only when it can be loaded.
 */
import { existsSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { functionNames } from "../edge/function-names.ts";
import { isPassedOver, passedOverText, versionOf } from "../postgres/migration-files.ts";
import type { Stack } from "../stack/options.ts";
import { messageOf } from "../message-of.ts";
import { type Restarted, shown, type Verified, verifier } from "./verify.ts";

/** An editor writes a file in several steps, and several files at once. */
const quietMs = 150;
/** Made by check, or by an editor on its way. */
const passedOver = /(?:\.gen\.ts(?:\.[0-9a-f-]{36})?|~|\.swp|\.swx|\.tmp|\.new)$/;

export interface Watching {
  stop(): void;
}

export interface WatchOptions extends Verified {
  /** The folder that holds `supabase/`. */
  project: string;
}

/** Checks the profiles once, and then watches. */
export function reloadOnChange({ stack, project, check, say }: WatchOptions): Watching {
  const supabase = join(Deno.realPathSync(project), "supabase");
  const watcher = Deno.watchFs(supabase, { recursive: true });
  const changed = new Set<string>();
  const functionsDir = join(supabase, "functions");
  let known = functionNames(functionsDir);
  const verify = verifier({ stack, check, say });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = Promise.resolve();

  const takeIn = async () => {
    const paths = [...changed].sort();
    changed.clear();
    try {
      const names = functionNames(functionsDir);
      const gone = known.filter((name) => !names.includes(name));
      known = names;
      await takeLeave(gone, stack, say);
      const left = paths.filter((path) => !gone.includes(ownerOf(path)));
      if (left.length > 0) verify.changed(await takeChanges(stack, supabase, left, say));
    } catch (error) {
      say(messageOf(error));
    }
  };
  const watch = async () => {
    for await (const { kind, paths } of watcher) {
      if (kind === "access") continue;
      const wanted = paths.map((path) => relative(supabase, path)).filter(isOurs);
      if (wanted.length === 0) continue;
      for (const path of wanted) changed.add(path);
      clearTimeout(timer);
      // One after the other: a migration may take longer than the next change.
      timer = setTimeout(() => turn = turn.then(takeIn), quietMs);
    }
  };
  verify.changed({ code: [], names: [] });
  watch();
  return {
    stop() {
      clearTimeout(timer);
      watcher.close();
      verify.stop();
    },
  };
}

function isOurs(path: string): boolean {
  return /^(?:functions|migrations)[\\/]|^config\.toml$|^\.env\.durable-responses\.local$/.test(
    path,
  ) && !passedOver.test(path);
}

/** A function that was removed: no other one has to start again. */
async function takeLeave(
  gone: string[],
  stack: Stack,
  say: (line: string) => void,
): Promise<void> {
  await Promise.all(gone.map((name) => stack.edge.restart(name)));
  for (const name of gone) say(`supabase/functions/${name} is gone: requests to it get 404`);
}

async function takeChanges(
  stack: Stack,
  supabase: string,
  paths: string[],
  say: (line: string) => void,
): Promise<Restarted> {
  const settings = paths.filter((path) =>
    path === "config.toml" || /\.env(?:\.\w[^/\\]*)?$/.test(path)
  );
  if (settings.length > 0) say(`${shown(settings)} changed: restart dev to apply it`);
  const migrations = paths.filter((path) => path.startsWith("migrations")).map((path) =>
    basename(path)
  );
  for (const name of migrations.filter(isPassedOver)) {
    if (existsSync(join(supabase, "migrations", name))) say(passedOverText(name));
  }
  if (migrations.some((name) => versionOf(name) !== undefined)) await stack.applyMigrations();
  const code = paths.filter((path) => path.startsWith("functions") && !settings.includes(path));
  const names = await affected(stack, join(supabase, "functions"), code);
  await Promise.all(names.map((name) => stack.edge.restart(name)));
  // An editor's own file came and went beside the one that was saved.
  const there = code.filter((path) => existsSync(join(supabase, path)));
  return { code: there.length > 0 ? there : code, names };
}

/** A function's own folder is its own; any other file belongs to the functions that use it. */
async function affected(stack: Stack, functionsDir: string, paths: string[]): Promise<string[]> {
  const names = functionNames(functionsDir);
  const owners = paths.map(ownerOf).filter((owner) => names.includes(owner));
  const shared = paths.filter((path) => !names.includes(ownerOf(path)));
  const users = shared.length === 0
    ? []
    : await stack.edge.dependents(names, shared.map((path) => relative("functions", path)));
  return names.filter((name) => owners.includes(name) || users.includes(name));
}

/** The folder of a path in `functions`, which is a function's name or what functions share; empty for any other path. */
function ownerOf(path: string): string {
  const [top, owner = ""] = path.split(sep);
  return top === "functions" ? owner : "";
}
