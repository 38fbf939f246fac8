/** The SQL functions of streams: supabase/schemas/13_streams.sql. */
import type { Visibility } from "../model/caller.ts";
import type { AttemptKey } from "../model/job.ts";
import { jobStatuses } from "../model/status.ts";
import * as z from "../model/zod.ts";
import { call } from "./client.ts";

const opened = z.nullable(z.object({
  next: z.int(),
  items: z.int(),
  /** The events from the oldest unfinished item on. */
  open: z.nullable(z.string()),
}));
export type OpenedStream = NonNullable<z.infer<typeof opened>>;

/**
 * An attempt starts to write.
 * @returns null if the job has no stream, or a later attempt has it
 */
export const open = ({ id, attempt }: AttemptKey) =>
  call("open_response_stream", { p_job_id: id, p_attempt: attempt }, opened);

/** Consecutive events in the form that append_response_events() takes: masked, one per line. */
export interface Batch extends AttemptKey {
  first: number;
  /** The number after the last event. */
  next: number;
  /** How many items have started. */
  items: number;
  /** Number of the event that started the oldest open item. */
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

/** How many batches are read in one call. */
export const batchesAtOnce = 100;

/** Batches from the one that has the event after `after`; null if the job has no stream. */
export const read = (id: string, who: Visibility, after: number) =>
  call("read_response_events", {
    p_job_id: id,
    ...who,
    p_after: after,
    p_limit: batchesAtOnce,
  }, readSchema);
