/** The console's static files, built when there are none or the sources are newer. */
import { dirname, join } from "node:path";
import { denoEnvironment } from "../child-environment.ts";
import { projectRoot } from "../postgres/binaries.ts";
import { ifThere } from "../if-there.ts";

export const consoleFiles = join(projectRoot, "packages", "console", "dist");

const folder = join(projectRoot, "packages", "console");
const lockFile = join(projectRoot, ".local", "console-build.lock");
/** What the build reads, from the root; a newer one of these makes it anew. */
const sources = [
  "packages/console/src",
  "packages/console/public",
  "packages/console/index.html",
  "packages/console/vite.config.ts",
  "scripts/notices.ts",
];

/** Builds the console if need be; takes some seconds then. Throws with Vite's own words when it cannot. */
export async function buildConsole(): Promise<void> {
  // Tests and a person's `npm run dev` may want it at the same time, and a build empties its folder first.
  await Deno.mkdir(dirname(lockFile), { recursive: true });
  using lock = await Deno.open(lockFile, { create: true, write: true });
  await lock.lock(true);
  await buildIfOld();
}

async function buildIfOld(): Promise<void> {
  const built = await modifiedAt(join(consoleFiles, "index.html"));
  const changed = await Promise.all(
    [...sources, "packages/client/src", "packages/text", "package-lock.json"].map(newest),
  );
  if (built > Math.max(...changed)) return;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", viteCommand, "build", "--config", join(folder, "vite.config.ts")],
    cwd: projectRoot,
    clearEnv: true,
    env: denoEnvironment({ NO_COLOR: "1", NODE_ENV: "production" }),
    stdin: "null",
  }).output();
  if (success) return;
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)).join("");
  throw new Error(`Cannot build the console: ${text.trim()}`);
}

const viteCommand = join(projectRoot, "node_modules", "vite", "bin", "vite.js");

/** When the newest file at or below a path was changed, ms since 1970; 0 when there is none. */
async function newest(path: string): Promise<number> {
  const full = join(projectRoot, path);
  const info = await ifThere(Deno.stat(full));
  if (info === undefined) return 0;
  if (!info.isDirectory) return info.mtime?.getTime() ?? 0;
  const times: number[] = [];
  for await (const { name } of Deno.readDir(full)) times.push(await newest(join(path, name)));
  return Math.max(0, ...times);
}

async function modifiedAt(file: string): Promise<number> {
  const info = await ifThere(Deno.stat(file));
  return info?.mtime?.getTime() ?? 0;
}
