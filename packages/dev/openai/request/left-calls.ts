/** Calls that OpenAI leaves to whoever asks, and their answers, as items of an input. */
import type OpenAI from "openai";
import { z } from "zod";

type ComputerAction = OpenAI.Responses.ComputerAction;

const call_id = z.string().min(1).max(64);
const id = z.string().optional();
const words = z.union([z.string().max(10_485_760), z.array(z.unknown())]);

export const OperationSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("create_file"), path: z.string(), diff: z.string() }),
  z.object({ type: z.literal("update_file"), path: z.string(), diff: z.string() }),
  z.object({ type: z.literal("delete_file"), path: z.string() }),
]);
export const LocalShellActionSchema = z.object({
  type: z.literal("exec").default("exec"),
  command: z.array(z.string()),
  env: z.record(z.string(), z.string()).default({}),
});
export const ShellActionSchema = z.object({
  commands: z.array(z.string()),
  timeout_ms: z.int().nullable().default(null),
  max_output_length: z.int().nullable().default(null),
});
const isAction = (value: unknown) =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
const SafetyCheckSchema = z.object({
  id: z.string(),
  code: z.string().nullable().default(null),
  message: z.string().nullable().default(null),
});
/** `computer_use_preview` has one action a call, `computer` several. */
export const ComputerSchema = z.object({
  action: z.custom<ComputerAction>(isAction).optional(),
  actions: z.array(z.custom<ComputerAction>(isAction)).optional(),
  pending_safety_checks: z.array(SafetyCheckSchema).default([]),
});

const FunctionCallSchema = z.looseObject({
  type: z.literal("function_call"),
  id,
  call_id,
  name: z.string(),
  arguments: z.string(),
});
const CustomToolCallSchema = z.looseObject({
  type: z.literal("custom_tool_call"),
  id,
  call_id,
  name: z.string(),
  input: z.string(),
});
const ApplyPatchCallSchema = z.looseObject({
  type: z.literal("apply_patch_call"),
  id,
  call_id,
  operation: OperationSchema,
  status: z.enum(["in_progress", "completed"]),
});
const LocalShellCallSchema = z.looseObject({
  type: z.literal("local_shell_call"),
  id,
  call_id,
  action: LocalShellActionSchema,
  status: z.enum(["in_progress", "completed", "incomplete"]),
});
const ShellCallSchema = z.looseObject({
  type: z.literal("shell_call"),
  id,
  call_id,
  action: ShellActionSchema,
  environment: z.looseObject({ type: z.string() }).nullish(),
});
const ComputerCallSchema = z.looseObject({
  type: z.literal("computer_call"),
  id,
  call_id,
  ...ComputerSchema.shape,
});

const outcome = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("exit"), exit_code: z.int() }),
  z.strictObject({ type: z.literal("timeout") }),
]);
const given = { id: z.string().nullish(), status: z.string().nullish() };

/** Strict: an answer has what OpenAI documents, and nothing else. */
const AnswerSchemas = [
  z.looseObject({ type: z.literal("function_call_output"), ...given, call_id, output: words }),
  z.strictObject({ type: z.literal("custom_tool_call_output"), ...given, call_id, output: words }),
  z.strictObject({
    type: z.literal("apply_patch_call_output"),
    id: given.id,
    call_id,
    status: z.enum(["completed", "failed"]),
    output: z.string().nullish(),
  }),
  /** The call's id stands in `id`. */
  z.strictObject({
    type: z.literal("local_shell_call_output"),
    id: call_id,
    call_id: call_id.optional(),
    output: z.string(),
    status: given.status,
  }),
  z.strictObject({
    type: z.literal("shell_call_output"),
    ...given,
    call_id,
    output: z.array(z.strictObject({ stdout: z.string(), stderr: z.string(), outcome })),
    max_output_length: z.int().nullish(),
  }),
  z.strictObject({
    type: z.literal("computer_call_output"),
    ...given,
    call_id,
    output: z.strictObject({
      type: z.literal("computer_screenshot"),
      image_url: z.string().regex(/^(?:https?:\/\/|data:image\/)/).optional(),
      file_id: z.string().optional(),
      detail: z.string().optional(),
    }),
    acknowledged_safety_checks: z.array(SafetyCheckSchema).nullish(),
  }),
] as const;

export const LeftCallSchemas = [
  FunctionCallSchema,
  CustomToolCallSchema,
  ApplyPatchCallSchema,
  LocalShellCallSchema,
  ShellCallSchema,
  ComputerCallSchema,
  ...AnswerSchemas,
] as const;

const CallSchema = z.discriminatedUnion("type", [
  FunctionCallSchema,
  CustomToolCallSchema,
  ApplyPatchCallSchema,
  LocalShellCallSchema,
  ShellCallSchema,
  ComputerCallSchema,
]);
const AnswerSchema = z.discriminatedUnion("type", AnswerSchemas);

export type LeftCall = z.infer<typeof CallSchema>;
export type Answer = z.infer<typeof AnswerSchema>;
export type LeftCallType = LeftCall["type"];

const callTypes: ReadonlySet<string> = new Set(
  CallSchema.options.map(({ shape }) => shape.type.value),
);

/** A call whose answer must be in the input too. What runs in OpenAI's container is answered there. */
export function isLeftCall(item: { type: string }): item is LeftCall {
  if (!callTypes.has(item.type)) return false;
  const environment = "environment" in item ? item.environment : undefined;
  return !(typeof environment === "object" && environment !== null && "type" in environment &&
    environment.type === "container_reference");
}

export function isAnswer(item: { type: string }): item is Answer {
  return item.type.endsWith("_output") && callTypes.has(item.type.slice(0, -"_output".length));
}

/** The call that an answer is for. */
export function callIdOf(answer: Answer): string {
  return answer.type === "local_shell_call_output" ? answer.id : answer.call_id;
}

/** The safety checks of a call that its answer does not acknowledge. */
export function unacknowledged(call: LeftCall, answer: Answer): string[] {
  if (call.type !== "computer_call" || answer.type !== "computer_call_output") return [];
  const known = new Set((answer.acknowledged_safety_checks ?? []).map((check) => check.id));
  return call.pending_safety_checks.map((check) => check.id).filter((each) => !known.has(each));
}
