/** The SQL functions of streams: supabase/schemas/14_streams.sql. */
import type { Visibility } from "../model/caller.ts";
import type { AttemptKey } from "../model/job.ts";
import { jobStatuses } from "../model/status.ts";
import * as z from "../model/zod.ts";
import { call } from "./client.ts";

const opened = z.nullable(z.object({
  next: z.int(),
  items: z.int(),
  /** The events from the oldest item on that has not ended. */
  open: z.nullable(z.string()),
}));
export type OpenedStream = NonNullable<z.infer<typeof opened>>;

/** An attempt begins to write. @returns null when the job has no stream, or a later attempt has it */
export const open = ({ id, attempt }: AttemptKey) =>
  call("open_response_stream", { p_job_id: id, p_attempt: attempt }, opened);

/** Events that follow on each other, as append_response_events() takes them: masked, one a line. */
export interface Batch extends AttemptKey {
  first: number;
  /** The number behind the last. */
  next: number;
  /** How many items have begun. */
  items: number;
  /** Number of the event that began the oldest item that is open. */
  open_from: number | null;
  events: string;
}

/** @returns those that may write; `runs` is false if the attempt has ended by now */
export const append = (batches: Batch[]): Promise<z.infer<typeof written>> =>
  call("append_response_events", { p_batches: batches }, written);

const written = z.array(z.object({ id: z.uuid(), attempt: z.int(), runs: z.boolean() }));

const readSchema = z.nullable(z.object({
  status: z.enum(jobStatuses),
  batches: z.array(z.object({ first: z.int(), events: z.string() })),
}));

/** Most batches that are read in one call. */
export const batchesAtOnce = 100;

/** Batches from the one on that has the event after `after`; null when the job has no stream. */
export const read = (id: string, who: Visibility, after: number) =>
  call("read_response_events", {
    p_job_id: id,
    ...who,
    p_after: after,
    p_limit: batchesAtOnce,
  }, readSchema);
