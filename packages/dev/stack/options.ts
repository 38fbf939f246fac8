/** What a stack can be told, and what it gives. */
import type { SignedInUser } from "../auth/auth.ts";
import type { RemoteModules } from "../edge/command.ts";
import type { EdgeRuntime } from "../edge/runtime.ts";
import type { Mailbox } from "../mcp/mailbox.ts";
import type { Fault, OpenAIStandIn, Plans, Timings, WebhookFault } from "../openai/mod.ts";
import type { Cluster } from "../postgres/cluster.ts";
import type { Cron } from "../postgres/cron.ts";
import type { Net } from "../postgres/net.ts";
import type { Postgrest } from "../postgrest/postgrest.ts";
import type { Realtime } from "../realtime/realtime.ts";

export interface StackOptions {
  /** The folder that holds the `supabase/` to run, default the one this process is in. */
  project?: string;
  /**
   * A folder that keeps database, users, files and keys from one run to the next. Without one, each stack begins with nothing but
   * the migrations.
   */
  keep?: string;
  /**
   * What the model of the OpenAI stand-in does for which query, or the path of a JSON file that says so; more can be planned later,
   * with `stack.openai.plan`.
   */
  plans?: Plans | string;
  /** What goes wrong at the OpenAI stand-in from the start; more can be set later, with `stack.openai.faults`. */
  faults?: Fault[];
  /** The same for its webhooks. */
  webhookFaults?: WebhookFault[];
  /** Preferred ports of the gateway and of Postgres; when taken, a free one. Default: free ones. */
  ports?: { api?: number; db?: number };
  /** Life of a function's worker in ms, default 150,000; functions are told it as DURABLE_RESPONSES_WALL_CLOCK_S. */
  wallClockMs?: number;
  /** Workers of one function that take requests at the same time, default 4. */
  maxWorkers?: number;
  /** Path of a module that takes the place of supabase/functions/_shared/profiles.ts. */
  profiles?: string;
  /**
   * Where functions get their packages from: `project` (default), as their import maps say, with what this package brings
   * taken from here; `node_modules`, for a project that has the same packages there; or this very import map.
   */
  packages?: "project" | "node_modules" | RemoteModules;
  /** Further environment of functions; wins over the stack's own. */
  env?: Record<string, string>;
  /** Talk to this instead of the OpenAI stand-in; `baseUrl` ends in `/v1`. */
  openai?: { apiKey: string; baseUrl?: string };
  /** How long things take in the OpenAI stand-in, in ms; about 2 s for a run by default. */
  openaiTimings?: Partial<Timings>;
  /** false: Postgres keeps its data in memory and waits for no disk. Default true; tests take false. */
  durable?: boolean;
  /** Gets every line of every part; `source` is a function's name or a part's. */
  onLog?: (event: LogEvent) => void;
}

export interface LogEvent {
  source: string;
  line: string;
}

export interface Stack {
  /** The gateway, `http://127.0.0.1:<port>`. */
  apiUrl: string;
  /** `<apiUrl>/functions/v1` */
  functionsUrl: string;
  /** As the role `postgres`, which is no superuser. */
  dbUrl: string;
  /** As the superuser `supabase_admin`. */
  adminDbUrl: string;
  publishableKey: string;
  secretKey: string;
  /** Legacy HS256 keys. */
  anonKey: string;
  serviceRoleKey: string;
  /** What wakes run-jobs. */
  workerSecret: string;
  /** What OpenAI's webhooks are signed with, `whsec_…`. */
  webhookSecret: string;
  /** Creates a user and signs it in. Of a database that is kept, one with that password is only signed in. */
  createUser(email?: string, password?: string): Promise<SignedInUser>;
  /** Applies the migrations that are new; with `keep` only. */
  applyMigrations(): Promise<void>;
  /** The password that a database that is kept has for its first user. */
  userPassword: string;
  /** What the functions find in their environment. */
  functionEnvironment: Readonly<Record<string, string>>;
  /** Undefined when the stack talks to another server. */
  openai: OpenAIStandIn | undefined;
  mailbox: Mailbox;
  edge: EdgeRuntime;
  database: Cluster;
  postgrest: Postgrest;
  cron: Cron;
  net: Net;
  realtime: Realtime;
  /** Ends every process and removes the data, unless it is kept. */
  stop(): Promise<void>;
}
