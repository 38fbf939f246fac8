/** A Responses API response as it came from OpenAI, by whatever call or event. */
import { type Item, itemSchema } from "./items.ts";
import * as z from "./zod.ts";

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

/** What is used of a response, from create, retrieve, cancel or a terminal event. */
export interface UpstreamResponse {
  id: string;
  status: z.infer<typeof responseSchema>["status"];
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
export function parseUpstreamResponse(response: unknown): UpstreamResponse {
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

/** True for a response that will not change any more. */
export function isFinalUpstream({ status }: UpstreamResponse): boolean {
  return status !== "queued" && status !== "in_progress";
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
