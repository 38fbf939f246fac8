/**
 * One folder per run of ours (`<temp>/dr-<uid>/<pid of the run>`): the data folders of its servers, and a note for
 * each child process; and one in memory for data that may be lost. A run that ends well removes them. What a run that was
 * killed leaves is swept by the next one: its children are ended, each only if its command line is still the one that
 * was noted, and the folders are removed. Beside the runs' folders is one, `cache`, that is kept.
 */
import { statfsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ifThereNow } from "./if-there.ts";

const uid = process.getuid?.() ?? 0;
// Short, because Unix socket paths live below it and may have no more than 103 bytes on macOS.
const onDisk = join(Deno.env.get("TMPDIR") ?? "/tmp", `dr-${uid}`);
const inMemory = hasRoom("/dev/shm") ? join("/dev/shm", `dr-${uid}`) : onDisk;
const parents = [...new Set([onDisk, inMemory])];
const run = String(Deno.pid);
const children = join(onDisk, run, "children");
let swept = false;

/**
 * This run's folder; on the first call also sweeps what earlier runs left. "memory": in memory if the machine has such a
 * folder, which copies a thousand small files in 0.05 s where a slow disk takes 0.8 s.
 */
export function runFolder(kind: "disk" | "memory" = "disk"): string {
  if (!swept) {
    swept = true;
    parents.forEach(makeParent);
    sweepDeadRuns();
  }
  const folder = join(kind === "disk" ? onDisk : inMemory, run);
  // 0711: the user that Postgres runs as (when we are root) passes through, and nobody lists it.
  Deno.mkdirSync(folder, { recursive: true, mode: 0o711 });
  return folder;
}

/**
 * This user's folder for what later runs use again. Not in the checkout: what root made there, another user could not
 * renew, nor a Postgres of root's read what another user made.
 */
export function cacheFolder(): string {
  makeParent(onDisk);
  const folder = join(onDisk, "cache");
  // 0711 for the same reason as above.
  Deno.mkdirSync(folder, { recursive: true, mode: 0o711 });
  return folder;
}

/** Notes a child, so that a later run can end it if this one cannot. */
export function noteChild(pid: number, commandLine: string): void {
  runFolder();
  Deno.mkdirSync(children, { recursive: true, mode: 0o711 });
  Deno.writeTextFileSync(join(children, String(pid)), commandLine);
}

/** Takes the note back; removes the run's folders if nothing is left in them. */
export function forgetChild(pid: number): void {
  ifThereNow(() => Deno.removeSync(join(children, String(pid))));
  tidyRunFolder();
}

/** Removes this run's folders if no child and no data is left in them. */
export function tidyRunFolder(): void {
  for (const path of [children, ...parents.map((parent) => join(parent, run))]) {
    try {
      ifThereNow(() => Deno.removeSync(path));
    } catch (error) {
      if (!isNotEmpty(error)) throw error;
    }
  }
}

// Containers often have 64 MB there, which is one cluster.
function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > 2 ** 30;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

function makeParent(parent: string): void {
  try {
    Deno.mkdirSync(parent, { mode: 0o711 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const found = Deno.lstatSync(parent);
  if (!found.isDirectory || (found.uid ?? uid) !== uid) {
    throw new Error(
      `Cannot use '${parent}': it must be a folder that belongs to user ${uid}; remove it or set TMPDIR`,
    );
  }
}

function sweepDeadRuns(): void {
  const runs = new Set(
    parents.flatMap((parent) => [...Deno.readDirSync(parent)]).map(({ name }) => name),
  );
  for (const name of runs) {
    const owner = Number(name);
    if (!Number.isInteger(owner) || name === run) continue;
    if (commandLineOf(owner)?.includes("deno")) continue;
    for (const { pid, noted } of notesIn(join(onDisk, name, "children"))) {
      const running = commandLineOf(pid);
      // A wrapper such as unshare execs what follows it, so the child's own line is the end of the noted one.
      if (running !== undefined && noted.endsWith(running)) signalProcess(pid, "SIGKILL");
    }
    for (const parent of parents) removeDead(join(parent, name));
  }
}

/** Does nothing when the process has just ended: by itself, or because another run that sweeps was faster. */
export function signalProcess(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
  }
}

function removeDead(folder: string): void {
  try {
    ifThereNow(() => Deno.removeSync(folder, { recursive: true }));
  } catch (error) {
    // A session of the server that was just ended still writes, or another run sweeps too: the next run tries again.
    if (!isNotEmpty(error)) throw error;
  }
}

function isNotEmpty(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOTEMPTY";
}

function notesIn(folder: string): { pid: number; noted: string }[] {
  const notes = ifThereNow(() =>
    [...Deno.readDirSync(folder)].map((entry) => ({
      pid: Number(entry.name),
      noted: Deno.readTextFileSync(join(folder, entry.name)),
    }))
  );
  return notes ?? [];
}

/** The command line of a live process; undefined if there is none, or one that has ended and is not yet reaped. */
export function commandLineOf(pid: number): string | undefined {
  if (Deno.build.os === "linux") {
    // Slim containers have no ps.
    const text = ifThereNow(() => Deno.readTextFileSync(`/proc/${pid}/cmdline`));
    return text?.split("\0").join(" ").trim() || undefined;
  }
  const ps = new Deno.Command("ps", { args: ["-ww", "-o", "args=", "-p", String(pid)] });
  const { success, stdout } = ps.outputSync();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}
