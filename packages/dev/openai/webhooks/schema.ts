import { z } from "zod";

const common = {
  match: z.strictObject({ type: z.string().optional() }).optional(),
  times: z.int().positive().optional(),
  probability: z.number().min(0).max(1).optional(),
};

/** What can happen to a webhook on its way. */
export const WebhookFaultSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("lose"), ...common }),
  z.strictObject({ kind: z.literal("double"), ...common }),
  z.strictObject({ kind: z.literal("delay"), ...common, ms: z.number().nonnegative() }),
  /** Held back until the next webhook has gone out, or for `holdMs` (2,000 by default). */
  z.strictObject({
    kind: z.literal("disorder"),
    ...common,
    holdMs: z.number().nonnegative().optional(),
  }),
  /** A forged one claiming `response.completed` goes out before the true one. */
  z.strictObject({
    kind: z.literal("forge"),
    ...common,
    how: z.enum(["secret", "timestamp", "body"]).optional(),
  }),
]);

export type WebhookFault = z.infer<typeof WebhookFaultSchema>;
