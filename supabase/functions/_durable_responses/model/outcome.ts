import * as z from "./zod.ts";

/** An output item; its other fields depend on its type and pass through as they came. */
export const itemSchema = z.looseObject({ type: z.string() });
export type Item = z.infer<typeof itemSchema>;

const textPart = z.looseObject({ type: z.string(), text: z.optional(z.string()) });
const messageItem = z.looseObject({ type: z.literal("message"), content: z.array(textPart) });

const responseSchema = z.looseObject({
  id: z.string(),
  status: z.enum(["queued", "in_progress", "completed", "failed", "cancelled", "incomplete"]),
  output: z._default(z.array(itemSchema), []),
  usage: z.nullish(z.record(z.string(), z.unknown())),
  error: z.nullish(z.looseObject({ code: z.string(), message: z.string() })),
  incomplete_details: z.nullish(z.looseObject({ reason: z.optional(z.string()) })),
  metadata: z.nullish(z.record(z.string(), z.string())),
});

/** What is used of a Responses API response, from create, retrieve, cancel or a terminal event. */
export interface Outcome {
  id: string;
  status: "queued" | "in_progress" | "completed" | "failed" | "cancelled" | "incomplete";
  output: Item[];
  outputText: string;
  usage: Record<string, unknown> | null;
  error: { code: string; message: string } | null;
  incompleteReason: string | null;
  metadata: Record<string, string>;
}

/**
 * Parses a response as OpenAI sent it.
 * @throws $ZodError when it is not one
 */
export function parseOutcome(response: unknown): Outcome {
  const parsed = responseSchema.parse(response);
  return {
    id: parsed.id,
    status: parsed.status,
    output: parsed.output,
    outputText: textOf(parsed.output),
    usage: parsed.usage ?? null,
    error: parsed.error ? { code: parsed.error.code, message: parsed.error.message } : null,
    incompleteReason: parsed.incomplete_details?.reason ?? null,
    metadata: parsed.metadata ?? {},
  };
}

/** The text of all message items; the SDK's `output_text` is made the same way, but only by its own calls. */
function textOf(output: Item[]): string {
  return output.flatMap((item) => {
    const message = messageItem.safeParse(item);
    return message.success
      ? message.data.content.filter((p) => p.type === "output_text").map((p) => p.text ?? "")
      : [];
  }).join("");
}
