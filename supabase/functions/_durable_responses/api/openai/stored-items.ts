/** Items of earlier answers, by the ids that callers got. The stored item is used, never the one that was sent. */
import type { Visibility } from "../../model/caller.ts";
import { isAnswerType } from "../../model/left-calls.ts";
import type { Item } from "../../model/items.ts";
import { itemIdOf, placeOfItem, responseIdOf } from "../../model/ids.ts";
import { isCallKind, isFinalOrPaused, type JobStatus } from "../../model/status.ts";
import { carriedById } from "./carried-items.ts";
import { standsAfterNo } from "./denials.ts";
import { idOfHandedOut } from "./handed-out.ts";
import { mayBeDeleted, remainsOf, withoutOutputsAlone } from "./old-items.ts";
import { maxResponses, readRecordsThere, takeAnswer } from "./record.ts";
import { invalidParam, type Refusal } from "./refusal.ts";

type InputItem = Record<string, unknown>;

/** Left out when a conversation continues, by the beginning of their ids. */
const notCarriedIds = /^(?:rs|mcpl)_/;
/** Requests for approval and their answers: their result is in the calls. */
const approvalIds = /^mcp[ra]_/;
/** The output of a call that the caller made. */
export function isOutput(item: InputItem): boolean {
  return isAnswerType(item["type"]);
}

/** The id of ours that an item, or a reference to one, has. */
export function ownIdOf(item: InputItem): string | undefined {
  const { type, id, approval_request_id } = item;
  const named = type === "mcp_approval_response" ? approval_request_id : id;
  return typeof named === "string" && placeOfItem(named) ? named : undefined;
}

/**
 * The input, where each item with an id of ours is replaced by the stored item. An item's id names its job, and the job its
 * owner: somebody else's item is not found. An item that only a stream has shown, because its attempt was lost, is left out,
 * and of one that retention has deleted at most the text stays.
 * @param whole as for `readRecord`
 * @throws Refusal 400 if an item does not exist, or is still being written
 */
export async function withStoredItems(
  input: InputItem[],
  who: Visibility,
  whole: boolean,
): Promise<InputItem[]> {
  const names = input.map((item) => ownIdOf(item));
  const jobIds = new Set(names.flatMap((id) => {
    const named = id === undefined || notCarriedIds.test(id) ? undefined : placeOfItem(id);
    return named ? [named.jobId] : [];
  }));
  if (jobIds.size > maxResponses) {
    throw invalidParam(
      "input",
      "invalid_value",
      `Cannot continue from ${jobIds.size} responses at once: at most ${maxResponses}. Continue with previous_response_id, or leave out the ids of older items and send their text`,
    );
  }
  const { items: found, open, calls, states } = await itemsOf([...jobIds], who, whole);
  const taken = new Set<string>();
  // The outputs of calls that the caller made are stored with the calls. One that was never accepted has no place either.
  const answered = new Set(names.map((id) => calls.get(id)));
  let someAreGone = false;
  const left = input.flatMap((item, index) => {
    const id = names[index];
    if (id === undefined) {
      const isKnown = isOutput(item) && answered.has(item["call_id"] ?? item["id"] ?? "");
      return isKnown || standsAfterNo(input, index) ? [] : [item];
    }
    // A job that continued after an approval shows its first items again, and OpenAI accepts each id once.
    if (notCarriedIds.test(id) || taken.has(id)) return [];
    taken.add(id);
    if (open.has(id)) throw stillOpen(id, index);
    if (approvalIds.test(id)) return [];
    const stored = found.get(id);
    if (stored) return stored;
    const jobId = placeOfItem(id)?.jobId ?? "";
    const status = states.get(jobId);
    if (status !== undefined && isShownRole(item)) return shownOnly(id, index, jobId, status);
    if (status !== undefined || !mayBeDeleted(jobId)) throw itemNotFound(id, index);
    someAreGone = true;
    return remainsOf(item);
  });
  return someAreGone ? withoutOutputsAlone(left) : left;
}

async function itemsOf(
  jobIds: string[],
  who: Visibility,
  whole: boolean,
): Promise<{
  items: Map<unknown, Item[]>;
  open: Set<unknown>;
  calls: Map<unknown, unknown>;
  states: Map<string, JobStatus>;
}> {
  const items = new Map<unknown, Item[]>();
  /** The call_ids of calls that the caller was asked for, by the ids of their items. */
  const calls = new Map<unknown, unknown>();
  const open = new Set<unknown>();
  const states = new Map<string, JobStatus>();
  const records = await readRecordsThere(jobIds, who, { whole, withAnswers: true });
  for (const record of records.values()) {
    states.set(record.id, record.status);
    for (const [id, carried] of carriedById(record)) items.set(id, carried);
    for (const handed of record.handed_out) {
      calls.set(idOfHandedOut(record, handed), handed.call_id);
    }
    for (const asked of record.waiting ?? []) {
      open.add(
        isCallKind(asked.kind)
          ? idOfHandedOut(record, asked)
          : itemIdOf(record.id, asked.kind, asked.number),
      );
    }
    // Whoever continues from an answer has read it.
    await takeAnswer(record, who);
  }
  return { items, open, calls, states };
}

/** Whether a stream can have shown it: a run says nothing as somebody else. */
function isShownRole({ role }: InputItem): boolean {
  return role === undefined || role === "assistant";
}

/**
 * An item that a response of the caller's does not have: its stream has shown the item, and then the run was lost, cancelled or
 * failed. There is nothing to continue from, so it is left out.
 * @throws Refusal 400 if the response is still at work
 */
function shownOnly(id: string, index: number, jobId: string, status: JobStatus): Item[] {
  if (isFinalOrPaused({ status })) return [];
  const response = responseIdOf(jobId);
  throw invalidParam(
    `input[${index}]`,
    "invalid_value",
    `Cannot continue from '${
      id.slice(0, 100)
    }' yet: response ${response} has not ended. Wait until GET /v1/responses/${response} shows its end, or cancel it. Then send the message`,
  );
}

/** What a chat does whose earlier response is gone. Nothing tells a deleted response from one that never was. */
export const ifDeleted =
  "If its response was deleted, by somebody or after response_settings.retention_days, leave its calls out, and send its messages as text without ids";

/** 400 for an item that is in no response of the caller. */
export function itemNotFound(id: string, index: number): Refusal {
  return invalidParam(
    `input[${index}]`,
    "item_not_found",
    `Item with id '${
      id.slice(0, 100)
    }' not found: no stored response of yours has it. ${ifDeleted}`,
  );
}

/** A question next to an open request for approval, or an open call, would leave its job waiting unseen. */
function stillOpen(id: string, index: number): Refusal {
  return invalidParam(
    `input[${index}]`,
    "invalid_value",
    `Cannot continue while '${
      id.slice(0, 100)
    }' waits for its answer: send the answer first, without a new message, and the message when the response has ended`,
  );
}
