import { z } from "zod";
import { LeftCallSchemas } from "./left-calls.ts";

const ContentPartSchema = z.looseObject({
  type: z.enum([
    "input_text",
    "input_image",
    "input_file",
    "input_audio",
    "output_text",
    "refusal",
    "summary_text",
  ]),
  text: z.string().optional(),
  refusal: z.string().optional(),
});

const MessageSchema = z.looseObject({
  type: z.literal("message"),
  id: z.string().optional(),
  role: z.enum(["user", "assistant", "system", "developer"]),
  content: z.union([z.string(), z.array(ContentPartSchema)]),
  status: z.enum(["in_progress", "completed", "incomplete"]).optional(),
});

const ListedToolSchema = z.looseObject({
  name: z.string(),
  description: z.string().nullish(),
  input_schema: z.unknown().optional(),
  annotations: z.looseObject({ readOnlyHint: z.boolean().optional() }).nullish(),
});

const McpListToolsSchema = z.looseObject({
  type: z.literal("mcp_list_tools"),
  id: z.string(),
  server_label: z.string(),
  tools: z.array(ListedToolSchema),
  error: z.unknown().optional(),
});

const McpCallSchema = z.looseObject({
  type: z.literal("mcp_call"),
  id: z.string(),
  name: z.string(),
  server_label: z.string(),
  arguments: z.string(),
  output: z.string().nullish(),
  error: z.unknown().optional(),
  status: z.enum(["in_progress", "completed", "incomplete", "calling", "failed"]).nullish(),
  approval_request_id: z.string().nullish(),
});

const McpApprovalRequestSchema = z.looseObject({
  type: z.literal("mcp_approval_request"),
  id: z.string(),
  name: z.string(),
  server_label: z.string(),
  arguments: z.string(),
});

const McpApprovalResponseSchema = z.looseObject({
  type: z.literal("mcp_approval_response"),
  id: z.string().nullish(),
  approval_request_id: z.string(),
  approve: z.boolean(),
  reason: z.string().nullish(),
});

const ReasoningSchema = z.looseObject({
  type: z.literal("reasoning"),
  id: z.string(),
  summary: z.array(z.looseObject({ type: z.literal("summary_text"), text: z.string() })),
  encrypted_content: z.string().nullish(),
});

const ItemReferenceSchema = z.looseObject({ type: z.literal("item_reference"), id: z.string() });

/** Items that are accepted and that the model does not look at. */
const OtherItemSchema = z.looseObject({
  type: z.enum([
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "compaction",
  ]),
  id: z.string().optional(),
});

const TypedItemSchema = z.discriminatedUnion("type", [
  MessageSchema,
  McpListToolsSchema,
  McpCallSchema,
  McpApprovalRequestSchema,
  McpApprovalResponseSchema,
  ReasoningSchema,
  ItemReferenceSchema,
  ...LeftCallSchemas,
  OtherItemSchema,
]);

/** An item of `input`. A message may leave out its type. */
export const InputItemSchema = z.preprocess(
  (item) =>
    typeof item === "object" && item !== null && !("type" in item) && "role" in item
      ? { type: "message", ...item }
      : item,
  TypedItemSchema,
);

export type InputItem = z.infer<typeof TypedItemSchema>;
export type MessageItem = z.infer<typeof MessageSchema>;
export type ListedTool = z.infer<typeof ListedToolSchema>;

/** The text of a message, its parts joined. */
export function messageText(message: MessageItem): string {
  if (typeof message.content === "string") return message.content;
  return message.content.map((part) => part.text ?? part.refusal ?? "").join("\n");
}
