/** The real PostgREST on a database of ours, without the gateway's `/rest/v1` in front. */
import { childEnvironment } from "../child-environment.ts";
import { findPostgrest } from "../postgres/binaries.ts";
import { onFreePort } from "../ports.ts";
import type { RunningProcess } from "../processes.ts";
import { NotReadyError, startUntilReady } from "../ready.ts";

export interface PostgrestOptions {
  /** As the role `authenticator`: `cluster.url("authenticator")`. */
  dbUrl: string;
  /** JSON Web Key Set as text: the HS256 secret (kty oct) and the ES256 public key. */
  jwks: string;
  onLine?: (line: string) => void;
}

export interface Postgrest {
  /** http://127.0.0.1:<port> */
  readonly url: string;
  stop(): Promise<void>;
  /** Starts it again on the same port; does nothing if it runs. */
  start(): Promise<void>;
  restart(): Promise<void>;
}

const startMs = 30_000;
const restartTries = 30;
const restartPauseMs = 200;

/** Starts PostgREST and resolves when it has read the schema. Throws with its last lines if it ends before that. */
export async function startPostgrest(options: PostgrestOptions): Promise<Postgrest> {
  const command = await findPostgrest();
  let port = 0;
  let server: RunningProcess | undefined;

  const start = async () => {
    // It may also have been ended from outside.
    if (server?.running !== true) server = await launchPostgrest(command, port, options);
  };
  await onFreePort(async (free) => {
    port = free;
    await start();
  });

  const stop = async () => {
    await server?.stop();
    server = undefined;
  };
  return {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    stop,
    start,
    async restart() {
      await stop();
      // Its port may serve somebody's outgoing connection for a moment: others know it, so it must be this one.
      for (let left = restartTries;; left--) {
        try {
          return await start();
        } catch (error) {
          const taken = error instanceof NotReadyError && error.portTaken;
          if (left === 1 || !taken) throw error;
          await new Promise((resolve) => setTimeout(resolve, restartPauseMs));
        }
      }
    },
  };
}

async function launchPostgrest(
  command: string,
  port: number,
  options: PostgrestOptions,
): Promise<RunningProcess> {
  return await startUntilReady({
    name: "postgrest",
    command,
    args: [],
    env: childEnvironment({
      PGRST_DB_URI: options.dbUrl,
      PGRST_DB_SCHEMAS: "public",
      PGRST_DB_EXTRA_SEARCH_PATH: "public,extensions",
      PGRST_DB_ANON_ROLE: "anon",
      PGRST_DB_MAX_ROWS: "1000",
      PGRST_DB_POOL: "10",
      PGRST_JWT_SECRET: options.jwks,
      PGRST_SERVER_HOST: "127.0.0.1",
      PGRST_SERVER_PORT: String(port),
      PGRST_LOG_LEVEL: "error",
    }),
    // The last thing it says while starting, once it listens and knows the schema.
    readyLine: "Schema cache loaded",
    timeoutMs: startMs,
    ...(options.onLine && { onLine: options.onLine }),
  });
}
