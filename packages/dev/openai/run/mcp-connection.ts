import {
  CallToolResultSchema,
  Client,
  McpError,
  StreamableHTTPClientTransport,
  StreamableHTTPError,
} from "../../mcp/sdk.ts";
import { unpooledFetch } from "../../mcp/unpooled.ts";
import type { ListedTool } from "../request/items.ts";
import type { McpTool } from "../request/tools.ts";
import { messageOf } from "../../message-of.ts";
import type { McpCallError } from "./wire.ts";

/** What a tool call came to: text, or an error in the shape of an mcp_call item. */
export type CallOutcome = { output: string } | { error: McpCallError };

/** Longer than any budget of ours: the executor decides when a call has taken too long. */
const sdkTimeoutMs = 24 * 3_600_000;

/** One MCP server as one run sees it: connected when first needed. */
export class McpConnection {
  readonly server: McpTool;
  #client: Client | undefined;
  #transport: StreamableHTTPClientTransport | undefined;
  readonly #http = unpooledFetch();
  readonly #underWay = new Set<Promise<CallOutcome>>();

  constructor(server: McpTool) {
    this.server = server;
  }

  /**
   * All tools of the server.
   *
   * @throws Error when the server cannot be reached or refuses
   */
  async listTools(): Promise<ListedTool[]> {
    const client = await this.#connected();
    const tools: ListedTool[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.listTools(cursor === undefined ? {} : { cursor });
      for (const tool of page.tools) {
        tools.push({
          name: tool.name,
          description: tool.description ?? null,
          input_schema: tool.inputSchema,
          annotations: tool.annotations ?? null,
        });
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return tools;
  }

  /** Calls a tool. Errors are returned as values, because the run continues after them. */
  call(tool: string, args: Record<string, unknown>): Promise<CallOutcome> {
    const call = this.#call(tool, args);
    this.#underWay.add(call);
    return call.finally(() => this.#underWay.delete(call));
  }

  async #call(tool: string, args: Record<string, unknown>): Promise<CallOutcome> {
    try {
      const client = await this.#connected();
      const result = CallToolResultSchema.parse(
        await client.callTool({ name: tool, arguments: args }, undefined, {
          timeout: sdkTimeoutMs,
        }),
      );
      if (result.isError === true) {
        return { error: { type: "mcp_tool_execution_error", content: result.content } };
      }
      const texts = result.content.map((part) =>
        part.type === "text" ? part.text : JSON.stringify(part)
      );
      return { output: texts.join("\n") };
    } catch (error) {
      return { error: asCallError(error) };
    }
  }

  /** Closes the connection once the calls under way have come back, or `now` is aborted. */
  async close(now: AbortSignal): Promise<void> {
    if (this.#underWay.size > 0) {
      const cut = new Promise<void>((resolve) => {
        if (now.aborted) resolve();
        else now.addEventListener("abort", () => resolve(), { once: true });
      });
      await Promise.race([Promise.allSettled([...this.#underWay]), cut]);
    }
    await this.#disconnect();
  }

  /** Closes the connection at once. */
  async #disconnect(): Promise<void> {
    // A server that is already gone cannot be told goodbye, and need not be.
    await this.#transport?.terminateSession().catch(() => undefined);
    await this.#client?.close();
    this.#client = undefined;
    this.#http.close();
  }

  async #connected(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    const client = new Client({ name: "openai-mcp", version: "1.0.0" });
    const transport = new StreamableHTTPClientTransport(new URL(this.server.server_url ?? ""), {
      requestInit: { headers: this.#headers() },
      fetch: this.#http.fetch,
    });
    await client.connect(transport);
    this.#transport = transport;
    this.#client = client;
    return client;
  }

  #headers(): Record<string, string> {
    const { headers, authorization } = this.server;
    return {
      ...headers,
      ...(authorization === undefined ? {} : { authorization: `Bearer ${authorization}` }),
    };
  }
}

function asCallError(error: unknown): McpCallError {
  if (error instanceof McpError) {
    return { type: "mcp_protocol_error", code: error.code, message: error.message };
  }
  const message = messageOf(error);
  const code = error instanceof StreamableHTTPError ? error.code ?? 502 : 502;
  return { type: "http_error", code, message };
}
