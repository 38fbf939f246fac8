/** A server of Debian's Postgres 15 with the real pg_cron, and the platform's roles and schemas. */
import { childEnvironment } from "../../packages/dev/child-environment.ts";
import { join } from "node:path";
import type { Sql } from "postgres";
import { projectRoot } from "../../packages/dev/postgres/binaries.ts";
import { findConfinement } from "../../packages/dev/postgres/confine.ts";
import { connectSocket } from "../../packages/dev/postgres/connect.ts";
import { freePort } from "../../packages/dev/ports.ts";
import { runProcess } from "../../packages/dev/processes.ts";
import { startUntilReady } from "../../packages/dev/ready.ts";
import { runFolder, tidyRunFolder } from "../../packages/dev/run-folder.ts";
import { buildTree } from "./tree.ts";

export interface DebianCluster {
  /** Of the role `postgres`, over TCP. */
  readonly url: string;
  /** As `postgres`. */
  readonly owner: Sql;
  /** As the superuser. */
  readonly admin: Sql;
}

/** Starts one for `run` and stops it whatever happens. */
export async function withDebianCluster<T>(
  run: (cluster: DebianCluster) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir({ dir: runFolder(), prefix: "pg-" });
  try {
    return await withServer(folder, run);
  } finally {
    await Deno.remove(folder, { recursive: true });
    tidyRunFolder();
  }
}

async function withServer<T>(
  folder: string,
  run: (cluster: DebianCluster) => Promise<T>,
): Promise<T> {
  const tree = await buildTree(join(folder, "usr"));
  // If we are root, Postgres runs as another user, who must be able to enter the folder.
  await Deno.chmod(folder, 0o711);
  const confinement = await findConfinement(tree.postgres);
  const dataFolder = join(folder, "data");
  await Deno.mkdir(dataFolder, { mode: 0o700 });
  await confinement.own(dataFolder);
  await runProcess({
    name: "initdb",
    ...confinement.wrap(tree.initdb, ["-D", dataFolder, ...initdbArguments]),
    env: childEnvironment({ LC_ALL: "C" }),
  });
  const socketFolder = join(folder, "socket");
  await Deno.mkdir(socketFolder);
  await confinement.own(socketFolder);
  const port = freePort();
  const server = await startUntilReady({
    name: "Debian's Postgres 15",
    ...confinement.wrap(tree.postgres, serverArguments(dataFolder, socketFolder, port)),
    env: childEnvironment({ LC_ALL: "C", TZ: "UTC" }),
    exitSignal: "SIGQUIT",
    readyLine: "database system is ready to accept connections",
    timeoutMs: 60_000,
  });
  const connect = (role: string) =>
    connectSocket({ socketFolder, port, role, database: "postgres" });
  const admin = connect("supabase_admin");
  const owner = connect("postgres");
  try {
    await bootstrap(admin);
    return await run({
      url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
      owner,
      admin,
    });
  } finally {
    await Promise.all([admin.end({ timeout: 1 }), owner.end({ timeout: 1 })]);
    await server.stop({ signal: "SIGQUIT" });
  }
}

const initdbArguments = [
  "--username=supabase_admin",
  "--auth-local=trust",
  "--auth-host=scram-sha-256",
  "--encoding=UTF8",
  "--locale=C",
  "--no-sync",
  "--no-instructions",
];

function serverArguments(dataFolder: string, socketFolder: string, port: number): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: socketFolder,
    wal_level: "logical",
    fsync: "off",
    timezone: "UTC",
    shared_preload_libraries: "pg_cron",
    "cron.database_name": "postgres",
    "cron.use_background_workers": "on",
  };
  return [
    "-D",
    dataFolder,
    "-p",
    String(port),
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

// The parts of the platform's bootstrap scripts, which are for Postgres 17, that 15 does not know.
const newerThan15 = [", maintain", ", pg_create_subscription", " with inherit true, set false"];

async function bootstrap(admin: Sql): Promise<void> {
  const scripts = join(projectRoot, "packages", "dev", "postgres", "bootstrap");
  for (const name of [...Deno.readDirSync(scripts)].map((entry) => entry.name).sort()) {
    const text = await Deno.readTextFile(join(scripts, name));
    await admin.unsafe(newerThan15.reduce((script, part) => script.replaceAll(part, ""), text));
  }
  await admin.unsafe(cron);
}

// On the platform, the extension belongs to the superuser, whoever creates it, and pg_cron writes its tables as that owner.
// These grants are those of the platform's own trigger.
const cron = `
  create extension pg_cron with schema pg_catalog;
  grant usage on schema cron to postgres with grant option;
  grant execute on all functions in schema cron to postgres with grant option;
  grant select on cron.job to postgres with grant option;
  grant all on cron.job_run_details to postgres with grant option;
`;
