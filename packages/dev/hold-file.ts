/**
 * A file that one process at a time holds, and that says which one. The system ends the hold when the process ends, however it
 * ends, so that a run that was killed holds nothing.
 */
import { ifThere } from "./if-there.ts";
import { commandLineOf } from "./run-folder.ts";

/** Another process has the file. */
export class HeldElsewhere extends Error {
  override readonly name = "HeldElsewhere";
  /** Undefined if it has only just taken the file. */
  readonly pid: number | undefined;

  constructor(path: string, pid: number | undefined) {
    super(
      `Cannot take '${path}': ${pid === undefined ? "another process" : `process ${pid}`} has it`,
    );
    this.pid = pid;
  }
}

/**
 * Takes the file, or makes it. It says `process <pid>` until its holder writes something else with the same words.
 * @throws HeldElsewhere
 */
export async function holdFile(path: string): Promise<Deno.FsFile> {
  // A link may have come with the project, and must not be written through.
  if ((await ifThere(Deno.lstat(path)))?.isSymlink) await Deno.remove(path);
  const file = await Deno.open(path, { create: true, read: true, write: true, mode: 0o600 });
  try {
    if (!await file.tryLock(true)) throw new HeldElsewhere(path, await holderOf(path));
    await Deno.chmod(path, 0o600);
    await rewrite(file, `${holder()}\n`);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** This process, for the text of a file that it holds. */
export function holder(): string {
  return `# process ${Deno.pid}`;
}

/** Replaces all that the file says. */
export async function rewrite(file: Deno.FsFile, text: string): Promise<void> {
  await file.truncate(0);
  await file.seek(0, Deno.SeekMode.Start);
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

async function holderOf(path: string): Promise<number | undefined> {
  const [, digits] = /^# process (\d+)$/m.exec(await Deno.readTextFile(path)) ?? [];
  const pid = Number(digits ?? NaN);
  // Who has just taken it has not said so yet: then it still names the one before.
  return Number.isInteger(pid) && commandLineOf(pid) !== undefined ? pid : undefined;
}

/** How to end whoever has the file, as the end of a sentence. */
export function howToStop({ pid }: HeldElsewhere): string {
  return `press Ctrl-C in its terminal${pid === undefined ? "" : `, or run: kill ${pid}`}`;
}
