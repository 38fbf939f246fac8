/** Serves the console on this machine, with a config.js for one project. */
import { Hono } from "hono";
import { serveStatic } from "hono/deno";
import { consoleFolder } from "./files.ts";
import { forwardTo } from "./forward.ts";
import { foreignPage, wrongHost } from "../local-only.ts";
import { relayTo } from "./relay.ts";
import { serveOn } from "../ports.ts";

/** packages/console/src/connection/settings.ts reads it. */
export interface ConsoleConfig {
  url: string;
  publishableKey: string;
  /** Shown in place of `url`. The server sets it where it forwards the calls. */
  projectUrl?: string;
  profiles?: string[];
  /** `respond`, unless init gave it another name. */
  functionName?: string;
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
  const folder = await consoleFolder();
  const app = new Hono();
  const server = serveOn(options.port ?? 0, app.fetch);
  const { port } = server.addr;
  const url = `http://${hostname}:${port}/`;
  app.use(async (context, next) => {
    const { raw } = context.req;
    const refused = wrongHost(raw.headers, port) ??
      (isOpenedFromElsewhere(raw) ? undefined : foreignPage(raw.headers, port));
    if (refused !== undefined) return context.text(refused, 403);
    await next();
    // An upgraded socket is no page, and its answer cannot be changed.
    if (context.res.status === 101) return;
    // Whoever frames the page can make a person press Approve.
    context.header("content-security-policy", "frame-ancestors 'none'");
    context.header("x-frame-options", "DENY");
    context.header("x-content-type-options", "nosniff");
    context.header("cross-origin-resource-policy", "same-origin");
    context.header("referrer-policy", "no-referrer");
    return;
  });
  app.get(
    "/config.js",
    (context) => {
      const { origin } = new URL(context.req.url);
      const config = options.forwards
        ? { ...options.config, url: origin, projectUrl: options.config.url }
        : options.config;
      return context.body(`window.DURABLE_RESPONSES_CONSOLE = ${JSON.stringify(config)};\n`, 200, {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "no-store",
      });
    },
  );
  const relay = relayTo(options.config.url);
  if (options.forwards) {
    app.get("/realtime/v1/websocket", relay.handler);
    for (const part of ["auth", "rest", "functions"]) {
      app.all(`/${part}/v1/*`, forwardTo(options.config.url));
    }
  }
  app.use("*", serveStatic({ root: folder }));
  return {
    url,
    async stop() {
      relay.close();
      await server.shutdown();
    },
  };
}

/** A link to the page itself, from anywhere: it shows a page and gives nothing to whoever had the link. */
function isOpenedFromElsewhere({ method, url, headers }: Request): boolean {
  const { pathname } = new URL(url);
  return method === "GET" && (pathname === "/" || pathname === "/index.html") &&
    headers.get("sec-fetch-mode") === "navigate" &&
    headers.get("sec-fetch-dest") === "document" && headers.get("origin") === null;
}
