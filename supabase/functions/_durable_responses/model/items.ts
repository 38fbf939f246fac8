/** Output items of a response: the fields that are read. The rest passes through unchanged. */
import { isRecord } from "./is-record.ts";
import { list, record, text } from "./lenient.ts";
import * as z from "./zod.ts";

/** An output item. Its other fields depend on its type. */
export const itemSchema = z.looseObject({ type: z.string() });
export type Item = z.infer<typeof itemSchema>;

/**
 * Any item as it came. One without a known shape gets the type `unknown`; a message need not say that it is one. What only the
 * ledger writes is no server's to set: with each call, the content of its output and its id at the API; with our own question,
 * the call that it is about; and a row for a whole request.
 */
export function readItem(value: unknown): Item {
  if (!isRecord(value)) return { type: "unknown", value };
  const { output_parts: _parts, upstream_call_id: _id, ...item } = value;
  const { type, role } = item;
  const unsaid = role === "assistant" && "content" in item ? "message" : "unknown";
  const isSaid = typeof type === "string" && type !== "" && type !== "unguarded_run";
  if (type === "mcp_approval_request") delete item["call_id"];
  return { ...item, type: isSaid ? type : unsaid };
}

/** The fields that are used of an `mcp_call` or an `mcp_approval_request`. */
export const callSchema = z.lazy(() =>
  z.looseObject({
    server_label: text(""),
    name: text(""),
    arguments: text(""),
    output: text(null),
    error: z.pipe(z.optional(z.unknown()), z.transform((error) => error ?? null)),
    status: text(null),
  })
);

const hints = z.lazy(() =>
  z.looseObject({
    readOnlyHint: z.optional(z.boolean()),
    idempotentHint: z.optional(z.boolean()),
  })
);

/** States of items that never came to an end. */
const unfinishedStates: ReadonlySet<unknown> = new Set(["in_progress", "calling", "incomplete"]);

/** Whether an item says that it has not come to an end. */
export function isUnfinished({ status }: Item): boolean {
  return unfinishedStates.has(status);
}

/** Whether an `mcp_call` is in flight: it has no answer, or says that it has not come to an end. */
export function isInFlight(item: Item): boolean {
  const { output, error, status } = callSchema.parse(item);
  return error === null && (isUnfinished(item) || output === null && status !== "completed");
}

/** The fields that are used of an `mcp_list_tools`. */
export const toolListSchema = z.lazy(() =>
  z.looseObject({
    server_label: z.string(),
    tools: z.pipe(
      list,
      z.transform((tools) =>
        tools.filter(isRecord).flatMap(({ name, annotations }) => {
          const known = hints.safeParse(annotations);
          return typeof name === "string" ? [{ name, annotations: known.data ?? null }] : [];
        })
      ),
    ),
  })
);

/** True for an item in which the model asks whether it may make a call. */
export function isApprovalRequest({ type }: Item): boolean {
  return type === "mcp_approval_request";
}

const partSchema = z.lazy(() =>
  z.looseObject({ type: text(""), text: text(""), refusal: text("") })
);
const messageSchema = z.lazy(() =>
  z.looseObject({
    type: z.enum(["message", "refusal"]),
    role: text(null),
    phase: text(null),
    /** Some servers have it beside the content, or instead of it. */
    refusal: text(""),
    content: z.pipe(
      z.optional(z.unknown()),
      z.transform((content) =>
        typeof content === "string" || isRecord(content) ? [content] : content
      ),
    ),
  })
);
/** Parts whose text is the answer; one that does not say what it is has nothing else to be. */
const textTypes: ReadonlySet<string> = new Set(["output_text", "text", ""]);

/** A message of the model, as far as it is an answer. */
export interface Message {
  /** `final_answer`, `commentary`, or null if there is none. */
  phase: string | null;
  text: string;
  /** What the model says if it declines; empty if it does not. */
  refusal: string;
}

/** Roles whose messages some servers repeat in the output. */
const asking: ReadonlySet<string | null> = new Set(["user", "system", "developer", "tool"]);

/** The model's message in an item, or undefined for an item of another kind. */
export function messageOf(item: Item): Message | undefined {
  const message = messageSchema.safeParse(item);
  if (!message.success || asking.has(message.data.role)) return undefined;
  const parts = list.parse(message.data.content).map((part) =>
    typeof part === "string" ? { type: "output_text", text: part, refusal: "" } : partSchema.parse(
      record.parse(part) ?? {},
    )
  );
  return {
    phase: message.data.phase,
    text: parts.filter(({ type }) => textTypes.has(type)).map((part) => part.text).join(""),
    refusal: [message.data.refusal, ...parts.map(refusalOf)].filter((said) => said !== "").join(
      "\n\n",
    ),
  };
}

function refusalOf({ type, text, refusal }: z.infer<typeof partSchema>): string {
  return refusal === "" && type === "refusal" ? text : refusal;
}
