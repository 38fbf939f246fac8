/**
 * Where `dev` keeps what belongs to a project: not in the project itself, since whatever watches its files, such as Vite, would
 * see each write of the database.
 */
import { createHash } from "node:crypto";
import { basename, join, resolve } from "node:path";
import process from "node:process";

export function defaultDataFolder(project: string): string {
  const path = Deno.realPathSync(resolve(project));
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 8);
  return join(stateFolder(), "durable-responses", `${basename(path)}-${hash}`);
}

function stateFolder(): string {
  const named = Deno.env.get("XDG_STATE_HOME");
  if (named) return named;
  // Where Postgres cannot run as root it runs as nobody, whom root's home does not let in.
  if (process.getuid?.() === 0) return "/var/lib";
  const home = Deno.env.get("HOME");
  if (home) return join(home, ".local", "state");
  throw new Error("Cannot keep the database: HOME is not set; name a folder with --data");
}
