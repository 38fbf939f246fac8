import * as z from "../../model/zod.ts";
import { inputSchema } from "../http/submission.ts";

/**
 * The part of the body of `POST /v1/responses` that the endpoint itself reads. The profile must allow everything else
 * (profile-rules.ts), or it goes to OpenAI as part of a server's whole request.
 */
export const createBodySchema = z.looseObject({
  model: z.string().check(z.minLength(1), z.maxLength(200)),
  input: z.optional(inputSchema),
  background: z.nullish(z.boolean()),
  stream: z.nullish(z.boolean()),
  stream_options: z.nullish(z.looseObject({})),
  /** Every response is stored, whatever this says. */
  store: z.nullish(z.boolean()),
  instructions: z.nullish(z.string()),
  previous_response_id: z.nullish(z.string().check(z.minLength(1), z.maxLength(200))),
  metadata: z.nullish(
    z.record(z.string().check(z.maxLength(64)), z.string().check(z.maxLength(512))).check(
      z.refine((pairs) => Object.keys(pairs).length <= 16, "it may have at most 16 keys"),
    ),
  ),
});
export type CreateBody = z.infer<typeof createBodySchema>;
