/**
 * A whole Supabase project on this machine: the project's migrations and functions, unchanged, on real Postgres and
 * PostgREST, with stand-ins for the platform's other parts, for OpenAI and for two MCP servers.
 */
import { join, resolve } from "node:path";
import { startAuth } from "./auth/auth.ts";
import { type ApiKeys, createKeys } from "./auth/keys.ts";
import { defaultWallClockMs, type EdgeRuntime, startEdge } from "./edge/runtime.ts";
import { readFunctionSettings } from "./gateway/function-settings.ts";
import { type Gateway, startGateway } from "./gateway/gateway.ts";
import { startEverything } from "./mcp/everything.ts";
import { startMailbox } from "./mcp/mailbox.ts";
import { startOpenAI } from "./openai/mod.ts";
import { projectRoot } from "./postgres/binaries.ts";
import { startCron } from "./postgres/cron.ts";
import { startNet } from "./postgres/net.ts";
import { startPostgrest } from "./postgrest/postgrest.ts";
import { startRealtime } from "./realtime/realtime.ts";
import { beforeExit } from "./shutdown.ts";
import { putVaultSecrets, startDatabase } from "./stack/database.ts";
import { functionEnvironment } from "./stack/environment.ts";
import type { Stack, StackOptions } from "./stack/options.ts";
import { allStarted, StackParts } from "./stack/parts.ts";
import { createSecrets, type StackSecrets } from "./stack/secrets.ts";

export type { LogEvent, Stack, StackOptions } from "./stack/options.ts";

/**
 * Starts a stack; resolves when every part answers. Its parts are stopped in reverse order by `stop`, on Ctrl-C, SIGTERM
 * and SIGHUP, and when one of them cannot start (then this throws that part's error).
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const parts = new StackParts();
  const forget = beforeExit(() => parts.stop());
  const stop = () => parts.stop().finally(forget);
  try {
    return { ...await startParts(options, parts), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What every part of one stack may need to know. */
interface Context {
  options: StackOptions;
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
  const keys = await createKeys();
  // First of all, as the others must know its URL; it answers 503 until they run.
  const gateway = await parts.add(startGateway({ port: options.ports?.api ?? 0, keys }));
  const context: Context = {
    options,
    parts,
    keys,
    gateway,
    secrets: createSecrets(),
    functionsUrl: `${gateway.url}/functions/v1`,
    log: (source) => (line) => options.onLog?.({ source, line }),
  };
  const [platform, outside] = await allStarted(startPlatform(context), startOutside(context));
  const { database, cron, net, auth, postgrest, realtime, verifiesJwt } = platform;
  const { openai, mailbox } = outside;
  const env = environmentOf(context, database.url(), outside);
  const edge = await parts.add(startFunctions(context, env));
  gateway.route({ restUrl: postgrest.url, auth, edge, realtime, verifiesJwt });

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
    hasVariable: (name) => Boolean(env[name]),
    webhookSecret: context.secrets.webhookSecret,
    createUser: (email) => auth.createUser(email),
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
async function startPlatform({ options, parts, keys, secrets, gateway, log }: Context) {
  const project = options.project ?? projectRoot;
  const database = await startDatabase({
    project,
    port: options.ports?.db,
    durable: options.durable ?? true,
    onLine: log("postgres"),
  });
  await parts.add({ stop: () => database.destroy() });
  const sql = database.connect("postgres", "postgres", { max: 2 });
  await parts.add({ stop: () => sql.end() });

  const [postgrest, realtime, net, cron, verifiesJwt] = await allStarted(
    parts.add(startPostgrest({
      dbUrl: database.url("authenticator"),
      jwks: JSON.stringify(keys.verifyingJwks),
      onLine: log("postgrest"),
    })),
    parts.add(startRealtime({ cluster: database, keys, onLog: log("realtime") })),
    parts.add(startNet(database, { onLog: log("pg_net") })),
    parts.add(startCron(database, { onLog: log("pg_cron") })),
    readFunctionSettings(join(project, "supabase", "config.toml")),
    putVaultSecrets(sql, { projectUrl: gateway.url, workerSecret: secrets.workerSecret }),
  );
  const auth = startAuth({ sql, keys, issuer: `${gateway.url}/auth/v1` });
  return { database, postgrest, realtime, net, cron, auth, verifiesJwt };
}

/** What the project talks to: OpenAI, unless the options name a real one, and MCP servers. */
async function startOutside({ options, parts, secrets, functionsUrl, log }: Context) {
  const [mailbox, everything, openai] = await allStarted(
    parts.add(startMailbox({ token: secrets.mailboxToken })),
    parts.add(startEverything({ onLog: log("everything") })),
    options.openai ? undefined : parts.add(startOpenAI({
      apiKey: secrets.openaiApiKey,
      webhookSecret: secrets.webhookSecret,
      webhookUrl: `${functionsUrl}/openai-webhook`,
      ...(options.openaiTimings && { timings: options.openaiTimings }),
      ...(options.onOpenAIEvent && { onEvent: options.onOpenAIEvent }),
    })),
  );
  const openaiAccess = options.openai ?? { apiKey: secrets.openaiApiKey, baseUrl: openai?.url };
  return { mailbox, everything, openai, openaiAccess };
}

function environmentOf(
  { options, keys, secrets, gateway }: Context,
  dbUrl: string,
  outside: Awaited<ReturnType<typeof startOutside>>,
): Record<string, string> {
  return {
    ...functionEnvironment({
      apiUrl: gateway.url,
      dbUrl,
      keys,
      secrets,
      wallClockMs: options.wallClockMs ?? defaultWallClockMs,
      openai: outside.openaiAccess,
      mailboxUrl: outside.mailbox.url,
      everythingUrl: outside.everything.url,
    }),
    ...options.env,
  };
}

function startFunctions({ options }: Context, env: Record<string, string>): EdgeRuntime {
  const functionsDir = join(options.project ?? projectRoot, "supabase", "functions");
  const profilesModule = join(functionsDir, "_shared", "profiles.ts");
  return startEdge({
    functionsDir,
    env,
    wallClockMs: options.wallClockMs ?? defaultWallClockMs,
    ...(options.maxWorkers !== undefined && { maxWorkers: options.maxWorkers }),
    ...(options.profiles !== undefined &&
      { replace: { [profilesModule]: resolve(options.profiles) } }),
    ...(options.remote && { remote: options.remote }),
    ...(options.onLog && { onLog: options.onLog }),
  });
}
