/** Unusual answers as seen in the field, written by hand: from OpenAI, or from a gateway in front of it. */
import type { Fault } from "../../../packages/dev/openai/mod.ts";

type Raw = Extract<Fault, { kind: "raw" }>;
type Match = NonNullable<Raw["match"]>;

/** One call gets exactly this answer. */
export function raw(
  match: Match,
  answer: { status?: number; type?: string; headers?: Record<string, string>; body?: unknown },
  more: Partial<Raw> = {},
): Raw {
  const { status = 200, type = "application/json", headers = {}, body = "" } = answer;
  return {
    kind: "raw",
    match,
    status,
    headers: { "content-type": type, ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...more,
  };
}

export const createBackground = { background: true } as const satisfies Match;
export const createStream = { stream: true } as const satisfies Match;
export const retrieve = { endpoint: "retrieve" } as const satisfies Match;
export const cancel = { endpoint: "cancel" } as const satisfies Match;

export const usage = { input_tokens: 10, output_tokens: 5, total_tokens: 15 };

export function response(status: string, output: unknown, more: Record<string, unknown> = {}) {
  return {
    id: "{{id}}",
    object: "response",
    created_at: 1,
    status,
    model: "gpt-6.1-terra",
    output,
    error: null,
    incomplete_details: null,
    metadata: {},
    usage,
    ...more,
  };
}

export function message(text: string, more: Record<string, unknown> = {}) {
  const content = [{ type: "output_text", text, annotations: [] }];
  return { id: "msg_1", type: "message", role: "assistant", status: "completed", content, ...more };
}

/** An email that a run has sent. */
export function sent(to: string, id = "mcp_bg") {
  return {
    id,
    type: "mcp_call",
    server_label: "mailbox",
    name: "gmail_reply_to_email",
    arguments: JSON.stringify({ to, body: "hello" }),
    output: "sent",
    error: null,
    status: "completed",
    approval_request_id: null,
  };
}

/** A stream of these events, each a value or raw lines. */
export function stream(...events: (Record<string, unknown> | string)[]) {
  const blocks = events.map((event) =>
    typeof event === "string"
      ? event
      : `event: ${event["type"]}\ndata: ${JSON.stringify(event)}\n\n`
  );
  return { type: "text/event-stream; charset=utf-8", body: blocks.join("") };
}

/** The events that stream an item. */
export function streamed(item: Record<string, unknown>, output_index: number) {
  return [
    {
      type: "response.output_item.added",
      output_index,
      item: {
        ...item,
        status: "in_progress",
        ...(item["type"] === "mcp_call" ? { output: null } : {}),
      },
    },
    ...(item["type"] === "mcp_call"
      ? [{
        type: "response.mcp_call_arguments.done",
        item_id: item["id"],
        output_index,
        arguments: item["arguments"],
      }]
      : []),
    { type: "response.output_item.done", output_index, item },
  ];
}

export function ended(status: string, output: unknown, more: Record<string, unknown> = {}) {
  return { type: `response.${status}`, response: response(status, output, more) };
}
