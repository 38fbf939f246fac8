import type OpenAI from "openai";
import type { ParsedRequest } from "../request/parse.ts";
import type { RequestTool } from "../request/tools.ts";
import { newId } from "../ids.ts";
import type { WireResponse } from "./wire.ts";

/** The response that answers a request, before anything has run. It holds no credentials. */
export function draftResponse(request: ParsedRequest): WireResponse {
  return {
    id: newId("resp"),
    object: "response",
    created_at: Math.floor(Date.now() / 1000),
    status: request.background ? "queued" : "in_progress",
    background: request.background ?? false,
    access_programs: null,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    model: request.model,
    output: [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    reasoning: {
      effort: request.reasoning?.effort ?? null,
      summary: request.reasoning?.summary ?? null,
    },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: "default",
    temperature: request.temperature ?? 1,
    text: { format: { type: "text" }, ...textConfig(request) },
    tool_choice: "auto",
    tools: (request.tools ?? []).map(echoedTool),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? "disabled",
  };
}

type TextConfig = OpenAI.Responses.ResponseTextConfig;

function textConfig({ text }: ParsedRequest): TextConfig {
  const format = text?.format;
  if (format === undefined || format.type === "text") return {};
  if (format.type === "json_object") return { format: { type: "json_object" } };
  const { name, schema, strict } = format;
  return { format: { type: "json_schema", name, schema, strict: strict ?? true } };
}

/** A tool as OpenAI gives it back: never with `authorization`, and with the values of `headers` hidden. */
function echoedTool(tool: RequestTool): OpenAI.Responses.Tool {
  if (tool.type === "function") {
    const { name, description = null, parameters = null, strict = true } = tool;
    return { type: "function", name, description, parameters, strict };
  }
  if (tool.type !== "mcp") return { type: "web_search", search_context_size: "medium" };
  const { server_label, server_url, server_description, allowed_tools, require_approval } = tool;
  return {
    type: "mcp",
    server_label,
    ...(server_description === undefined ? {} : { server_description }),
    ...(server_url === undefined ? {} : { server_url: `${new URL(server_url).origin}/<redacted>` }),
    allowed_tools: Array.isArray(allowed_tools) ? allowed_tools : null,
    headers: null,
    require_approval: typeof require_approval === "string" ? require_approval : "always",
  };
}
