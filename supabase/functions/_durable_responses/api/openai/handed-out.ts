/** Calls that the caller makes: their ids, and which of them are answered. */
import { itemIdOf, placeOfUpstreamId } from "../../model/ids.ts";
import type { ResponseRecord } from "./record.ts";

type Handed = ResponseRecord["handed_out"][number];

/**
 * The id of a call that was handed out. It is made from the call_id, which is known while the call is streamed. If an API
 * uses a call_id again, the later calls have ids made from their steps.
 */
export function idOfHandedOut(
  { id, handed_out }: ResponseRecord,
  { number, kind, call_id }: { number: number; kind: string; call_id?: string | null | undefined },
): string {
  const first = handed_out.find((handed) => handed.call_id === call_id);
  const isFirst = call_id && (first === undefined || first.number === number);
  return itemIdOf(id, kind, isFirst ? placeOfUpstreamId(call_id) : number);
}

/** The calls that no longer wait. */
export function answeredCalls({ handed_out, waiting }: ResponseRecord): Handed[] {
  const open = new Set((waiting ?? []).map(({ number }) => number));
  return handed_out.filter(({ number }) => !open.has(number));
}
