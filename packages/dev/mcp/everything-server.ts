/**
 * The process of the "everything" server: the official one's tools behind our own listener. The official program listens on
 * every interface, for pages of every origin, and its `get-env` tells its whole environment.
 */
import process from "node:process";
import { Hono } from "hono";
import { listen } from "./listen.ts";
import { WebStandardStreamableHTTPServerTransport } from "./sdk.ts";

const [port = "0"] = Deno.args;
// What Deno itself was given, to find its cache; the tools are loaded after this.
for (const name of Object.keys(process.env)) Deno.env.delete(name);
// @ts-types="./everything-factory.d.ts"
const { createServer } = await import(
  "@modelcontextprotocol/server-everything/dist/server/index.js"
);

const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();

async function newSession(): Promise<WebStandardStreamableHTTPServerTransport> {
  const { server, cleanup } = createServer();
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed(id) {
      sessions.delete(id);
      cleanup(id);
    },
  });
  await server.connect(transport);
  return transport;
}

const app = new Hono();
app.all("/mcp", async (context) => {
  const id = context.req.header("mcp-session-id");
  const transport = id === undefined ? await newSession() : sessions.get(id);
  // As the protocol says: the client starts a new session then.
  if (transport === undefined) return context.text("There is no such session", 404);
  return await transport.handleRequest(context.req.raw);
});
const listening = await listen(app.fetch, Number(port));
console.log(`listening on port ${listening.port}`);
