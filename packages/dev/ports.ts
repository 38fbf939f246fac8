import { resolve } from "node:path";
import { NotReadyError } from "./ready.ts";

/** Below the ports that systems give to outgoing connections (Linux: from 32768, macOS: from 49152), which come and go all the time. */
const lowest = 15_000;
const count = 17_000;
const usualLowest = 20_000;
const usualCount = 10_000;
const startTries = 5;

/** Starts a server on a free port, `preferred` if it is; on another one when somebody took it before it was bound. */
export async function onFreePort<T>(
  start: (port: number) => Promise<T>,
  preferred?: number,
): Promise<T> {
  for (let left = startTries, port = freePort(preferred);; left--, port = freePort()) {
    try {
      return await start(port);
    } catch (error) {
      const taken = error instanceof NotReadyError && error.portTaken;
      if (left === 1 || !taken) throw error;
    }
  }
}

/**
 * A TCP port on 127.0.0.1 that was free a moment ago: `preferred` if it is, else any.
 * Somebody may take it before it is bound, so whoever binds it must be ready to ask again.
 */
export function freePort(preferred?: number): number {
  if (preferred !== undefined && isFree(preferred)) return preferred;
  for (let left = 100; left > 0; left--) {
    const port = lowest + Math.floor(Math.random() * count);
    if (isFree(port)) return port;
  }
  return portOf(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
}

/** A port that a folder always has, unless somebody else has it. */
export function usualPort(folder: string): number {
  let hash = 0;
  for (const code of new TextEncoder().encode(resolve(folder))) hash = (hash * 31 + code) >>> 0;
  return usualLowest + hash % usualCount;
}

/** Serves on a port of 127.0.0.1, `preferred` if it is free. */
export function serveOn(
  preferred: number,
  handler: Deno.ServeHandler<Deno.NetAddr>,
  signal?: AbortSignal,
): Deno.HttpServer<Deno.NetAddr> {
  const port = preferred === 0 || isFree(preferred) ? preferred : 0;
  return Deno.serve(
    { hostname: "127.0.0.1", port, onListen() {}, ...(signal && { signal }) },
    handler,
  );
}

function isFree(port: number): boolean {
  try {
    portOf(Deno.listen({ hostname: "127.0.0.1", port }));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse || error instanceof Deno.errors.PermissionDenied) {
      return false;
    }
    throw error;
  }
}

function portOf(listener: Deno.TcpListener): number {
  const { port } = listener.addr;
  listener.close();
  return port;
}
