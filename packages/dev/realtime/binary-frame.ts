/**
 * What supabase-js sends on a channel, `send({type: "broadcast"})`, comes as a binary frame: kind 3, five lengths in bytes
 * (join ref, ref, topic, event, metadata), the payload's encoding (1: JSON), then those five texts and the payload.
 */
import type { Frame } from "./frames.ts";

const headerLength = 7;
const userBroadcastPush = 3;
const jsonEncoding = 1;

/** The frame as a text frame would say it; undefined for any other kind, and for payloads that are not JSON. */
export function readBinaryFrame(bytes: Uint8Array): Frame | undefined {
  const [kind, joinRefLength, refLength, topicLength, eventLength, metadataLength, encoding] =
    bytes;
  if (kind !== userBroadcastPush || encoding !== jsonEncoding) return undefined;
  let at = headerLength;
  const take = (length = 0) => new TextDecoder().decode(bytes.subarray(at, at += length));
  const joinRef = take(joinRefLength);
  const ref = take(refLength);
  const topic = take(topicLength);
  const event = take(eventLength);
  take(metadataLength);
  const payload: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(at)));
  return { joinRef, ref, topic, event: "broadcast", payload: { event, payload } };
}
