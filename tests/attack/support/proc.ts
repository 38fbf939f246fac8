/** What Linux reports about processes: their environment, and where they listen. */
import { descendantsOf } from "../../support/processes.ts";

export interface Seen {
  pid: number;
  command: string;
  environment: string;
  /** Sockets by their inode. */
  sockets: Set<string>;
}

/** This process and all below it, as they are now. Processes that end meanwhile are left out. */
export async function ourProcesses(): Promise<Seen[]> {
  const found = [{ pid: Deno.pid, command: "this test" }, ...await descendantsOf(Deno.pid)];
  const seen: Seen[] = [];
  for (const { pid, command } of found) {
    try {
      const environment = await Deno.readTextFile(`/proc/${pid}/environ`);
      seen.push({ pid, command, environment, sockets: await socketsOf(pid) });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return seen;
}

async function socketsOf(pid: number): Promise<Set<string>> {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(await Deno.readLink(`/proc/${pid}/fd/${name}`))?.[1];
      if (inode !== undefined) inodes.add(inode);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return inodes;
}

/** The addresses that sockets listen on, as the kernel writes them: `0100007F:1F90` is 127.0.0.1:8080. */
export async function listeningAddresses(sockets: ReadonlySet<string>): Promise<string[]> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => Deno.readTextFile(`/proc/net/${name}`)),
  );
  return tables.flatMap((table) => table.trim().split("\n").slice(1)).flatMap((line) => {
    const [, address = "", , state, , , , , , inode = ""] = line.trim().split(/\s+/);
    return state === "0A" && sockets.has(inode) ? [address] : [];
  });
}

/** 127.0.0.0/8 and ::1, in the kernel's byte order. */
export function isLoopback(address: string): boolean {
  return /^[0-9A-F]{6}7F:/.test(address) || /^0{24}01000000:/.test(address);
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error instanceof Error && /\(os error 3\)/.test(error.message));
}
