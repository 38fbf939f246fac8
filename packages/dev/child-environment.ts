/** What a child process sees of the environment of whoever started us: keys and passwords stay here. */
import { join } from "node:path";
import { cacheFolder } from "./run-folder.ts";

/** Where programs and temporary files are. */
const forEveryProgram = ["PATH", "TMPDIR"];
/** Where Deno keeps what it has compiled and fetched. */
const forDeno = ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "NO_COLOR"];

/** For programs of others, and tools of the system. */
export function childEnvironment(env: Readonly<Record<string, string>> = {}) {
  return { ...inherited(forEveryProgram), ...env };
}

/** For a Deno of ours. What it runs sees HOME; use it for code of this repository. */
export function denoEnvironment(env: Readonly<Record<string, string>> = {}) {
  return { ...inherited([...forEveryProgram, ...forDeno]), ...env };
}

/** For the Supabase CLI: in a home of its own, so that it reads no access token and no profile of the person's. */
export function supabaseEnvironment() {
  const home = join(cacheFolder(), "home");
  Deno.mkdirSync(home, { recursive: true });
  return childEnvironment({
    HOME: home,
    NO_COLOR: "1",
    DO_NOT_TRACK: "1",
    SUPABASE_TELEMETRY_DISABLED: "1",
  });
}

/** Those of the names that are set here. */
export function inherited(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
