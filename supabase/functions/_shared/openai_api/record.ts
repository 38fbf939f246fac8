import { z } from "zod";
import { call } from "../db/client.ts";
import type { Visibility } from "../db/jobs.ts";
import { jobSchema } from "../db/schemas.ts";
import { itemSchema } from "../openai/outcome.ts";

const waitingSchema = z.object({
  request_id: z.string(),
  kind: z.string(),
  server_label: z.string().nullable(),
  tool: z.string().nullable(),
  arguments: z.string().nullable(),
});

/** An input item need not say its type: one with a role is a message. */
const inputItemSchema = z.record(z.string(), z.unknown());

const recordSchema = jobSchema.extend({
  profile: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  review_reason: z.string().nullable(),
  response_id: z.string().nullable(),
  waiting: z.array(waitingSchema).nullable(),
  output: z.array(itemSchema).nullable(),
  usage: z.record(z.string(), z.unknown()).nullable(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().optional() })
    .nullable(),
  created_at: z.coerce.date(),
  finished_at: z.coerce.date().nullable(),
  model: z.string().nullable(),
  calls: z.array(itemSchema),
  input: z.union([z.string(), z.array(inputItemSchema)]).nullish(),
});

/** All that the endpoint shows of a job: get_response_record(). */
export type ResponseRecord = z.infer<typeof recordSchema>;

/**
 * Reads a job with its finished tool calls.
 * @param after so many calls are known already and left out
 * @throws RequestError `job_not_found`
 */
export function readRecord(
  id: string,
  who: Visibility,
  { after = 0, withInput = false } = {},
): Promise<ResponseRecord> {
  return call(
    "get_response_record",
    { p_job_id: id, ...who, p_after: after, p_with_input: withInput },
    recordSchema,
  );
}

/** True when nothing more happens unless a person does something: for OpenAI's client the response is over. */
export function isSettled({ status }: { status: ResponseRecord["status"] }): boolean {
  return status !== "background" && status !== "queued" && status !== "running";
}
