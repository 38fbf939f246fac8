/** Passes a request on as if this process had made it. */
import type { Handler } from "hono";
import { proxy } from "hono/proxy";

/** What says that a browser sent it; what belongs to this connection, Hono leaves out. */
const dropped = /^(?:user-agent|origin|referer|cookie|host|sec-.*)$/;

/** Sends a request to the same path below `projectUrl`, and its answer back. */
export function forwardTo(projectUrl: string): Handler {
  return async (context) => {
    const { raw } = context.req;
    const { pathname, search } = new URL(raw.url);
    try {
      return await proxy(`${projectUrl.replace(/\/+$/, "")}${pathname}${search}`, {
        method: raw.method,
        body: raw.body,
        headers: new Headers([...raw.headers].filter(([name]) => !dropped.test(name))),
        redirect: "manual",
      });
    } catch (error) {
      // fetch's own: no such host, nothing listens, the connection was cut.
      if (!(error instanceof TypeError)) throw error;
      return context.text(`Cannot reach ${projectUrl}: ${error.message}`, 502);
    }
  };
}
