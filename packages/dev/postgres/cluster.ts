/** A Postgres 17 cluster of our own: a copy of a template, one server, reachable on 127.0.0.1 and by a private socket. */
import { join } from "node:path";
import type { Sql } from "postgres";
import { onFreePort } from "../ports.ts";
import type { RunningProcess } from "../processes.ts";
import { runFolder, tidyRunFolder } from "../run-folder.ts";
import { beforeExit } from "../shutdown.ts";
import { connectSocket } from "./connect.ts";
import { startServer, type StopMode, stopServer } from "./server.ts";
import { copyFolder, platformTemplate, type Template } from "./template.ts";
import { ifThere } from "../if-there.ts";

export interface ClusterOptions {
  /** Preferred TCP port; a free one if it is taken or not given. */
  port?: number;
  /** false: fsync off and the data in memory if possible, for tests; default true. */
  durable?: boolean;
  /** What to start from; default: the platform's roles and schemas, no migrations. */
  template?: Template;
  /** Folder of a database that is kept: continued from when it is there, and left behind in the end. */
  keep?: { folder: string; adminPassword: string };
  /** Gets every line of the server's log. */
  onLine?: (line: string) => void;
}

export interface Cluster {
  readonly port: number;
  readonly dataFolder: string;
  /** A TCP URL with password; role and database are "postgres" by default. "supabase_admin" is the superuser. */
  url(role?: string, database?: string): string;
  /** A pool on the private socket as any login role, no password; the caller ends it. */
  connect(role?: string, database?: string, options?: { max?: number }): Sql;
  /** Stops the server and keeps its data; does nothing if it is stopped. "fast" by default. */
  stop(mode?: StopMode): Promise<void>;
  /** Starts it again on the same port and data; does nothing if it runs. */
  start(): Promise<void>;
  restart(mode?: StopMode): Promise<void>;
  /** Stops it and removes its data, unless they are kept; also done when this process is interrupted. */
  destroy(): Promise<void>;
}

/** Copies the template and starts a server on it. Takes about 0.3 s once the template is there. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const template = options.template ?? await platformTemplate();
  const { binaries, confinement } = template;
  const durable = options.durable ?? true;
  const folder = await Deno.makeTempDir({
    dir: runFolder(durable ? "disk" : "memory"),
    prefix: "pg-",
  });
  const dataFolder = options.keep?.folder ?? join(folder, "data");
  await startFrom(template, dataFolder);
  await confinement.own(folder);
  await confinement.own(dataFolder);

  const adminPassword = options.keep?.adminPassword ?? crypto.randomUUID();
  let port = 0;
  let server: RunningProcess | undefined;

  const launch = () =>
    startServer({
      postgres: binaries.postgres,
      confinement,
      dataFolder,
      port,
      socketFolder: folder,
      tcp: true,
      durable,
      ...(options.onLine && { onLine: options.onLine }),
    });
  const connect: Cluster["connect"] = (role = "postgres", database = "postgres", { max } = {}) =>
    connectSocket({
      socketFolder: folder,
      port,
      role,
      database,
      ...(max !== undefined && { max }),
    });
  const start = async () => {
    // It may also have been ended from outside.
    if (server?.running !== true) server = await launch();
  };
  const stop = async (mode: StopMode = "fast") => {
    if (server !== undefined) await stopServer(server, mode);
    server = undefined;
  };
  const remove = async () => {
    forgetCleanUp();
    await stop(options.keep ? "fast" : "immediate");
    await Deno.remove(folder, { recursive: true });
    tidyRunFolder();
  };
  let removed: Promise<void> | undefined;
  const destroy = () => removed ??= remove();
  const forgetCleanUp = beforeExit(destroy);

  try {
    await onFreePort(async (free) => {
      port = free;
      await start();
    }, options.port);
    await setAdminPassword(connect("supabase_admin", "postgres", { max: 1 }), adminPassword);
  } catch (error) {
    await destroy();
    throw error;
  }

  return {
    get port() {
      return port;
    },
    dataFolder,
    url(role = "postgres", database = "postgres") {
      const password = role === "supabase_admin" ? adminPassword : "postgres";
      return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
    },
    connect,
    stop,
    start,
    async restart(mode) {
      await stop(mode);
      await start();
    },
    destroy,
  };
}

/** What is there is continued from. A copy gets its name when it is whole. */
async function startFrom(template: Template, dataFolder: string): Promise<void> {
  if (await ifThere(Deno.stat(dataFolder))) return;
  const copy = `${dataFolder}.new`;
  await ifThere(Deno.remove(copy, { recursive: true }));
  await copyFolder(template.folder, copy);
  await Deno.rename(copy, dataFolder);
}

async function setAdminPassword(sql: Sql, password: string): Promise<void> {
  try {
    await sql`select set_config('dr.password', ${password}, false)`;
    await sql`do $$ begin execute format('alter role supabase_admin password %L', current_setting('dr.password')); end $$`;
  } finally {
    await sql.end();
  }
}
