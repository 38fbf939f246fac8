/**
 * Calls of earlier turns that come without their item's id, as the Agents SDK keeps them in a session: the call_id names the
 * stored call.
 */
import { findToolCalls } from "../../db/answers.ts";
import type { Visibility } from "../../model/caller.ts";
import { itemIdOf, placeOfItem, placeOfUpstreamId } from "../../model/ids.ts";
import { isAnswerType } from "../../model/left-calls.ts";
import { isCallKind } from "../../model/status.ts";
import { invalidParam, type Refusal } from "./refusal.ts";
import { ifDeleted, ownIdOf } from "./stored-items.ts";

type InputItem = Record<string, unknown>;

interface Call {
  at: number;
  kind: string;
  callId: string;
  /** A job that an item of the same turn names. An API may use a call_id again in a later turn. */
  near: string | undefined;
}

/**
 * The input of a user, where each such call is a reference to the stored one.
 * @throws Refusal 400 if no response of the caller's has asked for the call
 */
export async function withCallsById(input: InputItem[], who: Visibility): Promise<InputItem[]> {
  const calls = callsIn(input);
  if (calls.length === 0) return input;
  const asked = await askedBy(calls, who);
  const seen = new Map<string, number>();
  const references = new Map(calls.map(({ at, kind, callId }, index) => {
    const found = asked[index];
    if (found === undefined) throw callNotFound({ call_id: callId }, at);
    const { job, numbers } = found;
    // If the job's API has used the id again, its calls stand in the order in which they were made.
    const before = seen.get(`${job} ${callId}`) ?? 0;
    seen.set(`${job} ${callId}`, before + 1);
    const place = before === 0 ? placeOfUpstreamId(callId) : numbers[before];
    const id = itemIdOf(job, kind, place ?? placeOfUpstreamId(callId));
    return [at, { type: "item_reference", id }];
  }));
  return input.map((item, at) => references.get(at) ?? item);
}

function callsIn(input: InputItem[]): Call[] {
  const turns = turnsOf(input);
  return input.flatMap((item, at) => {
    const { type: kind, call_id: callId } = item;
    if (typeof kind !== "string" || !isCallKind(kind) || ownIdOf(item) !== undefined) return [];
    return typeof callId === "string" ? [{ at, kind, callId, near: turns[at] }] : [];
  });
}

/** For each item, the job that an id in the same turn names: the turns are what stands between two messages of a user. */
function turnsOf(input: InputItem[]): (string | undefined)[] {
  let turn = 0;
  const turns = input.map(({ role }) => role === undefined || role === "assistant" ? turn : ++turn);
  const named = new Map(
    input.flatMap((item, at) => {
      const place = placeOfItem(ownIdOf(item) ?? "");
      return place ? [[turns[at], place.jobId]] : [];
    }),
  );
  return turns.map((turn) => named.get(turn));
}

interface Asked {
  job: string;
  /** The steps of the calls with this id. */
  numbers: number[];
}

/** The job of each call. A second look is only needed for a call_id that several jobs have used. */
async function askedBy(calls: Call[], who: Visibility): Promise<(Asked | undefined)[]> {
  const found = await find(calls, who, undefined);
  const others = calls.filter(({ callId, near }) =>
    near !== undefined && found.has(callId) && found.get(callId)?.job !== near
  );
  const near = new Map<string, Map<string, Asked>>();
  for (const [job, some] of Map.groupBy(others, ({ near }) => near)) {
    if (job !== undefined) near.set(job, await find(some, who, job));
  }
  return calls.map((call) => near.get(call.near ?? "")?.get(call.callId) ?? found.get(call.callId));
}

async function find(
  calls: Call[],
  who: Visibility,
  preferred: string | undefined,
): Promise<Map<string, Asked>> {
  const ids = [...new Set(calls.map(({ callId }) => callId))];
  const found = await findToolCalls(ids, who, preferred);
  return new Map(found.map(({ call_id, job_id: job, numbers }) => [call_id, { job, numbers }]));
}

/** 400 for a call, or the output of one, that names no call of the caller's. */
export function callNotFound({ type, call_id, id }: InputItem, index: number): Refusal {
  const callId = String(call_id ?? id ?? "").slice(0, 100);
  return invalidParam(
    `input[${index}].${call_id === undefined ? "id" : "call_id"}`,
    "item_not_found",
    isAnswerType(type)
      ? `Cannot use the output of call '${callId}': either its call is not in the input, or no response of yours has asked for it. Send outputs to the response that waits for them, without a new message`
      : `Call with call_id '${callId}' not found: no response of yours has asked for it. ${ifDeleted}`,
  );
}
