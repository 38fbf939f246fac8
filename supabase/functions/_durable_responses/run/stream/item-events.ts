import type { Item } from "../../model/items.ts";
import { isLeftCall } from "../../model/left-calls.ts";
import * as z from "../../model/zod.ts";
import type { EventBody } from "./shown-event.ts";

const partSchema = z.looseObject({
  type: z.string(),
  text: z.optional(z.string()),
  refusal: z.optional(z.string()),
});
type Part = z.infer<typeof partSchema>;

const messageSchema = z.looseObject({
  type: z.literal("message"),
  id: z.string(),
  content: z.array(partSchema),
});
const mcpCallSchema = z.looseObject({
  type: z.literal("mcp_call"),
  id: z.string(),
  arguments: z.string(),
  error: z.optional(z.unknown()),
});
const functionCallSchema = z.looseObject({
  type: z.literal("function_call"),
  id: z.string(),
  arguments: z.string(),
});
const customCallSchema = z.looseObject({
  type: z.literal("custom_tool_call"),
  id: z.string(),
  input: z.string(),
});
const reasoningSchema = z.looseObject({
  type: z.literal("reasoning"),
  id: z.string(),
  summary: z.array(z.looseObject({ type: z.string(), text: z.string() })),
});

/**
 * The events with which OpenAI streams an item, for an item that is already finished: opened, filled in one piece, closed. A
 * client that shows items as they come works with them unchanged.
 */
export function itemEvents(item: Item, output_index: number): EventBody[] {
  const message = messageSchema.safeParse(item);
  if (message.success) return messageEvents(message.data, output_index);
  const call = mcpCallSchema.safeParse(item);
  if (call.success) return callEvents(call.data, output_index);
  const asked = functionCallSchema.safeParse(item);
  if (asked.success) return functionCallEvents(asked.data, output_index);
  const custom = customCallSchema.safeParse(item);
  if (custom.success) return customCallEvents(custom.data, output_index);
  const reasoning = reasoningSchema.safeParse(item);
  if (reasoning.success) return reasoningEvents(reasoning.data, output_index);
  const started = isLeftCall(item) ? { ...item, status: "in_progress" } : item;
  return [opened(started, output_index), closed(item, output_index)];
}

function messageEvents(item: z.infer<typeof messageSchema>, output_index: number): EventBody[] {
  const at = { item_id: item.id, output_index };
  return [
    opened({ ...item, status: "in_progress", content: [] }, output_index),
    ...item.content.flatMap((part, content_index) => partEvents(part, { ...at, content_index })),
    closed(item, output_index),
  ];
}

function partEvents(part: Part, at: Record<string, unknown>): EventBody[] {
  const added = { type: "response.content_part.added", ...at };
  const done = { type: "response.content_part.done", ...at, part };
  if (part.type === "refusal") {
    const refusal = part.refusal ?? "";
    return [
      { ...added, part: { ...part, refusal: "" } },
      { type: "response.refusal.delta", ...at, delta: refusal },
      { type: "response.refusal.done", ...at, refusal },
      done,
    ];
  }
  const text = part.text ?? "";
  return [
    { ...added, part: { ...part, text: "", annotations: [] } },
    { type: "response.output_text.delta", ...at, delta: text, logprobs: [] },
    { type: "response.output_text.done", ...at, text, logprobs: [] },
    done,
  ];
}

function callEvents(item: z.infer<typeof mcpCallSchema>, output_index: number): EventBody[] {
  const at = { item_id: item.id, output_index };
  const failed = item.error !== null && item.error !== undefined;
  const started = { ...item, arguments: "", output: null, error: null, status: "in_progress" };
  return [
    opened(started, output_index),
    { type: "response.mcp_call.in_progress", ...at },
    { type: "response.mcp_call_arguments.done", ...at, arguments: item.arguments },
    { type: failed ? "response.mcp_call.failed" : "response.mcp_call.completed", ...at },
    closed(item, output_index),
  ];
}

function functionCallEvents(
  item: z.infer<typeof functionCallSchema>,
  output_index: number,
): EventBody[] {
  const at = { item_id: item.id, output_index };
  return [
    opened({ ...item, arguments: "", status: "in_progress" }, output_index),
    { type: "response.function_call_arguments.delta", ...at, delta: item.arguments },
    { type: "response.function_call_arguments.done", ...at, arguments: item.arguments },
    closed(item, output_index),
  ];
}

function customCallEvents(
  item: z.infer<typeof customCallSchema>,
  output_index: number,
): EventBody[] {
  const at = { item_id: item.id, output_index };
  return [
    opened({ ...item, input: "", status: "in_progress" }, output_index),
    { type: "response.custom_tool_call_input.delta", ...at, delta: item.input },
    { type: "response.custom_tool_call_input.done", ...at, input: item.input },
    closed(item, output_index),
  ];
}

function reasoningEvents(item: z.infer<typeof reasoningSchema>, output_index: number): EventBody[] {
  return [
    opened({ ...item, summary: [] }, output_index),
    ...item.summary.flatMap((part, summary_index) => {
      const at = { item_id: item.id, output_index, summary_index };
      return [
        { type: "response.reasoning_summary_part.added", ...at, part: { ...part, text: "" } },
        { type: "response.reasoning_summary_text.delta", ...at, delta: part.text },
        { type: "response.reasoning_summary_text.done", ...at, text: part.text },
        { type: "response.reasoning_summary_part.done", ...at, part },
      ];
    }),
    closed(item, output_index),
  ];
}

function opened(item: Item, output_index: number): EventBody {
  return { type: "response.output_item.added", output_index, item };
}

function closed(item: Item, output_index: number): EventBody {
  return { type: "response.output_item.done", output_index, item };
}
