/** Outputs of calls that the caller made, as libraries send them: each names its call by the call's id. */
import { findToolCalls } from "../../db/answers.ts";
import { type CallAnswer, callAnswerSchema } from "../../model/call-answers.ts";
import type { Visibility } from "../../model/caller.ts";
import { flawIn } from "../../model/flaw.ts";
import { placeOfItem } from "../../model/ids.ts";
import { isAnswerType } from "../../model/left-calls.ts";
import { isCallKind } from "../../model/status.ts";
import type * as z from "../../model/zod.ts";
import type { AnswerItems, Placed } from "./answer-items.ts";
import type { CreateBody } from "./create-body.ts";
import type { ResponseRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";

/** An output, and the job that asked for it; none for a call that no job of the caller's has asked for. */
export interface OutputFor extends Placed {
  callId: string | undefined;
  jobId: string | undefined;
  /** Whether the job waits for it. */
  waits: boolean;
}

/** The job that the last of the answered calls in the input names by its item's id: an API may use a call's id again. */
export function jobOfCalls({ input }: CreateBody, { outputs }: AnswerItems): string | undefined {
  const ids = new Set<unknown>(outputs.map(({ item }) => callIdOf(item)));
  const call = Array.isArray(input)
    ? input.findLast((item) => !isAnswerType(item["type"]) && ids.has(item["call_id"]))
    : undefined;
  return typeof call?.["id"] === "string" ? placeOfItem(call["id"])?.jobId : undefined;
}

/** @param previous the job that is named by `previous_response_id` or by the calls */
export async function findOutputs(
  { outputs }: AnswerItems,
  who: Visibility,
  previous: string | undefined,
): Promise<OutputFor[]> {
  const ids = outputs.map(({ item }) => callIdOf(item));
  const asked = [...new Set(ids)].filter((id) => id !== undefined);
  const calls = asked.length > 0 ? await findToolCalls(asked, who, previous) : [];
  const known = new Map(calls.map((call) => [call.call_id, call]));
  return outputs.map((placed, index) => {
    const callId = ids[index];
    const call = callId === undefined ? undefined : known.get(callId);
    return { ...placed, callId, jobId: call?.job_id, waits: call?.waits ?? false };
  });
}

/**
 * Those of a job's outputs that are given to it: those that it waits for. The others were given before, and libraries may shorten
 * or mask what is old. If nothing in the request is waited for, it is a repeat: then the last answers of the input are given, without
 * those to calls that were answered before the rest.
 * @param isRepeat whether the job waits for nothing that the request has
 * @param since when the last request for approval among the answers was answered, in s since 1970
 * @returns in no particular order
 */
export function outputsToGive(
  outputs: OutputFor[],
  { last }: AnswerItems,
  record: ResponseRecord,
  isRepeat: boolean,
  since = 0,
): OutputFor[] {
  const open = Map.groupBy(
    (record.waiting ?? []).filter(({ kind }) => isCallKind(kind)),
    ({ call_id }) => call_id,
  );
  // An API may use a call's id again: the last outputs are for the calls that wait.
  const later = new Map<string | undefined, number>();
  const own = outputs.filter(({ jobId }) => jobId === record.id);
  const answered = new Map(record.handed_out.map((call) => [call.call_id, call.answered_at ?? 0]));
  const times = own.map(({ callId }) => answered.get(callId ?? null) ?? 0);
  const latest = Math.max(since, ...times);
  const isOld = (callId: string | undefined) => (answered.get(callId ?? null) ?? latest) < latest;
  return own.toReversed().filter(({ at, callId }) => {
    const before = later.get(callId) ?? 0;
    later.set(callId, before + 1);
    const waiting = open.get(callId)?.length ?? 0;
    return before < waiting || at >= last && (isRepeat ? !isOld(callId) : waiting > 0);
  });
}

/** @throws Refusal 400 */
export function outputOf({ at, item }: Placed): CallAnswer {
  const answer = callAnswerSchema.safeParse(item);
  if (answer.success) return answer.data;
  throw unreadable(answer.error, item, `input[${at}]`);
}

/** The field of the input that names the call. */
export function paramOf({ at, item }: Placed): string {
  return `input[${at}].${item["call_id"] === undefined ? "id" : "call_id"}`;
}

function callIdOf(item: Placed["item"]): string | undefined {
  const id = item["call_id"] ?? item["id"];
  return typeof id === "string" ? id : undefined;
}

function unreadable(error: z.core.$ZodError, item: unknown, at: string) {
  const { place, why } = flawIn(error, item);
  const where = place === "" ? at : `${at}.${place}`;
  return invalidParam(
    where,
    "invalid_value",
    `Cannot accept the output of a call: '${where}': ${
      why.slice(0, 300)
    }. It must be the item that OpenAI takes for this kind of call; the output of a function or a custom tool is text, or a list of {type: 'input_text', text}, input_image and input_file`,
  );
}
