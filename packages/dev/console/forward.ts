/** Passes a request on as if this process had made it. */
import type { Handler } from "hono";

/** What says that a browser sent it, or belongs to this connection. */
const dropped = /^(?:user-agent|origin|referer|cookie|host|connection|accept-encoding|sec-.*)$/;

/** Sends a request to the same path below `projectUrl`, and its answer back. */
export function forwardTo(projectUrl: string): Handler {
  return async (context) => {
    const { pathname, search } = new URL(context.req.url);
    const headers = new Headers(
      [...context.req.raw.headers].filter(([name]) => !dropped.test(name)),
    );
    const { method, body } = context.req.raw;
    const answer = await fetch(`${projectUrl.replace(/\/+$/, "")}${pathname}${search}`, {
      method,
      headers,
      body,
      redirect: "manual",
    });
    const sent = new Headers(answer.headers);
    // fetch has undone the encoding; the length was that of the encoded body.
    for (const name of ["content-encoding", "content-length"]) sent.delete(name);
    return new Response(answer.body, { status: answer.status, headers: sent });
  };
}
