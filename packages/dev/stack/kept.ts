/**
 * What a stack keeps from one run to the next, in one folder: the database, Storage's files, and in `stack.json` the keys,
 * passwords and secrets that belong to them. One stack at a time has it.
 */
import { join } from "node:path";
import { z } from "zod";
import { createSigningJwk } from "../auth/keys.ts";
import { HeldElsewhere, holdFile, howToStop } from "../hold-file.ts";
import { createSecrets } from "./secrets.ts";
import { messageOf } from "../message-of.ts";
import { ifThere } from "../if-there.ts";

const schema = z.strictObject({
  secrets: z.strictObject({
    openaiApiKey: z.string(),
    webhookSecret: z.string(),
    workerSecret: z.string(),
    mailboxToken: z.string(),
  }),
  signing: z.looseObject({ kid: z.string(), kty: z.string(), d: z.string() }),
  adminPassword: z.string(),
  /** Of the user that is made at the first start. */
  userPassword: z.string(),
  sessions: z.array(
    z.strictObject({ id: z.string(), userId: z.string(), refreshToken: z.string() }),
  ),
  /** Hash of the file of each migration that was applied, by its version. */
  migrations: z.record(z.string(), z.string()),
  /** Whether the seeds have been run, all of them. */
  seeded: z.boolean(),
  /** What the database was copied from, without the migrations. */
  platform: z.string(),
});

export type KeptState = z.infer<typeof schema>;

/** What one run keeps for the next. */
export interface Kept {
  state: KeptState;
  /** Where Postgres has its data. */
  databaseFolder: string;
  /** Where Storage has the bytes of its objects. */
  storageFolder: string;
  /** Whether there is nothing of an earlier run. */
  isNew: boolean;
  save(): Promise<void>;
  /** Lets another stack have the folder. */
  release(): void;
}

/** Opens the folder, or makes it. Throws while another stack has it, and when what is in it cannot be read. */
export async function openKept(folder: string): Promise<Kept> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o711 }).catch((cause: unknown) => {
    throw new Error(
      `Cannot keep the database in '${folder}': ${
        messageOf(cause)
      }. Choose another folder (dev: --data)`,
    );
  });
  const release = await takeFolder(folder);
  try {
    const file = join(folder, "stack.json");
    const text = await ifThere(Deno.readTextFile(file));
    const state = text === undefined ? await newState() : readState(file, text);
    let saving = Promise.resolve();
    const write = async () => {
      await Deno.writeTextFile(`${file}.new`, JSON.stringify(state, null, 2), { mode: 0o600 });
      await Deno.rename(`${file}.new`, file);
    };
    // One after the other: two at once would write into one file.
    const save = () => {
      const saved = saving.then(write);
      // Whoever asked is told of a failure; whoever comes next tries again.
      saving = saved.then(nothing, nothing);
      return saved;
    };
    if (text === undefined) await save();
    return {
      state,
      databaseFolder: join(folder, "data"),
      storageFolder: join(folder, "storage"),
      isNew: text === undefined,
      save,
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Removes all that was kept. Throws while a stack has it. */
export async function forgetKept(folder: string): Promise<void> {
  if (await ifThere(Deno.stat(join(folder, "stack.json"))) === undefined) return;
  const release = await takeFolder(folder);
  try {
    // What makes the database readable goes last, so that a removal that is cut off is taken up again.
    await ifThere(Deno.remove(join(folder, "data"), { recursive: true }));
    await ifThere(Deno.remove(join(folder, "storage"), { recursive: true }));
    await ifThere(Deno.remove(join(folder, "stack.json")));
  } finally {
    release();
  }
}

async function takeFolder(folder: string): Promise<() => void> {
  try {
    const lock = await holdFile(join(folder, "lock"));
    return () => lock.close();
  } catch (error) {
    if (!(error instanceof HeldElsewhere)) throw error;
    const who = error.pid === undefined ? "another run" : `process ${error.pid}`;
    throw new Error(
      `Cannot start the stack: ${who} is running on what is kept in '${folder}'. To stop it, ${
        howToStop(error)
      }. Or name another folder (dev: --data <folder>)`,
    );
  }
}

function nothing(): void {}

async function newState(): Promise<KeptState> {
  return schema.parse({
    secrets: createSecrets(),
    signing: await createSigningJwk(),
    adminPassword: crypto.randomUUID(),
    userPassword: crypto.randomUUID(),
    sessions: [],
    migrations: {},
    seeded: false,
    platform: "",
  });
}

function readState(file: string, text: string): KeptState {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `Cannot read '${file}': it is not what this release writes; start with --fresh, which makes a new database`,
      { cause },
    );
  }
}
