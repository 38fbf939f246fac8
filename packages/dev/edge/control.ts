/** The manager's end of the workers' control connections: one listener for all of them. */
import { linesOf } from "./channel.ts";
import { parseWorkerMessage, type UnloadReason, type WorkerMessage } from "./protocol.ts";

/** What the manager can tell one worker. Orders to a worker that has ended go nowhere. */
export interface ControlLine {
  retire(): void;
  unload(reason: UnloadReason): void;
}

/** Called with every message of one worker; `line` is the way to answer it. */
export type OnMessage = (message: WorkerMessage, line: ControlLine) => void;

export interface Control {
  /** Expects a worker; the text goes into its environment and names this listener and the worker. */
  expect(onMessage: OnMessage): { address: string; token: string; forget(): void };
  stop(): void;
}

/** Listens on a free loopback port for the control connections of workers. */
export function startControl(): Control {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const expected = new Map<string, OnMessage>();
  acceptAll(listener, expected);
  return {
    expect(onMessage) {
      const token = crypto.randomUUID();
      expected.set(token, onMessage);
      return {
        address: `${listener.addr.port}:${token}`,
        token,
        forget: () => expected.delete(token),
      };
    },
    stop: () => listener.close(),
  };
}

async function acceptAll(listener: Deno.TcpListener, expected: Map<string, OnMessage>) {
  // Ends when the listener is closed.
  for await (const connection of listener) serveWorker(connection, expected);
}

async function serveWorker(connection: Deno.TcpConn, expected: Map<string, OnMessage>) {
  const line = controlLine(connection);
  let onMessage: OnMessage | undefined;
  try {
    for await (const text of linesOf(connection)) {
      const message = parseWorkerMessage(text);
      // Only a worker that knows its token is heard: any local process can reach a loopback port.
      if (message?.type === "hello") onMessage = expected.get(message.token);
      if (!message || !onMessage) return connection.close();
      onMessage(message, line);
    }
  } catch (error) {
    // A killed worker resets its connection; that it ended is learnt from its process.
    if (!isConnectionEnd(error)) throw error;
  }
}

function controlLine(connection: Deno.TcpConn): ControlLine {
  const outgoing = connection.writable.getWriter();
  const encoder = new TextEncoder();
  const say = (words: string) => {
    outgoing.write(encoder.encode(words + "\n")).catch((error) => {
      if (!isConnectionEnd(error)) throw error;
    });
  };
  return { retire: () => say("retire"), unload: (reason) => say(`unload ${reason}`) };
}

function isConnectionEnd(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionAborted;
}
