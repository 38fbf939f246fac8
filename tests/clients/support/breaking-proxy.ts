/** A proxy between a library and the gateway, at the level of connections. It breaks connections if a test wants it. */
const hostname = "127.0.0.1";

export interface BreakingProxy {
  /** The gateway's origin, as the library sees it. */
  readonly origin: string;
  /** How many requests it got. */
  readonly requests: number;
  /** Closes the next connections when their answer begins: the request was accepted, but its sender gets no answer. */
  breakAnswers(times: number): void;
  stop(): Promise<void>;
}

/** @param target the gateway's origin */
export function startBreakingProxy(target: string): BreakingProxy {
  const to = new URL(target);
  const listener = Deno.listen({ hostname, port: 0 });
  const origin = `http://${hostname}:${listener.addr.port}`;
  const open = new Set<Deno.Conn>();
  let requests = 0;
  let left = 0;

  const close = (connection: Deno.Conn) => {
    if (open.delete(connection)) connection.close();
  };

  async function serve(client: Deno.Conn): Promise<void> {
    const gateway = await Deno.connect({ hostname, port: Number(to.port) });
    open.add(gateway);
    const both = () => {
      close(client);
      close(gateway);
    };
    const up = pump(client, gateway, (chunk) => {
      const text = latin1.decode(chunk);
      if (!requestLine.test(text)) return chunk;
      requests++;
      // The gateway answers only to its own name.
      return Uint8Array.from(
        text.replace(`:${listener.addr.port}\r\n`, `:${to.port}\r\n`),
        (char) => char.charCodeAt(0),
      );
    });
    const down = pump(gateway, client, (chunk) => {
      if (left <= 0) return chunk;
      left--;
      return undefined;
    });
    await Promise.race([up, down]);
    both();
    await Promise.all([up, down]);
  }

  const serving = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const client of listener) {
      open.add(client);
      const served = serve(client).finally(() => serving.delete(served));
      serving.add(served);
    }
  })();

  return {
    origin,
    get requests() {
      return requests;
    },
    breakAnswers(times) {
      left = times;
    },
    async stop() {
      listener.close();
      for (const connection of [...open]) close(connection);
      await Promise.all([accepting, ...serving]);
    },
  };
}

const latin1 = new TextDecoder("latin1");
const requestLine = /^(?:GET|POST|DELETE|OPTIONS) \S+ HTTP\/1\.1\r\n/;

/** Copies until either end closes, or `change` returns nothing. */
async function pump(
  from: Deno.Conn,
  to: Deno.Conn,
  change: (chunk: Uint8Array) => Uint8Array | undefined,
): Promise<void> {
  try {
    const buffer = new Uint8Array(64 * 1024);
    for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
      const changed = change(buffer.subarray(0, read));
      if (changed === undefined) return;
      for (let at = 0; at < changed.length;) at += await to.write(changed.subarray(at));
    }
  } catch (error) {
    if (!isClosed(error)) throw error;
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.NotConnected;
}
