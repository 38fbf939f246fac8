/**
 * Proxies in front of the database and of OpenAI in which a test holds one request, one answer or one event of a stream
 * forever, to kill whoever waits for it at that moment. The product cannot tell that they are there.
 */
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import { forward } from "../../packages/dev/edge/proxy.ts";
import { listen } from "../../packages/dev/mcp/listen.ts";

/** Something that passes a gate. */
export type Passing =
  | { phase: "request" | "answer"; method: string; path: string; body: string }
  /** "event": it is about to be passed on. "passed": it has just been passed on. */
  | { phase: "event" | "passed"; event: string; data: string };

export type Point = (passing: Passing) => boolean;

export interface Gates {
  /** In front of the Supabase gateway. */
  database: Gate;
  openai: Gate;
  /**
   * Resolves when something that `point` describes arrives. It is held, and never passed on. Call this before it can arrive.
   * With `cutStreams`, OpenAI's streams are closed at that moment, and their readers, who are about to be killed, get nothing
   * more. Otherwise, because a kill takes a while, what OpenAI does until then would depend on how busy the machine is.
   * With `all`, later matches are held too.
   */
  stopAt(point: Point, options?: { cutStreams?: boolean; all?: boolean }): Promise<void>;
  /** Closes all streams at their source, for readers who are dead: OpenAI would notice at once, but a proxy notices late. */
  hangUp(): void;
  /** Passes everything from now on. What was held is dropped. */
  open(): void;
  stop(): Promise<void>;
}

export interface Gate {
  readonly url: string;
  target: string;
}

interface Trap {
  point: Point;
  sprung: boolean;
  cutStreams: boolean;
  all: boolean;
  caught: PromiseWithResolvers<void>;
  opened: PromiseWithResolvers<void>;
}

export async function startGates(): Promise<Gates> {
  let trap: Trap | undefined;
  /** False if it was held: it must then not be passed on. */
  const pass = async (passing: Passing): Promise<boolean> => {
    const armed = trap;
    if (armed === undefined || armed.sprung && !armed.all || !armed.point(passing)) return true;
    armed.sprung = true;
    if (armed.cutStreams) { for (const stream of streams) stream.abort(); }
    armed.caught.resolve();
    await armed.opened.promise;
    return false;
  };
  const streams = new Set<AbortController>();
  /** If the readers of streams are about to be killed, waits until the gates open again. */
  const silence = async () => {
    if (trap?.sprung && trap.cutStreams) await trap.opened.promise;
  };
  const servers = await Promise.all([
    serveGate(pass, silence, streams),
    serveGate(pass, silence, streams),
  ]);
  const open = () => {
    trap?.opened.resolve();
    trap = undefined;
  };
  return {
    database: servers[0].gate,
    openai: servers[1].gate,
    stopAt(point, { cutStreams = false, all = false } = {}) {
      open();
      const [caught, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      trap = { point, sprung: false, cutStreams, all, caught, opened };
      return trap.caught.promise;
    },
    open,
    hangUp() {
      for (const stream of streams) stream.abort();
    },
    async stop() {
      open();
      for (const server of servers) await server.stop();
    },
  };
}

type Pass = (passing: Passing) => Promise<boolean>;

async function serveGate(
  pass: Pass,
  silence: () => Promise<void>,
  streams: Set<AbortController>,
): Promise<{ gate: Gate; stop(): Promise<void> }> {
  // As in the gateway: a request must not be sent twice because a pooled connection was dropped.
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.onError(() => dropped());
  app.all("*", async ({ env, req: { raw: request } }) => {
    const body = await request.text();
    const what = { method: request.method, path: new URL(request.url).pathname, body };
    if (!await pass({ phase: "request", ...what })) return dropped();
    const gone = new AbortController();
    const answer = await forward(
      new Request(request.url, {
        method: request.method,
        headers: request.headers,
        ...(body !== "" && { body }),
      }),
      gate.target,
      { client, signal: gone.signal },
    );
    if (!await pass({ phase: "answer", ...what })) {
      gone.abort();
      return dropped();
    }
    if (answer.headers.get("content-type")?.startsWith("text/event-stream") && answer.body) {
      streams.add(gone);
      // Deno.serve would not notice that a reader has left until there is more to write.
      env.incoming.socket.once("close", () => gone.abort());
      const events = eventByEvent(answer.body, pass, silence, () => {
        streams.delete(gone);
        gone.abort();
      });
      return new Response(events, { status: answer.status, headers: answer.headers });
    }
    return answer;
  });
  const server = await listen(app.fetch, 0);
  const gate: Gate = {
    url: `http://127.0.0.1:${server.port}`,
    target: "",
  };
  return {
    gate,
    async stop() {
      await server.stop();
      client.close();
    },
  };
}

const dropped = () => new Response(null, { status: 502 });

/** Passes a stream on, one event at a time. `hangUp` closes it at its source if its reader leaves or an event is held. */
function eventByEvent(
  source: ReadableStream<Uint8Array>,
  pass: Pass,
  silence: () => Promise<void>,
  hangUp: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    // Not on pull, because a slow reader must not delay the moment at which an event arrives.
    start(controller) {
      pump(controller).catch(async (error: unknown) => {
        await silence();
        controller.error(error);
      });
    },
    cancel: hangUp,
  });

  async function pump(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for await (const block of blocks(source)) {
      const event = parse(block);
      if (!await pass({ phase: "event", ...event })) return end(controller);
      controller.enqueue(encoder.encode(block));
      if (!await pass({ phase: "passed", ...event })) return end(controller);
    }
    hangUp();
    controller.close();
  }

  function end(controller: ReadableStreamDefaultController<Uint8Array>): void {
    hangUp();
    controller.error(new Error("held"));
  }
}

async function* blocks(source: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of source) {
    text += decoder.decode(piece, { stream: true });
    for (let end = text.indexOf("\n\n"); end !== -1; end = text.indexOf("\n\n")) {
      yield text.slice(0, end + 2);
      text = text.slice(end + 2);
    }
  }
}

function parse(block: string): { event: string; data: string } {
  return {
    event: /^event: ?(.*)$/m.exec(block)?.[1] ?? "",
    data: /^data: ?(.*)$/m.exec(block)?.[1] ?? "",
  };
}
