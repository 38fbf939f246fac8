/** MCP servers in a profile, and who calls them: OpenAI or our worker. */
import type { Tool } from "openai/resources/responses/responses";
import type { RequestTool } from "../model/request.ts";
import * as z from "../model/zod.ts";

/** An MCP server that OpenAI calls: the tool as the Responses API defines it. */
export type OpenAiServer = Tool.Mcp & { run_by?: "openai" };

/**
 * An MCP server that our worker calls. OpenAI sees its tools as functions and never connects to the server. So background
 * mode works with it whatever its transport, the server may be private, and the credential never leaves the project.
 */
export type WorkerServer =
  & Omit<Tool.Mcp, "connector_id" | "server_description" | "server_url" | "tunnel_id">
  & {
    run_by: "worker";
    /** Streamable HTTP. https, unless DURABLE_RESPONSES_MCP_HOSTS names the host. */
    server_url: string;
    /** The longest silence of one call, in ms; default 60 s. A server that sends progress may take longer. */
    timeout_ms?: number;
  };

/** An MCP server among a profile's tools. `run_by` is `"openai"` by default. */
export function mcp<T extends Omit<OpenAiServer, "type"> | Omit<WorkerServer, "type">>(
  server: T,
): T & { type: "mcp" } {
  return { ...server, type: "mcp" };
}

export const defaultServerTimeoutMs = 60_000;

/** Function names start with it, followed by two underscores. */
export const workerLabel = /^(?=.{1,32}$)[A-Za-z][A-Za-z0-9-]*(?:_[A-Za-z0-9-]+)*$/;

const schema = z.lazy(() =>
  z.looseObject({
    server_label: z.string().check(
      z.regex(
        workerLabel,
        "must begin with a letter and contain only letters, digits, - and single _, at most 32",
      ),
    ),
    server_url: z.string().check(z.minLength(1)),
    timeout_ms: z._default(z.number().check(z.positive()), defaultServerTimeoutMs),
    connector_id: z.optional(z.never("only OpenAI can use connectors: give the server's address")),
    tunnel_id: z.optional(z.never("only OpenAI can use tunnels: give the server's address")),
    headers: z.nullish(z.record(z.string(), z.string())),
    authorization: z.optional(z.string()),
  })
);

/** True for a server that our worker calls. */
export function isWorkerServer(tool: RequestTool): boolean {
  return tool.type === "mcp" && tool["run_by"] === "worker";
}

/** A server that our worker calls, as part of a plan. */
export interface PlannedServer {
  label: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  timeoutMs: number;
  /** With `allowed_tools` and `require_approval`, which mean the same as for OpenAI. */
  tool: RequestTool;
}

/** What is wrong with a server that our worker calls, and where; undefined if nothing is. */
export function wrongServer(tool: RequestTool): { at: string; why: string } | undefined {
  const issue = schema.safeParse(tool).error?.issues[0];
  return issue && { at: issue.path.join("."), why: issue.message };
}

/** A server that our worker calls, with its secrets filled in. */
export function plannedServer(tool: RequestTool): PlannedServer {
  const { server_label, server_url, timeout_ms, headers, authorization } = schema.parse(tool);
  return {
    label: server_label,
    url: server_url,
    // In the form in which OpenAI sends it.
    headers: {
      ...headers,
      ...(authorization === undefined ? {} : { authorization: `Bearer ${authorization}` }),
    },
    timeoutMs: timeout_ms,
    tool,
  };
}
