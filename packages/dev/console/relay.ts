/** Passes a websocket on as if this process had opened it. */
import type { Handler } from "hono";

/** Codes with which either end may close the connection itself; others only report how a connection ended. */
const isOwnCode = (code: number) => code === 1000 || (code >= 3000 && code <= 4999);
/** For applications: the other end is gone, come again. */
const gone = 4000;

export interface Relay {
  handler: Handler;
  /** Ends what is open. */
  close(): void;
}

/** Opens a socket to the same path below `projectUrl`, and passes messages on both ways until either end closes. */
export function relayTo(projectUrl: string): Relay {
  const open = new Set<WebSocket>();
  return {
    handler(context) {
      const request = context.req.raw;
      if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        return context.text("Only a WebSocket may be opened here", 426);
      }
      const { pathname, search } = new URL(request.url);
      const { socket: page, response } = Deno.upgradeWebSocket(request);
      const project = new WebSocket(
        `${projectUrl.replace(/\/+$/, "").replace(/^http/, "ws")}${pathname}${search}`,
      );
      for (const socket of [page, project]) {
        socket.binaryType = "arraybuffer";
        open.add(socket);
        socket.addEventListener("close", () => open.delete(socket));
      }
      pass(page, project);
      pass(project, page);
      return response;
    },
    close() {
      for (const socket of open) socket.close(gone);
    },
  };
}

/** What comes from one goes to the other, in its order, also what came before the other was open. */
function pass(from: WebSocket, to: WebSocket): void {
  const early: (string | ArrayBuffer)[] = [];
  to.addEventListener("open", () => {
    for (const data of early.splice(0)) to.send(data);
  });
  from.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
    if (to.readyState === WebSocket.OPEN) to.send(data);
    else if (to.readyState === WebSocket.CONNECTING) early.push(data);
  });
  from.addEventListener("close", ({ code, reason }) => {
    if (isOwnCode(code)) to.close(code, reason);
    else to.close(gone);
  });
  // A close event follows, and that is what counts; without a listener Deno would report the error as unhandled.
  from.addEventListener("error", (event) => event.preventDefault());
}
