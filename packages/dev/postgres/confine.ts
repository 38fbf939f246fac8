/**
 * Postgres refuses to run as root, and initdb as a user without a name (`docker run --user 1234`). Then its programs run
 * in a user namespace in which we are `nobody` (`unshare`; files stay ours), or, where the kernel or the container
 * forbids namespaces and we are root, as `nobody` itself (`setpriv`; files are given to that user). For any other user
 * nothing changes.
 */
import process from "node:process";
import { runProcess } from "../processes.ts";

export interface Confinement {
  /** The command line that runs `command` as a user that Postgres accepts. */
  wrap(command: string, args: string[]): { command: string; args: string[] };
  /** Makes `folder` and all in it belong to that user. */
  own(folder: string): Promise<void>;
}

// `nobody`: the one number besides 0 that has a name on every system.
const nobody = 65534;

const none: Confinement = {
  wrap: (command, args) => ({ command, args }),
  own: () => Promise.resolve(),
};

const namespace: Confinement = {
  wrap: (command, args) => ({
    command: "unshare",
    args: ["--user", `--map-user=${nobody}`, `--map-group=${nobody}`, command, ...args],
  }),
  own: () => Promise.resolve(),
};

const otherUser: Confinement = {
  wrap: (command, args) => ({
    command: "setpriv",
    args: [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", command, ...args],
  }),
  async own(folder) {
    await runProcess({
      name: "chown",
      command: "chown",
      args: ["-R", `${nobody}:${nobody}`, folder],
    });
  },
};

/**
 * Finds out how `program` can run here. Throws if we are root or nameless and no way works (user `nobody` must be able to
 * read the program for the second).
 */
export async function findConfinement(program: string): Promise<Confinement> {
  if (process.getuid?.() !== 0 && await hasName()) return none;
  const failures: unknown[] = [];
  for (const confinement of [namespace, otherUser]) {
    try {
      await runProcess({ name: "postgres", ...confinement.wrap(program, ["--version"]) });
      return confinement;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new Error(
    `Cannot run Postgres as user ${process.getuid?.()}: root and users without a name need 'unshare --user' to be ` +
      `allowed, or root needs 'setpriv' and a program that any user may read (here '${program}'); ` +
      "start as an ordinary user instead",
    { cause: new AggregateError(failures) },
  );
}

async function hasName(): Promise<boolean> {
  const id = new Deno.Command("id", { args: ["-un"], stdout: "null", stderr: "null" });
  return (await id.output()).success;
}
