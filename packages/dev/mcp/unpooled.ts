/** A fetch that uses no connection twice. */
export interface UnpooledFetch {
  fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
  close(): void;
}

/**
 * Deno's fetch silently sends a POST again when a reused connection is dropped unanswered: a tool
 * would be called twice, a webhook doubled. With no connection reused it never does. (The header
 * `connection: close` is no way out: Deno's node:http server leaves the connection open under it, and
 * answers the next request on it with 400.)
 */
export function unpooledFetch(): UnpooledFetch {
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  return {
    fetch: (url, init) => fetch(url, { ...init, client }),
    close: () => client.close(),
  };
}
