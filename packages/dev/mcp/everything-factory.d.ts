import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp";

/** What `@modelcontextprotocol/server-everything/dist/server/index.js` gives; the package has no types. */
export function createServer(): {
  server: McpServer;
  cleanup(sessionId?: string): void;
};
