import { call } from "../../db/client.ts";
import * as jobs from "../../db/jobs.ts";
import type { Visibility } from "../../model/caller.ts";
import { itemSchema } from "../../model/items.ts";
import { type Job, jobSchema } from "../../model/job.ts";
import * as z from "../../model/zod.ts";
import { RequestError } from "../../platform/errors.ts";
import { describe, log } from "../../platform/log.ts";

const waitingSchema = z.object({
  number: z.int(),
  request_id: z.string(),
  kind: z.string(),
  server_label: z.nullable(z.string()),
  tool: z.nullable(z.string()),
  arguments: z.nullable(z.string()),
  digest: z.nullable(z.string()),
  /** Of a call that the caller makes: its output names it. */
  call_id: z.nullish(z.string()),
});

/** An input item may leave out its type: one with a role is a message. */
const inputItemSchema = z.record(z.string(), z.unknown());

const recordSchema = z.extend(jobSchema, {
  profile: z.string(),
  metadata: z.record(z.string(), z.unknown()),
  review_reason: z.nullable(z.string()),
  response_id: z.nullable(z.string()),
  waiting: z.nullable(z.array(waitingSchema)),
  output: z.nullable(z.array(itemSchema)),
  usage: z.nullable(z.record(z.string(), z.unknown())),
  error: z.nullable(
    z.object({ code: z.string(), message: z.string(), hint: z.optional(z.string()) }),
  ),
  created_at: z.coerce.date(),
  finished_at: z.nullable(z.coerce.date()),
  // Fields that a job's own view does not have get an empty value.
  model: z._default(z.nullable(z.string()), null),
  /** Whether a server sent a whole request. */
  whole_request: z._default(z.boolean(), false),
  /** What the caller added to the profile. */
  settings: z._default(z.nullable(z.record(z.string(), z.unknown())), null),
  previous_response_id: z._default(z.nullable(z.string()), null),
  /** Whether the same question would still join this finished job. */
  joinable: z._default(z.boolean(), false),
  /** Whether the caller may see which tools there are. */
  with_tool_lists: z._default(z.boolean(), false),
  /** Calls that the caller makes. */
  handed_out: z._default(
    z.array(z.object({
      number: z.int(),
      kind: z.string(),
      call_id: z.nullable(z.string()),
      /** In s since 1970. */
      answered_at: z.nullish(z.number()),
      /** Of an answered call, for a conversation that continues from a job without an output. */
      item: z.optional(itemSchema),
      output: z.nullish(z.string()),
      error: z.nullish(z.string()),
    })),
    [],
  ),
  /** Requests for approval that a person has answered. */
  answered: z._default(
    z.array(z.object({
      number: z.int(),
      request_id: z.string(),
      approve: z.boolean(),
      answered_at: z.nullish(z.number()),
    })),
    [],
  ),
  /** Number of the last step, or 0. */
  last_number: z._default(z.int(), 0),
  /** Finished tool calls, with the number of their step. */
  calls: z._default(z.array(z.object({ number: z.int(), item: itemSchema })), []),
  /** The other items of a question that waits, with the number of their step. */
  between: z._default(z.array(z.object({ number: z.int(), item: itemSchema })), []),
  /** The step of the question that the request answered. Its answer has only what followed. */
  answered_number: z._default(z.nullable(z.int()), null),
  /** The items, with OpenAI's ids, that the response had when it asked that, or else its last answered question. */
  known: z._default(z.array(z.object({ number: z.int(), kind: z.string(), id: z.string() })), []),
  input: z.nullish(z.union([z.string(), z.array(inputItemSchema)])),
});

/** Everything that the endpoint shows of a job: get_response_record(). */
export type ResponseRecord = z.infer<typeof recordSchema>;

/** The same from a job's own view, if the record cannot be read: without its calls, and with items counted from 0. */
export function recordOf(job: Job): ResponseRecord {
  return recordSchema.parse(job);
}

/**
 * Reads a job with its finished tool calls.
 * @param after how many calls are already known and left out
 * @param whole includes what users may not see of a server's request, for requests to OpenAI
 * @param withAnswers includes the answered calls of a job without an output, for a conversation that continues from it
 * @param answered the step of a question: the output has only what followed its answer
 * @throws RequestError `job_not_found`
 */
export function readRecord(
  id: string,
  who: Visibility,
  { after = 0, withInput = false, whole = false, withAnswers = false, answered }: {
    after?: number;
    withInput?: boolean;
    whole?: boolean;
    withAnswers?: boolean;
    answered?: number | null | undefined;
  } = {},
): Promise<ResponseRecord> {
  return call(
    "get_response_record",
    {
      p_job_id: id,
      ...who,
      p_after: after,
      p_with_input: withInput,
      p_whole: whole,
      p_with_answers: withAnswers,
      p_answered: answered ?? null,
    },
    recordSchema,
  );
}

/** The same; undefined if the job does not exist, or is not this caller's. */
export async function readRecordIfThere(
  id: string,
  who: Visibility,
): Promise<ResponseRecord | undefined> {
  try {
    return await readRecord(id, who);
  } catch (error) {
    if (error instanceof RequestError && error.code === "job_not_found") return undefined;
    throw error;
  }
}

/** How many responses one request may refer to. */
export const maxResponses = 1_000;
/** How many jobs are read in one call, and how many calls are made at a time. An answer may have some megabytes. */
const recordsInOneCall = 20;
const callsAtOnce = 4;

/** Several jobs at once, by their ids, without those that do not exist or are not this caller's. */
export async function readRecordsThere(
  ids: readonly string[],
  who: Visibility,
  { whole = false, withAnswers = false }: { whole?: boolean; withAnswers?: boolean } = {},
): Promise<Map<string, ResponseRecord>> {
  const records = new Map<string, ResponseRecord>();
  const read = async (some: readonly string[]) => {
    const args = { p_job_ids: some, ...who, p_whole: whole, p_with_answers: withAnswers };
    const found = await call("get_response_records", args, z.array(recordSchema));
    for (const record of found) records.set(record.id, record);
  };
  const step = recordsInOneCall * callsAtOnce;
  for (let at = 0; at < ids.length; at += step) {
    const starts = Array.from({ length: callsAtOnce }, (_, index) => at + index * recordsInOneCall);
    await Promise.all(
      starts.filter((start) => start < ids.length)
        .map((start) => read(ids.slice(start, start + recordsInOneCall))),
    );
  }
  return records;
}

/**
 * Records that the owner has read the answer: from now on, the same question is a new job. A server that acts for nobody
 * reads nothing for the owner.
 */
export async function takeAnswer(
  { id, joinable }: ResponseRecord,
  { p_owner_id: ownerId }: Visibility,
): Promise<void> {
  if (!joinable || ownerId === undefined) return;
  try {
    await jobs.takeAnswer(id, ownerId);
  } catch (error) {
    // The answer is stored. Until its minute is over, the same question joins it.
    log.warn("cannot record that an answer was read", { job_id: id, error: describe(error) });
  }
}
