/** The frames of Realtime's websocket, Phoenix's serializer 2.0.0: `[join_ref, ref, topic, event, payload]` as text. */
import { z } from "zod";
import { parseJson } from "../json.ts";

const frame = z.tuple([
  z.string().nullable(),
  z.string().nullable(),
  z.string(),
  z.string(),
  z.record(z.string(), z.unknown()),
]);

export interface Frame {
  /** Names the join that the channel belongs to; null in what the server sends to all members. */
  joinRef: string | null;
  /** Pairs a reply with what it answers. */
  ref: string | null;
  /** `realtime:<topic>`, or `phoenix` for heartbeats. */
  topic: string;
  event: string;
  payload: Record<string, unknown>;
}

/** Undefined for what is no such frame. */
export function readFrame(text: string): Frame | undefined {
  const parsed = frame.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const [joinRef, ref, topic, event, payload] = parsed.data;
  return { joinRef, ref, topic, event, payload };
}

export function writeFrame({ joinRef, ref, topic, event, payload }: Frame): string {
  return JSON.stringify([joinRef, ref, topic, event, payload]);
}

export const joinPayload = z.looseObject({
  config: z.looseObject({
    private: z.boolean().default(false),
    broadcast: z.looseObject({
      self: z.boolean().default(false),
      ack: z.boolean().default(false),
    }).default({ self: false, ack: false }),
  }).default({ private: false, broadcast: { self: false, ack: false } }),
  access_token: z.string().nullish(),
});
export type JoinConfig = z.infer<typeof joinPayload>["config"];

export const tokenPayload = z.looseObject({ access_token: z.string().nullish() });

export const broadcastPayload = z.looseObject({
  event: z.string(),
  payload: z.unknown(),
});
