import { type HttpBindings, serve } from "@hono/node-server";
import { foreignPage, wrongHost } from "../local-only.ts";

/** Environment that a Hono handler sees under @hono/node-server: the raw socket can be reached. */
export type { HttpBindings };

export interface Listening {
  /** The port really taken. */
  port: number;
  /** Ends every connection and resolves once the port is free again. */
  stop(): Promise<void>;
}

export interface ListenOptions {
  /** The address; 127.0.0.1 when left out. */
  hostname?: string;
  /** Further names by which programs reach it there. */
  names?: readonly string[];
}

/**
 * Serves a fetch handler on 127.0.0.1, for programs of this machine: no page in a browser gets an answer. `port` 0 takes a
 * free one.
 *
 * node:http rather than Deno.serve, because Deno.serve always sends a status line before a
 * connection can be dropped, and a stand-in must be able to hang up without a word.
 *
 * @throws Error when the port is taken
 */
export function listen(
  handler: Parameters<typeof serve>[0]["fetch"],
  port: number,
  { hostname = "127.0.0.1", names = [] }: ListenOptions = {},
): Promise<Listening> {
  return new Promise((resolve, reject) => {
    // The override would replace the global Response, which Deno.serve in this process refuses.
    let ownPort = port;
    const server = serve({
      fetch(request, bindings) {
        const refused = wrongHost(request.headers, ownPort, names) ??
          foreignPage(request.headers, ownPort);
        return refused === undefined
          ? handler(request, bindings)
          : new Response(refused, { status: 403 });
      },
      port,
      hostname,
      overrideGlobalObjects: false,
    });
    server.once("error", reject);
    server.once("listening", () => {
      const address = server.address();
      if (address === null || typeof address === "string") {
        reject(new Error(`Cannot listen: a TCP address is needed, got ${String(address)}`));
        return;
      }
      ownPort = address.port;
      resolve({
        port: ownPort,
        stop: () =>
          new Promise<void>((done) => {
            server.close(() => done());
            if ("closeAllConnections" in server) server.closeAllConnections();
          }),
      });
    });
  });
}

/**
 * Drops the connection that a handler is serving, with no answer or in the middle of one. What was
 * written before still goes out.
 */
export function hangUp(bindings: HttpBindings): void {
  bindings.incoming.socket.destroySoon();
}
