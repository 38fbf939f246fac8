/**
 * What a worker and its manager tell each other, over one loopback connection per worker.
 *
 * The worker writes one JSON object per line; the manager answers in plain words (`retire`,
 * `unload <reason>`), so that the worker needs no parser and no library of its own.
 */
import { z } from "zod";
import { parseJson } from "../json.ts";

/** Why a worker is told to unload: `detail.reason` of its `beforeunload` event. */
export type UnloadReason = "wall_clock" | "early_drop" | "termination";

/**
 * - `hello`: first line; `token` says which worker it is, `ageMs` how long its runtime has run.
 * - `listening`: the function called `Deno.serve`; requests go to this port.
 * - `pending`: how many `waitUntil` promises are unsettled.
 * - `idle`: told to retire, and nothing is left to do.
 * - `unloaded`: the `beforeunload` listeners have run.
 */
const workerMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), token: z.string(), ageMs: z.number().nonnegative() }),
  z.object({ type: z.literal("listening"), port: z.int().min(1).max(65535) }),
  z.object({ type: z.literal("pending"), count: z.int().nonnegative() }),
  z.object({ type: z.literal("idle") }),
  z.object({ type: z.literal("unloaded") }),
]);

export type WorkerMessage = z.infer<typeof workerMessage>;

/** Reads a line of a worker; undefined when it is no such message. */
export function parseWorkerMessage(line: string): WorkerMessage | undefined {
  return workerMessage.safeParse(parseJson(line)).data;
}
