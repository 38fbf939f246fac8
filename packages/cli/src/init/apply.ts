/**
 * Writes a plan in such a way that an interrupted init can always be finished. Everything is staged first, a journal says
 * what goes where, and only then are files renamed into place, each in one atomic step. Without a journal, nothing has been
 * touched, and the staged files are discarded. With a journal, the next init does the rest.
 */
import {
  access,
  chmod,
  constants,
  mkdir,
  realpath,
  rename,
  rm,
  stat,
  unlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { errorCode, Failure } from "../failure.ts";
import { readText } from "../project/locate.ts";
import { hashOf } from "../project/manifest.ts";
import type { Change } from "./plan.ts";

/** In `.temp`, which the Supabase CLI keeps out of git. */
const stagingFolder = join(".temp", "durable-responses-init");
const journalFile = "journal.json";
/** A file that only its owner may read. */
const secretMode = 0o600;

/** No part of a path leads upwards, and it begins at the folder. */
const within = z.string().regex(/^(?![/\\]|[A-Za-z]:)(?!(?:.*[/\\])?\.\.(?:[/\\]|$)).+$/);

const leadsOut = /^(?:\.\.(?:[/\\]|$)|[/\\]|[A-Za-z]:)/;

// A journal may have come with somebody else's project, and init writes what it names without asking.
const journalSchema = z.array(z.object({
  path: within,
  before: z.string().nullable(),
  after: z.string().nullable(),
  staged: z.string().regex(/^\d+$/),
}));
type Journal = z.infer<typeof journalSchema>;

/** @throws Failure if something cannot be written; then either nothing has changed, or the next init finishes it */
export async function applyChanges(
  supabase: string,
  changes: Change[],
): Promise<void> {
  await requireWritable(supabase, changes);
  const staging = join(supabase, stagingFolder);
  try {
    await stageChanges(supabase, changes);
  } catch (cause) {
    await rm(staging, { recursive: true, force: true });
    throw new Failure(
      `Cannot write in '${supabase}': ${reasonOf(cause)}; nothing was changed`,
      { cause },
    );
  }
  await finishEarlier(supabase);
}

/**
 * Finishes an interrupted init. If it had only staged files, discards them.
 * @returns how many files it put in place; undefined if there was nothing to finish
 */
export async function finishEarlier(
  supabase: string,
): Promise<number | undefined> {
  const staging = join(supabase, stagingFolder);
  const text = await readText(join(staging, journalFile));
  if (text === undefined) {
    await rm(staging, { recursive: true, force: true });
    return undefined;
  }
  const journal = readJournal(text, staging);
  const left: Journal = [];
  for (const step of journal) {
    await requireInProject(supabase, step, staging);
    const there = await readText(join(supabase, step.path));
    const hash = there === undefined ? null : hashOf(there);
    if (hash === step.after) continue;
    if (hash !== step.before) {
      throw new Failure(
        `Cannot finish the interrupted init: supabase/${step.path} was changed since`,
        {
          hint: startAgain(staging),
        },
      );
    }
    left.push(step);
  }
  for (const step of left) await putInPlace(supabase, staging, step);
  await rm(staging, { recursive: true, force: true });
  return left.length;
}

function readJournal(text: string, staging: string): Journal {
  try {
    return journalSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Failure("Cannot finish the interrupted init: its journal is not what init wrote", {
      hint: startAgain(staging),
      cause,
    });
  }
}

/** A link may lead out of the project, to any file of the person who runs init. */
async function requireInProject(
  supabase: string,
  { path }: Journal[number],
  staging: string,
): Promise<void> {
  const target = await realpath(await nearest(dirname(join(supabase, path))));
  for (const folder of [dirname(supabase), supabase]) {
    if (!leadsOut.test(relative(await realpath(folder), target))) return;
  }
  throw new Failure(
    `Cannot finish the interrupted init: supabase/${path} leads out of the project, to '${target}'`,
    { hint: startAgain(staging) },
  );
}

function startAgain(staging: string): string {
  return `Delete ${staging} and run init again. It starts from the current files`;
}

/** True if an init was interrupted while it put files in place. */
export async function isHalfFinished(supabase: string): Promise<boolean> {
  return await readText(join(supabase, stagingFolder, journalFile)) !== undefined;
}

/** Puts every new text and the journal into the staging folder, without touching the project. */
export async function stageChanges(
  supabase: string,
  changes: Change[],
): Promise<void> {
  const staging = join(supabase, stagingFolder);
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging, { recursive: true });
  const journal: Journal = [];
  for (const [index, { path, before, after, secret }] of changes.entries()) {
    const staged = String(index);
    if (after !== undefined) {
      await writeFile(
        join(staging, staged),
        after,
        secret ? { mode: secretMode } : {},
      );
      if (secret) await chmod(join(staging, staged), secretMode);
    }
    const hash = (text: string | undefined) => text === undefined ? null : hashOf(text);
    journal.push({ path, before: hash(before), after: hash(after), staged });
  }
  // Renamed once it is complete, because its presence means that everything is staged.
  await writeFile(join(staging, `${journalFile}.part`), JSON.stringify(journal));
  await rename(join(staging, `${journalFile}.part`), join(staging, journalFile));
}

async function putInPlace(
  supabase: string,
  staging: string,
  step: Journal[number],
): Promise<void> {
  const target = join(supabase, step.path);
  try {
    if (step.after === null) {
      await unlink(target);
    } else {
      await mkdir(dirname(target), { recursive: true });
      await rename(join(staging, step.staged), target);
    }
  } catch (cause) {
    throw new Failure(
      `Cannot write supabase/${step.path}: ${reasonOf(cause)}`,
      {
        hint: "Fix that and run init again. It finishes what it started",
        cause,
      },
    );
  }
}

/** Checked before anything is staged, so that the usual problem (a folder of another user) changes nothing at all. */
async function requireWritable(
  supabase: string,
  changes: Change[],
): Promise<void> {
  const folders = new Set([
    join(supabase, ".temp"),
    ...changes.map(({ path }) => dirname(join(supabase, path))),
  ]);
  for (const folder of folders) {
    const existing = await nearest(folder);
    const why = (await stat(existing)).isDirectory()
      ? await access(existing, constants.W_OK | constants.X_OK).then(() => undefined, reasonOf)
      : "it is not a folder";
    if (why === undefined) continue;
    throw new Failure(
      `Cannot write in '${existing}': ${why}; nothing was changed`,
      {
        hint: "Make it a folder that you can write to, then run init again",
      },
    );
  }
}

/** The folder, or the nearest existing folder above it. */
async function nearest(folder: string): Promise<string> {
  for (let path = folder;; path = dirname(path)) {
    try {
      await access(path, constants.F_OK);
      return path;
    } catch (error) {
      const absent = ["ENOENT", "ENOTDIR"].includes(errorCode(error) ?? "");
      if (!absent || dirname(path) === path) return path;
    }
  }
}

function reasonOf(error: unknown): string {
  return errorCode(error) ?? String(error);
}
