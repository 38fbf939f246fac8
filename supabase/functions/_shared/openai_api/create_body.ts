import { z } from "zod";
import { inputSchema } from "../http/submission.ts";

/**
 * The body of `POST /v1/responses` as far as the endpoint itself looks into it. What else there is has to
 * be allowed by the profile (profile_rules.ts), or goes to OpenAI as part of a server's whole request.
 */
export const createBodySchema = z.looseObject({
  model: z.string().min(1).max(200),
  input: inputSchema.optional(),
  background: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({}).nullish(),
  store: z.literal(true, "every response is stored, so it can only be true").nullish(),
  previous_response_id: z.string().min(1).max(200).nullish(),
  metadata: z.record(z.string().max(64), z.string().max(512)).refine(
    (pairs) => Object.keys(pairs).length <= 16,
    "it may have at most 16 keys",
  ).nullish(),
});
export type CreateBody = z.infer<typeof createBodySchema>;
