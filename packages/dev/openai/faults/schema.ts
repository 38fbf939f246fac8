import { z } from "zod";

const MatchSchema = z.strictObject({
  /** Which call it hits; creating a response by default. */
  endpoint: z.enum(["create", "retrieve", "cancel", "input_items"]).optional(),
  background: z.boolean().optional(),
  stream: z.boolean().optional(),
  model: z.string().optional(),
  /** Every entry must be in the request's metadata. */
  metadata: z.record(z.string(), z.string()).optional(),
  /** Part of the last user message. */
  queryIncludes: z.string().optional(),
  /** Whether the request has an MCP tool. */
  mcp: z.boolean().optional(),
});

const common = {
  match: MatchSchema.optional(),
  /** How many requests it hits; without end by default. */
  times: z.int().positive().optional(),
  /** 0 to 1, drawn from a seeded generator; always by default. */
  probability: z.number().min(0).max(1).optional(),
};

/** Where a stream breaks: after so many events, or after the nth event of a type (the 1st by default). */
const place = {
  afterEvents: z.int().nonnegative().optional(),
  afterType: z.string().optional(),
  nth: z.int().positive().optional(),
};

const ms = z.number().nonnegative();

/** Something that goes wrong, or right where it usually goes wrong. */
export const FaultSchema = z.discriminatedUnion("kind", [
  // What becomes of a background response.
  z.strictObject({ kind: z.literal("background-works"), ...common }),
  z.strictObject({
    kind: z.literal("background-fails"),
    ...common,
    afterMs: ms.optional(),
    code: z.string().optional(),
    message: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal("stuck-queued"), ...common }),
  z.strictObject({ kind: z.literal("stuck-in-progress"), ...common }),
  // What becomes of any run.
  z.strictObject({
    kind: z.literal("fails-after-tools"),
    ...common,
    code: z.string().optional(),
    message: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal("incomplete"),
    ...common,
    reason: z.enum(["max_output_tokens", "content_filter"]).optional(),
  }),
  z.strictObject({
    kind: z.literal("quota"),
    ...common,
    when: z.enum(["create", "accepted"]).optional(),
  }),
  // Refusals.
  z.strictObject({ kind: z.literal("background-unsupported"), ...common }),
  z.strictObject({ kind: z.literal("tool-list-failed"), ...common }),
  z.strictObject({ kind: z.literal("rate-limited"), ...common, retryAfterMs: ms.optional() }),
  z.strictObject({
    kind: z.literal("server-error"),
    ...common,
    status: z.int().min(500).max(599).optional(),
  }),
  z.strictObject({
    kind: z.literal("http-error"),
    ...common,
    status: z.int().min(400).max(599),
    code: z.string().optional(),
    type: z.string().optional(),
    message: z.string().optional(),
    param: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal("refuse-items"), ...common }),
  // The connection.
  z.strictObject({ kind: z.literal("slow"), ...common, ms }),
  z.strictObject({ kind: z.literal("create-lost"), ...common }),
  z.strictObject({ kind: z.literal("cut-mid-stream"), ...common, ...place }),
  z.strictObject({ kind: z.literal("clean-end"), ...common, ...place }),
  z.strictObject({ kind: z.literal("stall"), ...common, ...place }),
  z.strictObject({
    kind: z.literal("garbage"),
    ...common,
    ...place,
    /** The answer to a create with no stream is a page of HTML, and the request was taken all the same. */
    taken: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal("error-event"),
    ...common,
    ...place,
    code: z.string().optional(),
    message: z.string().optional(),
  }),
  // Tools: called with no regard to require_approval, as some servers do.
  z.strictObject({ kind: z.literal("ignore-approval"), ...common }),
  // Functions: asked for together with no regard to parallel_tool_calls.
  z.strictObject({ kind: z.literal("ignore-parallel"), ...common }),
  // An answer of somebody else's, byte for byte, in place of the stand-in's own.
  z.strictObject({
    kind: z.literal("raw"),
    ...common,
    status: z.int().min(200).max(599).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    /** Sent as it is, but for `{{id}}`: the id of the response that is asked for, or that the request began. */
    body: z.string(),
    /** Bytes, base64, in place of the body: for what is no UTF-8. */
    bytes: z.string().optional(),
    /** In creating: whether the request is carried out all the same. */
    runs: z.boolean().optional(),
    /** How the answer ends: with its last byte, or by a connection that drops or falls silent. */
    then: z.enum(["end", "drop", "silence"]).optional(),
  }),
  // Tools: the call is made at once, its result is held back.
  z.strictObject({ kind: z.literal("mcp-tool-slow"), ...common, ms, tool: z.string().optional() }),
]);

export type Fault = z.infer<typeof FaultSchema>;
export type FaultKind = Fault["kind"];
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;
