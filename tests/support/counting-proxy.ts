/** A proxy between the functions and the gateway. It records requests to the database, and fails them if a test wants it. */
import { forward } from "../../packages/dev/edge/proxy.ts";

export interface CountingProxy {
  /** The functions' SUPABASE_URL. */
  url: string;
  /** Where requests are forwarded to. Must be set before the first one. */
  target: string;
  /** Paths of all requests, in order: `/rest/v1/rpc/submit_response_job` … */
  paths: string[];
  /** Called with each path. If it returns a response, that replaces the real one. */
  intercept: ((path: string) => Response | undefined | Promise<Response | undefined>) | undefined;
  stop(): Promise<void>;
}

export function startCountingProxy(): CountingProxy {
  // As in the gateway: a request must not be sent twice because a pooled connection was dropped.
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      proxy.paths.push(pathname);
      const { url, method, headers, body } = request;
      // Without request.signal, which Deno aborts after every response.
      const passed = new Request(url, { method, headers, body });
      return await proxy.intercept?.(pathname) ?? await forward(passed, proxy.target, { client });
    },
  );
  const proxy: CountingProxy = {
    url: `http://127.0.0.1:${server.addr.port}`,
    target: "",
    paths: [],
    intercept: undefined,
    async stop() {
      await server.shutdown();
      client.close();
    },
  };
  return proxy;
}
