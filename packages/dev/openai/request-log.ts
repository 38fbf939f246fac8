import type { CountName, RecordedRequest } from "./types.ts";

/** The oldest are forgotten beyond this many: a stress run must not fill the memory. */
const maxRecorded = 20_000;
const mask = "***";

/** The requests that came in, and how many there were of each sort. */
export class RequestLog {
  readonly requests: RecordedRequest[] = [];
  readonly #counts: Record<CountName, number> = {
    create: 0,
    create_background: 0,
    create_stream: 0,
    retrieve: 0,
    cancel: 0,
    delete: 0,
    input_items: 0,
    refused: 0,
  };

  add(entry: RecordedRequest): void {
    this.requests.push(entry);
    if (this.requests.length > maxRecorded) this.requests.shift();
  }

  count(name: CountName): void {
    this.#counts[name] += 1;
  }

  counts(): Record<CountName, number> {
    return { ...this.#counts };
  }
}

/** Headers with the credentials masked. */
export function maskHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    [...headers].map(([name, value]) => [name, name === "authorization" ? mask : value]),
  );
}

/** A parsed body with the credentials of its tools masked. */
export function maskBody(body: unknown): unknown {
  if (typeof body !== "object" || body === null || !("tools" in body)) return body;
  return { ...body, tools: Array.isArray(body.tools) ? body.tools.map(maskTool) : body.tools };
}

function maskTool(tool: unknown): unknown {
  if (typeof tool !== "object" || tool === null) return tool;
  return Object.fromEntries(
    Object.entries(tool).map(([key, value]: [string, unknown]) => {
      if (key === "authorization") return [key, mask];
      if (key !== "headers" || typeof value !== "object" || value === null) return [key, value];
      return [key, Object.fromEntries(Object.keys(value).map((name) => [name, mask]))];
    }),
  );
}
