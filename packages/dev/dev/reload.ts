/** Takes in what changes in the project while the stack runs: functions are restarted, new migrations applied. */
import { join, relative, sep } from "node:path";
import { functionNames } from "../stack/fetch-modules.ts";
import type { Stack } from "../stack/options.ts";

/** An editor writes a file in several steps, and several files at once. */
const quietMs = 150;
/** Made by check, or by an editor on its way. */
const passedOver = /(?:\.gen\.ts|~|\.swp|\.swx|\.tmp|\.new)$/;

export interface Watching {
  stop(): void;
}

/** @param say gets a line for a person */
export function reloadOnChange(
  stack: Stack,
  project: string,
  say: (line: string) => void,
): Watching {
  const supabase = join(Deno.realPathSync(project), "supabase");
  const watcher = Deno.watchFs(supabase, { recursive: true });
  const changed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = Promise.resolve();

  const takeIn = async () => {
    const paths = [...changed].sort();
    changed.clear();
    try {
      await takeChanges(stack, supabase, paths, say);
    } catch (error) {
      say(`Cannot apply the change: ${error instanceof Error ? error.message : String(error)}`);
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
  watch();
  return {
    stop() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

function isOurs(path: string): boolean {
  return /^(?:functions|migrations)[\\/]|^config\.toml$/.test(path) && !passedOver.test(path);
}

async function takeChanges(
  stack: Stack,
  supabase: string,
  paths: string[],
  say: (line: string) => void,
): Promise<void> {
  const shown = (some: string[]) => {
    const [first = "", ...more] = some.map((path) => `supabase/${path.replaceAll(sep, "/")}`);
    return more.length === 0 ? first : `${first} and ${more.length} more`;
  };
  const settings = paths.filter((path) => path === "config.toml" || path.endsWith(".env"));
  if (settings.length > 0) say(`${shown(settings)} changed: restart dev to apply it`);
  if (paths.some((path) => path.startsWith("migrations"))) await stack.applyMigrations();
  const code = paths.filter((path) => path.startsWith("functions") && !settings.includes(path));
  const names = affected(join(supabase, "functions"), code);
  if (names.length === 0) return;
  await Promise.all(names.map((name) => stack.edge.restart(name)));
  say(`${shown(code)} changed: reloaded ${names.join(", ")}`);
}

/** A function's own folder is its own; all else may be imported by each of them. */
function affected(functionsDir: string, paths: string[]): string[] {
  const names = functionNames(functionsDir);
  const owners = paths.map((path) => path.split(sep)[1] ?? "");
  return owners.every((owner) => names.includes(owner)) ? [...new Set(owners)] : names;
}
