/** Serves the console on this machine, with a config.js for one project. */
import { Hono } from "hono";
import { serveStatic } from "hono/deno";
import { buildConsole, consoleFiles } from "./build.ts";
import { forwardTo } from "./forward.ts";
import { relayTo } from "./relay.ts";

/** packages/console/src/connection/settings.ts reads it. */
export interface ConsoleConfig {
  url: string;
  publishableKey: string;
  profiles?: string[];
  /** The local stack only: one click signs in. */
  development?: { email: string; password: string; secretKey: string };
}

export interface ConsoleOptions {
  /** Preferred port; a free one when it is taken. Default: a free one. */
  port?: number;
  config: ConsoleConfig;
  /**
   * Passes the page's calls on to the project instead of having the browser send them there: hosted
   * projects refuse secret keys that come from a browser.
   */
  forwards?: boolean;
}

export interface ConsoleServer {
  /** `http://127.0.0.1:<port>/` */
  url: string;
  stop(): Promise<void>;
}

const hostname = "127.0.0.1";

/** Builds the console if need be, and serves it. */
export async function startConsole(options: ConsoleOptions): Promise<ConsoleServer> {
  await buildConsole();
  const app = new Hono();
  const { port, ...server } = listen(app, options.port ?? 0);
  const url = `http://${hostname}:${port}/`;
  const config = options.forwards
    ? { ...options.config, url: new URL(url).origin }
    : options.config;

  app.use(async (context, next) => {
    // The config may hold keys: no page of another site, and no other name for this address, gets it.
    const site = context.req.header("sec-fetch-site") ?? "none";
    const isForeign = context.req.header("host") !== `${hostname}:${port}` ||
      (site === "cross-site" && context.req.header("sec-fetch-mode") !== "navigate");
    if (isForeign) return context.text("Only the console itself may ask here", 403);
    return await next();
  });
  app.get(
    "/config.js",
    (context) =>
      context.body(`window.DURABLE_RESPONSES_CONSOLE = ${JSON.stringify(config)};\n`, 200, {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "no-store",
      }),
  );
  const relay = relayTo(options.config.url);
  if (options.forwards) {
    app.get("/realtime/v1/websocket", relay.handler);
    for (const part of ["auth", "rest", "functions"]) {
      app.all(`/${part}/v1/*`, forwardTo(options.config.url));
    }
  }
  app.use("*", serveStatic({ root: consoleFiles }));
  return {
    url,
    async stop() {
      relay.close();
      await server.stop();
    },
  };
}

function listen(app: Hono, port: number): { port: number; stop(): Promise<void> } {
  const serve = (wanted: number) =>
    Deno.serve({ port: wanted, hostname, onListen: () => {} }, app.fetch);
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = serve(port);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    server = serve(0);
  }
  return { port: server.addr.port, stop: () => server.shutdown() };
}
