/** A server made with the official SDK. Its tool acts, and then gives an answer that its own `outputSchema` does not allow. */
import { z } from "zod";
import { listen } from "../../../../packages/dev/mcp/listen.ts";
import {
  McpServer,
  WebStandardStreamableHTTPServerTransport,
} from "../../../../packages/dev/mcp/sdk.ts";

export interface UnfitServer {
  url: string;
  /** What `send` was called with, in order. */
  sent: string[];
  stop(): Promise<void>;
}

/** For one session. */
export async function startUnfitServer(): Promise<UnfitServer> {
  const sent: string[] = [];
  const server = new McpServer({ name: "unfit", version: "1.0.0" });
  server.registerTool("send", {
    description: "Sends a letter.",
    inputSchema: { to: z.string() },
    outputSchema: { receipt: z.string() },
  }, ({ to }) => {
    sent.push(to);
    return { content: [{ type: "text", text: "sent" }] };
  });
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
  });
  await server.connect(transport);
  const { port, stop } = await listen((request) => transport.handleRequest(request), 0);
  return { url: `http://127.0.0.1:${port}/mcp`, sent, stop };
}
