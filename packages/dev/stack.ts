/**
 * A whole Supabase project on this machine: the project's migrations and functions, unchanged, on real Postgres and
 * PostgREST, with stand-ins for the platform's other parts, for OpenAI and for two MCP servers.
 */
import { resolve } from "node:path";
import { startAuth } from "./auth/auth.ts";
import { type ApiKeys, createKeys } from "./auth/keys.ts";
import type { SessionStore } from "./auth/sessions.ts";
import { defaultWallClockMs } from "./edge/runtime.ts";
import { readFunctionSettings } from "./gateway/function-settings.ts";
import { type Gateway, startGateway } from "./gateway/gateway.ts";
import { startCron } from "./postgres/cron.ts";
import { startNet } from "./postgres/net.ts";
import { startPostgrest } from "./postgrest/postgrest.ts";
import { startRealtime } from "./realtime/realtime.ts";
import { startStorage } from "./storage/storage.ts";
import { storageFolder } from "./stack/storage-folder.ts";
import { beforeExit } from "./shutdown.ts";
import { putVaultSecrets, startDatabase } from "./stack/database.ts";
import { functionEnvironment } from "./stack/environment.ts";
import { requireProfiles, startFunctions } from "./stack/functions.ts";
import { type Kept, openKept } from "./stack/kept.ts";
import { applyMigrations } from "./stack/migrations.ts";
import type { Stack, StackOptions } from "./stack/options.ts";
import { readFaults, startOutside } from "./stack/outside.ts";
import { allStarted, StackParts } from "./stack/parts.ts";
import { createSecrets, type StackSecrets } from "./stack/secrets.ts";

export type { LogEvent, Stack, StackOptions } from "./stack/options.ts";
export {
  fastTimings,
  type Fault,
  type OpenAIStandIn,
  type Plans,
  type Timings,
  type WebhookFault,
} from "./openai/mod.ts";

/**
 * Starts a stack; resolves when every part answers. Its parts are stopped in reverse order by `stop`, on Ctrl-C, SIGTERM
 * and SIGHUP, and when one of them cannot start (then this throws that part's error).
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const parts = new StackParts();
  let forget = beforeExit(() => parts.stop());
  const stop = () => parts.stop().finally(() => forget());
  try {
    const started = await startParts(options, parts);
    // The newest clean-up is the first. Postgres has one of its own, and must not end before the parts that use it.
    forget();
    forget = beforeExit(() => parts.stop());
    return { ...started, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What every part of one stack may need to know. */
interface Context {
  options: StackOptions;
  /** The folder that holds `supabase/`. */
  project: string;
  kept: Kept | undefined;
  parts: StackParts;
  keys: ApiKeys;
  secrets: StackSecrets;
  gateway: Gateway;
  functionsUrl: string;
  log: (source: string) => (line: string) => void;
}

async function startParts(
  options: StackOptions,
  parts: StackParts,
): Promise<Omit<Stack, "stop">> {
  const faults = readFaults(options);
  requireProfiles(options);
  const kept = options.keep === undefined ? undefined : await openKept(options.keep);
  if (kept) await parts.add({ stop: () => Promise.resolve(kept.release()) });
  const keys = await createKeys(kept?.state.signing);
  // First of all, as the others must know its URL; it answers 503 until they run.
  const gateway = await parts.add(startGateway({ port: options.ports?.api ?? 0, keys }));
  const context: Context = {
    options,
    project: resolve(options.project ?? "."),
    kept,
    parts,
    keys,
    gateway,
    secrets: kept?.state.secrets ?? createSecrets(),
    functionsUrl: `${gateway.url}/functions/v1`,
    log: (source) => (line) => options.onLog?.({ source, line }),
  };
  const [platform, outside] = await allStarted(
    startPlatform(context),
    startOutside({ ...context, faults }),
  );
  const { database, cron, net, auth, storage, postgrest, realtime, settings } = platform;
  const { openai, mailbox } = outside;
  const wallClockMs = options.wallClockMs ?? defaultWallClockMs;
  const env = {
    ...functionEnvironment({
      apiUrl: gateway.url,
      dbUrl: database.url(),
      keys,
      secrets: context.secrets,
      wallClockMs,
      openai: outside.openaiAccess,
      mailboxUrl: outside.mailbox.url,
      everythingUrl: outside.everything.url,
    }),
    ...options.env,
  };
  const edge = await startFunctions({
    ...context,
    env,
    wallClockMs,
    importMap: settings.importMap,
  });
  gateway.route({
    restUrl: postgrest.url,
    auth,
    storage,
    edge,
    realtime,
    verifiesJwt: settings.verifiesJwt,
  });

  return {
    apiUrl: gateway.url,
    functionsUrl: context.functionsUrl,
    dbUrl: database.url(),
    adminDbUrl: database.url("supabase_admin"),
    publishableKey: keys.publishableKey,
    secretKey: keys.secretKey,
    anonKey: keys.anonKey,
    serviceRoleKey: keys.serviceRoleKey,
    workerSecret: context.secrets.workerSecret,
    webhookSecret: context.secrets.webhookSecret,
    userPassword: kept?.state.userPassword ?? crypto.randomUUID(),
    functionEnvironment: env,
    createUser: (email, password) => auth.createUser(email, password),
    async applyMigrations() {
      if (!kept) throw new Error("Cannot apply migrations: only a stack with 'keep' does");
      const { project } = context;
      await applyMigrations(database, kept, { project, tell: context.log("migrations") });
    },
    openai,
    mailbox,
    edge,
    database,
    postgrest,
    cron,
    net,
    realtime,
  };
}

/** Supabase's own parts, apart from the functions. */
async function startPlatform(context: Context) {
  const { options, project, kept, parts, keys, secrets, gateway, log } = context;
  // Before the Supabase CLI reads the file for the migrations: ours is the plainer message.
  const settings = await readFunctionSettings(project);
  const database = await startDatabase({
    project,
    port: options.ports?.db,
    durable: options.durable ?? true,
    kept,
    onLine: log("postgres"),
    tell: log("migrations"),
  });
  await parts.add({ stop: () => database.destroy() });
  const sql = database.connect("postgres", "postgres", { max: 2 });
  await parts.add({ stop: () => sql.end() });

  const [postgrest, realtime, net, cron] = await allStarted(
    parts.add(startPostgrest({
      dbUrl: database.url("authenticator"),
      jwks: JSON.stringify(keys.verifyingJwks),
      onLine: log("postgrest"),
    })),
    parts.add(startRealtime({ cluster: database, keys, onLog: log("realtime") })),
    parts.add(startNet(database, { onLog: log("pg_net") })),
    parts.add(startCron(database, { onLog: log("pg_cron") })),
    putVaultSecrets(sql, { projectUrl: gateway.url, workerSecret: secrets.workerSecret }),
  );
  const auth = startAuth({
    sql,
    keys,
    issuer: `${gateway.url}/auth/v1`,
    ...(kept && { store: sessionsIn(kept, log("auth")) }),
  });
  const storageSql = database.connect("supabase_storage_admin", "postgres", { max: 4 });
  await parts.add({ stop: () => storageSql.end() });
  const folder = await parts.add(storageFolder(kept, options.durable ?? true));
  const storage = startStorage({ sql: storageSql, keys, folder: folder.path });
  return { database, postgrest, realtime, net, cron, auth, storage, settings };
}

function sessionsIn(kept: Kept, log: (line: string) => void): SessionStore {
  return {
    sessions: kept.state.sessions,
    save(sessions) {
      kept.state.sessions = sessions;
      kept.save().catch((error) => log(`Cannot keep who is signed in: ${error}`));
    },
  };
}
