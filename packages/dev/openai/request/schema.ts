import { z } from "zod";
import { InputItemSchema } from "./items.ts";
import { ToolSchema } from "./tools.ts";

/** Longest string that OpenAI takes in one input. */
const maxString = 10_485_760;

const TextFormatSchema = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({
    type: z.literal("json_schema"),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    schema: z.record(z.string(), z.unknown()),
    strict: z.boolean().nullish(),
    description: z.string().optional(),
  }),
]);

const IncludeSchema = z.enum([
  "file_search_call.results",
  "web_search_call.results",
  "web_search_call.action.sources",
  "message.input_image.image_url",
  "computer_call_output.output.image_url",
  "code_interpreter_call.outputs",
  "reasoning.encrypted_content",
  "message.output_text.logprobs",
]);

const EffortSchema = z.enum(["none", "minimal", "low", "medium", "high", "xhigh", "max"]);

/** The body of POST /v1/responses. Unknown parameters are refused, as OpenAI does. */
export const CreateRequestSchema = z.strictObject({
  model: z.string().min(1).optional(),
  input: z.union([z.string().max(maxString), z.array(InputItemSchema)]).optional(),
  instructions: z.string().nullish(),
  tools: z.array(ToolSchema).optional(),
  tool_choice: z.unknown().optional(),
  background: z.boolean().nullish(),
  store: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_obfuscation: z.boolean().optional() }).nullish(),
  include: z.array(IncludeSchema).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.unknown().optional(),
  prompt: z.looseObject({ id: z.string() }).nullish(),
  text: z.looseObject({
    format: TextFormatSchema.optional(),
    verbosity: z.enum(["low", "medium", "high"]).nullish(),
  }).optional(),
  reasoning: z.looseObject({
    effort: EffortSchema.nullish(),
    summary: z.enum(["auto", "concise", "detailed"]).nullish(),
  }).nullish(),
  max_output_tokens: z.int().min(16).nullish(),
  max_tool_calls: z.int().min(1).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  truncation: z.enum(["auto", "disabled"]).nullish(),
  service_tier: z.string().nullish(),
  user: z.string().optional(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
  prompt_cache_retention: z.string().nullish(),
  prompt_cache_options: z.unknown().optional(),
  context_management: z.unknown().optional(),
  moderation: z.unknown().optional(),
  image: z.unknown().optional(),
  access_programs: z.unknown().optional(),
}).superRefine((request, context) => {
  const keys = Object.keys(request.metadata ?? {}).length;
  if (keys > 16) {
    context.addIssue({
      code: "custom",
      path: ["metadata"],
      params: { code: "object_above_max_properties" },
      message: "Invalid 'metadata': too many properties. Expected an object with at most 16 " +
        `properties, but got an object with ${keys} properties instead.`,
    });
  }
});

export type CreateRequest = z.infer<typeof CreateRequestSchema>;
export type TextFormat = z.infer<typeof TextFormatSchema>;
