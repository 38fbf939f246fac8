/** The `call_id`s of calls: the API's own where it is unique in the job, otherwise one of ours. */
import type { Item } from "../../model/items.ts";
import type { LeftCall } from "../../model/left-calls.ts";
import { upstreamIdOf } from "./call-steps.ts";

/** Longest `call_id`, in characters. The answer to a call names it, and an index must be able to store it. */
const longestCallId = 200;

/** Whether a call can keep its `call_id`: an answer by it is for this call, and for no other of the job. */
export function keepsCallId(callId: string, taken: { has(id: string): boolean }): boolean {
  return callId !== "" && callId.length <= longestCallId && !taken.has(callId);
}

/**
 * Gives a call a `call_id` that no other call of the job has. Some servers number theirs in each response anew: the answer to
 * an earlier call, sent once more, must not answer a later one. The same response gets the same ids whoever reads it.
 * @param taken the ids of the job's calls before it
 */
export function withOwnCallId(
  item: Item,
  { callId }: LeftCall,
  taken: ReadonlySet<unknown>,
  jobId: string,
): Item {
  if (keepsCallId(callId, taken)) return item;
  const stem = `call_${jobId.replaceAll("-", "")}`;
  let number = 1;
  while (taken.has(`${stem}_${number}`)) number++;
  return { ...item, call_id: `${stem}_${number}`, upstream_call_id: upstreamIdOf(item) ?? null };
}
