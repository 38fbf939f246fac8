/**
 * An MCP server that fails in every way seen in the field. The SDK speaks the protocol, and the failures are in the HTTP
 * around it.
 */
// @ts-types="@modelcontextprotocol/sdk/server/index"
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
// @ts-types="@modelcontextprotocol/sdk/server/webStandardStreamableHttp"
import type { EventStore } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
// @ts-types="@modelcontextprotocol/sdk/types"
import {
  CallToolRequestSchema,
  type JSONRPCMessage,
  ListToolsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { Hono } from "hono";
import { hangUp, type HttpBindings, listen } from "../../../../packages/dev/mcp/listen.ts";
import { WebStandardStreamableHTTPServerTransport } from "../../../../packages/dev/mcp/sdk.ts";
import { type Call, callTool } from "./trouble-tools.ts";

export interface TroubleServer {
  url: string;
  /** Its list of tools, page by page. */
  pages: unknown[][];
  /** Calls that were started, in order, as a counter of emails would count. */
  calls: Call[];
  /** Every request, in order: `POST tools/call`, `DELETE`, … */
  requests: string[];
  /** Answers a request before the server sees it. */
  answer:
    | ((method: string, request: Request) => Response | undefined | Promise<Response | undefined>)
    | undefined;
  /** Changes a request's answer on its way back. */
  change:
    | ((method: string, response: Response, drop: () => void) => Response | undefined)
    | undefined;
  /** Forgets all sessions. */
  forget(): void;
  stop(): Promise<void>;
}

const object = { type: "object" } as const;

/** @param resumable whether streams have ids, and can be resumed */
export async function startTroubleServer({ resumable = false } = {}): Promise<TroubleServer> {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();

  async function newSession(): Promise<WebStandardStreamableHTTPServerTransport> {
    const server = new Server({ name: "trouble", version: "1.0.0" }, {
      capabilities: { tools: {} },
    });
    server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
      const at = Number(params?.cursor ?? 0);
      const next = at + 1 < trouble.pages.length ? { nextCursor: String(at + 1) } : {};
      return { tools: trouble.pages[at] ?? [], ...next };
    });
    server.setRequestHandler(
      CallToolRequestSchema,
      (request, extra) =>
        callTool(request.params, trouble.calls, {
          signal: extra.signal,
          async onProgress(progress) {
            const progressToken = request.params._meta?.progressToken;
            if (progressToken === undefined) return;
            await extra.sendNotification({
              method: "notifications/progress",
              params: { progressToken, progress },
            });
          },
        }),
    );
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      ...(resumable && { eventStore: eventStore() }),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport);
    return transport;
  }

  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all("/mcp", async (context) => {
    const request = context.req.raw;
    const text = request.method === "POST" ? await request.clone().text() : "";
    const method = [request.method, ...(/"method":"([^"]+)"/.exec(text)?.slice(1) ?? [])].join(" ");
    trouble.requests.push(method);
    const refused = await trouble.answer?.(method, request);
    if (refused !== undefined) return refused;
    const id = request.headers.get("mcp-session-id");
    const transport = id === null ? await newSession() : sessions.get(id);
    if (transport === undefined) return context.text("There is no such session", 404);
    const response = await transport.handleRequest(request);
    const drop = () => hangUp(context.env);
    return trouble.change?.(method, response, drop) ?? response;
  });
  const listening = await listen(app.fetch, 0);
  const trouble: TroubleServer = {
    url: `http://127.0.0.1:${listening.port}/mcp`,
    pages: [[{ name: "count", inputSchema: object }]],
    calls: [],
    requests: [],
    answer: undefined,
    change: undefined,
    forget: () => sessions.clear(),
    stop: () => listening.stop(),
  };
  return trouble;
}

/** Keeps all events of streams, with increasing ids. */
function eventStore(): EventStore {
  const events: { stream: string; message: JSONRPCMessage }[] = [];
  return {
    storeEvent(stream, message) {
      return Promise.resolve(String(events.push({ stream, message })));
    },
    async replayEventsAfter(lastId, { send }) {
      const last = Number(lastId);
      const stream = events[last - 1]?.stream ?? "";
      for (const [index, event] of events.entries()) {
        // The event that primes a stream is not a message.
        if (index < last || event.stream !== stream || !("jsonrpc" in event.message)) continue;
        await send(String(index + 1), event.message);
      }
      return stream;
    },
  };
}
