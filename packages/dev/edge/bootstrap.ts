/**
 * Runs inside every function worker, before the function's own module (`deno run --preload`).
 *
 * It gives the function what the platform gives (`EdgeRuntime.waitUntil`, `beforeunload`, a served
 * handler) and reports to the manager over one loopback connection, whose address it takes out of the
 * environment before product code can see it. A worker whose manager is gone ends itself.
 *
 * No library is imported here: whatever loads in this module counts as the function's cold start.
 */
import { controlVariable, linesOf, runtimeVariables, tokenHeader } from "./channel.ts";
import type { WorkerMessage } from "./protocol.ts";

const [controlPort, token] = (Deno.env.get(controlVariable) ?? "").split(":");
if (!controlPort || !token) {
  throw new Error(`Cannot start a worker: ${controlVariable} must be port:token`);
}
for (const name of [controlVariable, ...runtimeVariables]) Deno.env.delete(name);

const control = await Deno.connect({ hostname: "127.0.0.1", port: Number(controlPort) });
// A preloaded module is over when its event loop is: this connection must not hold up the function, and a
// function that serves nothing must end.
control.unref();
const outgoing = control.writable.getWriter();
const encoder = new TextEncoder();
const nativeServe = Deno.serve;

let inFlight = 0;
let pending = 0;
let retiring = false;

function send(message: WorkerMessage): void {
  outgoing.write(encoder.encode(JSON.stringify(message) + "\n"));
}

function reportIdle(): void {
  if (retiring && inFlight === 0 && pending === 0) send({ type: "idle" });
}

function changeInFlight(by: 1 | -1): void {
  inFlight += by;
  reportIdle();
}

function changePending(by: 1 | -1): void {
  pending += by;
  send({ type: "pending", count: pending });
  reportIdle();
}

function waitUntil<T>(work: T): T {
  changePending(1);
  // `finally` passes a rejection on: failed work that nobody handles ends the worker, as on the platform.
  Promise.resolve(work).finally(() => changePending(-1));
  return work;
}

type Handler = Deno.ServeHandler<Deno.NetAddr>;
type ServeOptions = Partial<Deno.ServeTcpOptions> & { handler?: Handler };

/** `Deno.serve` for a function: where it listens is the manager's business, all else is its own. */
function serve(first: Handler | ServeOptions, second?: Handler): Deno.HttpServer<Deno.NetAddr> {
  const options = typeof first === "function" ? {} : first;
  const handler = typeof first === "function" ? first : second ?? first.handler;
  if (!handler) throw new TypeError("Cannot serve: Deno.serve needs a handler");

  return nativeServe({
    ...options,
    hostname: "127.0.0.1",
    port: 0,
    onListen: (address) => send({ type: "listening", port: address.port }),
  }, (request, info) => {
    if (request.headers.get(tokenHeader) !== token) {
      return new Response("Only the gateway may ask a worker", { status: 403 });
    }
    changeInFlight(1);
    // `completed` rejects when the caller went away; either way the request is over.
    info.completed.then(() => changeInFlight(-1), () => changeInFlight(-1));
    return handler(request, info);
  });
}

async function obeyManager(): Promise<never> {
  for await (const line of linesOf(control)) {
    const [order, reason] = line.split(" ");
    if (order === "retire") {
      retiring = true;
      reportIdle();
    } else if (order === "unload") {
      dispatchEvent(new CustomEvent("beforeunload", { detail: { reason } }));
      send({ type: "unloaded" });
    }
  }
  Deno.exit(1);
}

send({ type: "hello", token, ageMs: performance.now() });
obeyManager();
Object.defineProperty(globalThis, "EdgeRuntime", { value: Object.freeze({ waitUntil }) });
Object.defineProperty(Deno, "serve", { value: serve });
