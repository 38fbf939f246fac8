/** One Postgres server process on one data folder. */
import { join } from "node:path";
import { childEnvironment } from "../child-environment.ts";
import type { RunningProcess } from "../processes.ts";
import { NotReadyError, startUntilReady } from "../ready.ts";
import { commandLineOf } from "../run-folder.ts";
import type { Confinement } from "./confine.ts";
import { ifThere } from "../if-there.ts";

export interface ServerOptions {
  postgres: string;
  confinement: Confinement;
  dataFolder: string;
  /** Holds the private socket; short, since a socket's path has a limit of about 100 bytes. */
  socketFolder: string;
  port: number;
  /** false: reachable by its socket only. */
  tcp: boolean;
  /** false: may lose data when the machine goes down (fsync off); for tests. */
  durable: boolean;
  onLine?: (line: string) => void;
}

const stopSignals = { fast: "SIGINT", immediate: "SIGQUIT" } as const;
export type StopMode = keyof typeof stopSignals;

const startMs = 60_000;
const stopMs = 10_000;
const orphanTries = 50;
const orphanWaitMs = 100;

/** Starts a server and resolves when it accepts connections. Throws with its last lines if it does not. */
export async function startServer(options: ServerOptions): Promise<RunningProcess> {
  for (let left = orphanTries;; left--) {
    await clearStalePid(options.dataFolder);
    try {
      return await launch(options);
    } catch (error) {
      if (!(error instanceof NotReadyError) || error.portTaken) throw error;
      // A server that was killed, and its sessions, are gone a moment later.
      const isLeftOver = /pre-existing shared memory block|"postmaster\.pid" already exists/;
      if (left === 0 || !isLeftOver.test(error.lines)) throw error;
      await new Promise((resolve) => setTimeout(resolve, orphanWaitMs));
    }
  }
}

/** Stops a server: "fast" ends sessions and writes a checkpoint, "immediate" is a crash that the next start recovers. */
export async function stopServer(server: RunningProcess, mode: StopMode): Promise<void> {
  await server.stop({ signal: stopSignals[mode], graceMs: stopMs });
}

async function launch(options: ServerOptions): Promise<RunningProcess> {
  return await startUntilReady({
    name: "postgres",
    ...options.confinement.wrap(options.postgres, serverArguments(options)),
    env: childEnvironment({ LC_ALL: "C", TZ: "UTC" }),
    // At once as well, but it gives its shared memory back, which SIGKILL would leave to the machine.
    exitSignal: stopSignals.immediate,
    readyLine: "database system is ready to accept connections",
    timeoutMs: startMs,
    ...(options.onLine && { onLine: options.onLine }),
  });
}

function serverArguments(options: ServerOptions): string[] {
  const settings = {
    listen_addresses: options.tcp ? "127.0.0.1" : "",
    unix_socket_directories: options.socketFolder,
    unix_socket_permissions: "0700",
    max_connections: "100",
    wal_level: "logical",
    shared_preload_libraries: "pg_stat_statements",
    timezone: "UTC",
    log_timezone: "UTC",
    // A crash of the server alone loses nothing without them either.
    ...(!options.durable && { fsync: "off", full_page_writes: "off" }),
  };
  return [
    "-D",
    options.dataFolder,
    "-p",
    String(options.port),
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

// Postgres itself sees that a postmaster.pid is stale, unless its number now belongs to some other process, or to one that
// has ended and that nobody reaps: then it would refuse to start for ever. (That sessions of it are left it sees by the shared
// memory, whose key is made of the folder.) A server that still runs on this folder is a leftover, since the folder is ours alone.
async function clearStalePid(dataFolder: string): Promise<void> {
  const file = join(dataFolder, "postmaster.pid");
  const text = await ifThere(Deno.readTextFile(file));
  if (text === undefined) return;
  const pid = Number(text.split("\n")[0]);
  if (commandLineOf(pid)?.includes(dataFolder)) Deno.kill(pid, "SIGKILL");
  else await Deno.remove(file);
}
