/**
 * One port for the whole project, like the hosted gateway: /rest/v1, /auth/v1, /storage/v1, /realtime/v1 and /functions/v1,
 * API keys exchanged for roles, CORS. Response bodies stream through.
 */
import type { Hono } from "hono";
import type { ApiKeys } from "../auth/keys.ts";
import { wrongHost } from "../local-only.ts";
import { type GatewayEnv, gatewayRoutes, type Upstreams } from "./routes.ts";
import { serveOn } from "../ports.ts";

export interface Gateway {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  /** Opens the gateway to what stands behind it; until then every request gets 503. */
  route(upstreams: Upstreams): void;
  stop(): Promise<void>;
}

/** Listens at once, on `port` if it is free, so that its URL can be told to parts that start later. */
export function startGateway(options: { port?: number; keys: ApiKeys }): Gateway {
  // A request must never reach an upstream twice: fetch sends it again when a kept connection was dropped.
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const stopping = new AbortController();
  let routes: Hono<GatewayEnv> | undefined;

  const answer: Deno.ServeHandler<Deno.NetAddr> = (request, info) => {
    const refused = wrongHost(request.headers, server.addr.port);
    if (refused !== undefined) return Response.json({ message: refused }, { status: 403 });
    // Not request.signal, which Deno aborts after every response.
    const gone = new AbortController();
    info.completed.catch((reason) => gone.abort(reason));
    return routes?.fetch(request, { caller: info.remoteAddr.hostname, gone: gone.signal }) ??
      Response.json({ message: "The stack is still starting" }, { status: 503 });
  };
  const server = serveOn(options.port ?? 0, answer, stopping.signal);

  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    port: server.addr.port,
    route: (upstreams) => routes = gatewayRoutes(options.keys, upstreams, client),
    async stop() {
      stopping.abort();
      await server.finished;
      client.close();
    },
  };
}
