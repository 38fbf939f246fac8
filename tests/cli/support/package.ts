/** The built package, as npm would install it, run by Node. */
import { join } from "node:path";
import { buildCli } from "../../../packages/cli/build.ts";
import { type RunningProcess, startProcess } from "../../../packages/dev/processes.ts";
import { forFile } from "../../support/for-file.ts";
import { sharedBy } from "../../support/shared.ts";

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd: string;
  /** Except for these, only PATH and HOME are set. */
  env?: Record<string, string>;
  /** Run as this user. */
  uid?: number;
}

export interface StartOptions extends Omit<RunOptions, "uid"> {
  onLine(line: string): void;
}

export interface Package {
  /** The package's `dist`, with main.js and template/. */
  folder: string;
  /** The folder in which it is installed. */
  root: string;
  run(args: string[], options: RunOptions): Promise<Run>;
  /** Starts a command that runs until it is stopped. */
  start(args: string[], options: StartOptions): RunningProcess;
}

/** Where npm installs the program. */
const installed = join("node_modules", "durable-responses", "dist");

const builtOnce = sharedBy(startPackage);

/** One build for the tests of a file. */
export function packageForFile(): () => Package {
  return forFile((parts) => startPackage(parts));
}

/** One build for the files of a group, which run together. */
export function sharedPackage(): () => Package {
  return builtOnce({});
}

async function startPackage(parts: AsyncDisposableStack): Promise<Package> {
  const root = await Deno.makeTempDir({ prefix: "dr-package-" });
  parts.defer(() => Deno.remove(root, { recursive: true }));
  const folder = join(root, installed);
  await buildCli(folder);
  return packageAt(folder);
}

export function packageAt(folder: string): Package {
  return {
    folder,
    root: folder.slice(0, -installed.length),
    run: (args, options) => runCli(folder, args, options),
    start: (args, { cwd, env, onLine }) =>
      startProcess({
        name: "durable-responses",
        command: "node",
        args: [join(folder, "main.js"), ...args],
        cwd,
        onLine,
        env: environmentWith(env),
      }),
  };
}

/** A copy of the package with other files and another version: an earlier or a later release. */
export async function otherRelease(
  of: Package,
  version: string,
  change: (supabase: string) => Promise<void>,
): Promise<Package & AsyncDisposable> {
  const root = await Deno.makeTempDir({ prefix: "dr-release-" });
  const folder = join(root, installed);
  await Deno.mkdir(folder, { recursive: true });
  const { success } = await new Deno.Command("cp", { args: ["-R", `${of.folder}/.`, folder] })
    .output();
  if (!success) throw new Error(`Cannot copy the package to ${folder}`);
  await Deno.writeTextFile(join(folder, "template", "release.json"), JSON.stringify({ version }));
  await change(join(folder, "template", "supabase"));
  return {
    ...packageAt(folder),
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** PATH without this repository's own programs, because an adopter's machine may have no Deno. */
function environmentWith(env: Record<string, string> = {}): Record<string, string> {
  const path = (Deno.env.get("PATH") ?? "").split(":").filter((folder) =>
    !folder.includes("node_modules")
  );
  return { PATH: path.join(":"), HOME: Deno.env.get("HOME") ?? "", ...env };
}

async function runCli(
  folder: string,
  args: string[],
  { cwd, env, uid }: RunOptions,
): Promise<Run> {
  const { code, stdout, stderr } = await new Deno.Command("node", {
    args: [join(folder, "main.js"), ...args],
    cwd,
    stdin: "null",
    clearEnv: true,
    env: environmentWith(env),
    ...(uid !== undefined && { uid, gid: uid }),
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
