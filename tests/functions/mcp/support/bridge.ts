/** A stdio server behind streamable HTTP, like the usual bridges to local servers. */
// @ts-types="@modelcontextprotocol/sdk/client/stdio"
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { Hono } from "hono";
import { listen } from "../../../../packages/dev/mcp/listen.ts";
import { WebStandardStreamableHTTPServerTransport } from "../../../../packages/dev/mcp/sdk.ts";

export interface Bridge {
  url: string;
  stop(): Promise<void>;
}

interface Session {
  http: WebStandardStreamableHTTPServerTransport;
  stdio: StdioClientTransport;
}

/** Each session has its own process. */
export async function startBridge(command: string, args: string[]): Promise<Bridge> {
  const sessions = new Map<string, Session>();

  async function newSession(): Promise<Session> {
    const stdio = new StdioClientTransport({ command, args, stderr: "ignore" });
    const http = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => crypto.randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, session),
      async onsessionclosed(id) {
        sessions.delete(id);
        await stdio.close();
      },
    });
    const session = { http, stdio };
    http.onmessage = (message) => void stdio.send(message);
    stdio.onmessage = (message) => void http.send(message);
    await http.start();
    await stdio.start();
    return session;
  }

  const app = new Hono();
  app.all("/mcp", async (context) => {
    const id = context.req.header("mcp-session-id");
    const session = id === undefined ? await newSession() : sessions.get(id);
    if (session === undefined) return context.text("There is no such session", 404);
    return await session.http.handleRequest(context.req.raw);
  });
  const listening = await listen(app.fetch, 0);
  return {
    url: `http://127.0.0.1:${listening.port}/mcp`,
    async stop() {
      await Promise.all([...sessions.values()].map(({ stdio }) => stdio.close()));
      await listening.stop();
    },
  };
}
