/**
 * Supabase Realtime, as far as broadcast goes, with the real wire protocol: the unchanged supabase-js joins through the
 * gateway, the policies on realtime.messages decide who may, and messages come from `realtime.send` and the HTTP API.
 * Presence and Postgres changes are not here.
 */
import type { ApiKeys } from "../auth/keys.ts";
import { type Claims, verifyToken } from "../auth/tokens.ts";
import type { Cluster } from "../postgres/cluster.ts";
import { mayRead, mayWrite } from "./authorize.ts";
import { broadcastApi } from "./broadcast-api.ts";
import { Connection } from "./connection.ts";
import { readStoredMessages } from "./stored.ts";
import { type Message, Topics } from "./topics.ts";

export type { Message } from "./topics.ts";

export interface RealtimeFaults {
  /** Joins are refused with this reason. */
  refuseJoins: string | undefined;
  /** Websockets and the HTTP API are answered with 503. */
  down: boolean;
  /** Messages for which this is true are lost. */
  lose: ((message: Message) => boolean) | undefined;
}

export interface Realtime {
  /** Opens a websocket: `GET /websocket`, as Deno.serve got it. `keyToken` is the token of the API key's role. */
  connect(request: Request, keyToken: string): Response;
  /** The HTTP API, below `/realtime/v1`, with the role's token as bearer in the place of the API key. */
  fetch(request: Request): Promise<Response>;
  /** How many are joined to a private topic, by its name without `realtime:`. */
  members(topic: string): number;
  /** Set its fields to break things. */
  faults: RealtimeFaults;
  /** Ends every websocket abnormally; clients come back by themselves. Returns how many there were. */
  dropSockets(): number;
  stop(): Promise<void>;
}

export interface RealtimeOptions {
  cluster: Cluster;
  /** "postgres" by default. */
  database?: string;
  keys: ApiKeys;
  /** Gets one line per failure inside. */
  onLog?: (line: string) => void;
}

/** Starts it on a cluster with the platform's `realtime` schema. */
export async function startRealtime(options: RealtimeOptions): Promise<Realtime> {
  const { cluster, keys } = options;
  const onError = (error: unknown) =>
    options.onLog?.(`realtime: ${error instanceof Error ? error.message : error}`);
  const sql = cluster.connect("supabase_realtime_admin", options.database ?? "postgres", {
    max: 3,
  });
  const faults: RealtimeFaults = { refuseJoins: undefined, down: false, lose: undefined };
  const topics = new Topics((message) => faults.lose?.(message) ?? false);
  const connections = new Set<Connection>();
  const shared = {
    topics,
    verify: (token: string) => verifyToken(keys, token),
    mayRead: (topic: string, claims: Claims) => mayRead(sql, topic, claims),
    mayWrite: (topic: string, claims: Claims) => mayWrite(sql, topic, claims),
  };
  const api = broadcastApi(shared);
  const stored = await readStoredMessages(sql, (message) => topics.send(message), onError);

  const connect = (request: Request, keyToken: string): Response => {
    if (faults.down) return unavailable();
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return new Response("WebSocket upgrade required", { status: 426 });
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    const connection = new Connection(socket, {
      ...shared,
      keyToken,
      onError,
      refusal: () => faults.refuseJoins,
    });
    connections.add(connection);
    socket.addEventListener("close", () => connections.delete(connection));
    return response;
  };

  return {
    faults,
    connect,
    fetch: async (request) => faults.down ? unavailable() : await api.fetch(request),
    members: (topic) => topics.count(topic, true),
    dropSockets() {
      const dropped = [...connections];
      // 4000: for applications. 1006 cannot be sent, and 1000 would be a good-bye.
      for (const connection of dropped) connection.close(4000);
      return dropped.length;
    },
    async stop() {
      for (const connection of connections) connection.close();
      await stored.stop();
      await sql.end({ timeout: 1 });
    },
  };
}

function unavailable(): Response {
  return Response.json({ message: "Realtime is down" }, { status: 503 });
}
