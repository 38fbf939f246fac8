/** What a run shows, in the form that readers get. */
import assert from "node:assert/strict";
import { ResponseStream } from "openai/lib/responses/ResponseStream";
import { z } from "zod";
import {
  ShownRun,
  type ShownRunOptions,
} from "../../../supabase/functions/_durable_responses/run/stream/shown-run.ts";
import type { EventBody } from "../../../supabase/functions/_durable_responses/run/stream/shown-event.ts";

export const jobId = "01980000-0000-7000-8000-00000000000a";

const shownSchema = z.looseObject({ type: z.string(), sequence_number: z.number() });
export type Shown = z.infer<typeof shownSchema>;

/** A run whose shown events are recorded. */
export function shownRun(options: Partial<ShownRunOptions> = {}) {
  const shown: Shown[] = [];
  const run = new ShownRun({
    jobId,
    next: 2,
    items: 0,
    showsApproval: () => false,
    handsOut: () => false,
    emit: ({ json, number, type }) => {
      const event = shownSchema.parse(JSON.parse(json));
      assert.deepEqual([event.sequence_number, event.type], [number, type]);
      shown.push(event);
    },
    ...options,
  });
  /** An event of OpenAI's: a delta as it came, any other parsed. */
  const take = (event: EventBody) =>
    event.type.endsWith(".delta")
      ? run.takeDelta(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n`)
      : run.take(event);
  return { run, shown, take };
}

/** The items that the SDK's helper builds from what is shown. */
export async function gathered(shown: Shown[]): Promise<unknown[]> {
  const response = { id: "resp_1", object: "response", status: "in_progress", output: [] };
  const lines = [{ type: "response.created", sequence_number: 0, response }, ...shown]
    .map((event) => `${JSON.stringify(event)}\n`).join("");
  const stream = ResponseStream.fromReadableStream(new Blob([lines]).stream());
  const { output } = await stream.finalResponse();
  return output.map(plain);
}

/** Without what the helper adds to an item. */
export function plain(item: object): unknown {
  return JSON.parse(
    JSON.stringify(item, (key, value) => key.startsWith("parsed") ? undefined : value),
  );
}

export const textOf = (shown: Shown[]) =>
  shown.filter(({ type }) => type.endsWith(".delta")).map((event) => event["delta"]).join("");
