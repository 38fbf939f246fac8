import type { Context } from "hono";
import type { HttpBindings } from "../../mcp/listen.ts";
import type { RecordedRequest } from "../types.ts";

/** What every handler is given. */
export interface Env {
  Bindings: HttpBindings;
  Variables: { requestId: string; record: RecordedRequest };
}

export type ApiContext = Context<Env>;
