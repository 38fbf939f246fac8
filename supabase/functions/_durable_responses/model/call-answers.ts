/** Callers' answers to calls that were handed out, in OpenAI's form: one type of item for each kind of call. */
import { storedFileSchema } from "./files.ts";
import type { CallKind } from "./status.ts";
import * as z from "./zod.ts";

/** A caller's answer to a call. */
export interface CallAnswer {
  kind: CallKind;
  callId: string;
  /** As the ledger has it: text, or the fields of the item as JSON. */
  output: string;
  /** What the model gets instead of the text, if there is more than text. */
  parts?: Part[];
}

const kinds = {
  function_call_output: "function_call",
  custom_tool_call_output: "custom_tool_call",
  apply_patch_call_output: "apply_patch_call",
  local_shell_call_output: "local_shell_call",
  shell_call_output: "shell_call",
  computer_call_output: "computer_call",
} as const satisfies Record<`${CallKind}_output`, CallKind>;

const longestOutput = 900_000;
const call_id = z.string().check(z.minLength(1), z.maxLength(200));
const partSchema = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("input_text"), text: z.string() }),
  // What has the content is checked with the files of the request.
  z.looseObject({ type: z.literal("input_image"), detail: z.nullish(z.string()) }),
  z.looseObject({ type: z.literal("input_file"), filename: z.nullish(z.string()) }),
]);
type Part = z.infer<typeof partSchema>;
const words = z.union([z.string(), z.array(partSchema)]);
const outcome = z.discriminatedUnion("type", [
  z.object({ type: z.literal("exit"), exit_code: z.int() }),
  z.object({ type: z.literal("timeout") }),
]);
const safetyCheck = z.object({
  id: z.string(),
  code: z.nullish(z.string()),
  message: z.nullish(z.string()),
});
const screenshot = z.object({
  type: z.literal("computer_screenshot"),
  image_url: z.optional(z.string()),
  file_id: z.optional(z.string()),
  storage: z.optional(storedFileSchema),
  // Not in the openai SDK's types. The AI SDK sends it.
  detail: z.optional(z.string()),
}).check(z.refine(
  ({ image_url, file_id, storage }) =>
    [image_url, file_id, storage].filter((given) => given !== undefined).length === 1,
  "a screenshot must have exactly one of image_url, file_id and storage",
));

const itemSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("function_call_output"), call_id, output: words }),
  z.object({ type: z.literal("custom_tool_call_output"), call_id, output: words }),
  z.object({
    type: z.literal("apply_patch_call_output"),
    call_id,
    status: z.enum(["completed", "failed"]),
    output: z.nullish(z.string()),
  }),
  // OpenAI's reference has the call's id in `id`, its guide in `call_id`.
  z.object({
    type: z.literal("local_shell_call_output"),
    call_id: z.optional(call_id),
    id: z.optional(call_id),
    output: z.string(),
  }).check(z.refine((item) => (item.call_id ?? item.id) !== undefined, "it must have a call_id")),
  z.object({
    type: z.literal("shell_call_output"),
    call_id,
    output: z.array(z.object({ stdout: z.string(), stderr: z.string(), outcome })),
    max_output_length: z.nullish(z.int()),
  }),
  z.object({
    type: z.literal("computer_call_output"),
    call_id,
    output: screenshot,
    acknowledged_safety_checks: z.nullish(z.array(safetyCheck)),
  }),
]);

/** Reads the item of an answer. */
export const callAnswerSchema = z.pipe(itemSchema, z.transform(answerOf)).check(
  z.refine(
    ({ output, parts = [] }) => output.length + JSON.stringify(parts).length <= longestOutput,
    `the output of a call may have at most ${longestOutput} characters`,
  ),
);

function answerOf(item: z.infer<typeof itemSchema>): CallAnswer {
  const kind = kinds[item.type];
  switch (item.type) {
    case "function_call_output":
    case "custom_tool_call_output":
      return { kind, callId: item.call_id, ...saidIn(item.output) };
    case "local_shell_call_output":
      return { kind, callId: item.call_id ?? item.id ?? "", output: item.output };
    default: {
      const { type: _type, call_id: callId, ...fields } = item;
      return { kind, callId, output: JSON.stringify(fields) };
    }
  }
}

/** In words for the ledger and for people. */
function saidIn(output: z.infer<typeof words>): Pick<CallAnswer, "output" | "parts"> {
  if (typeof output === "string") return { output };
  const said = output.map((part) =>
    part.type === "input_text"
      ? part.text
      : part.type === "input_image"
      ? "(image)"
      : `(file${part.filename ? ` ${part.filename}` : ""})`
  ).join("\n");
  const isText = output.every(({ type }) => type === "input_text");
  return isText ? { output: said } : { output: said, parts: output };
}
