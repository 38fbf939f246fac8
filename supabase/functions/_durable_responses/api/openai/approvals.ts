/** A person's answers to requests for approval, as libraries send them: each names its request. */
import type { Approval } from "../../db/answers.ts";
import { canonicalJson } from "../../model/canonical.ts";
import { flawIn } from "../../model/flaw.ts";
import { placeOfItem } from "../../model/ids.ts";
import * as z from "../../model/zod.ts";
import type { Placed } from "./answer-items.ts";
import type { CreateBody } from "./create-body.ts";
import type { ResponseRecord } from "./record.ts";
import { invalidParam } from "./refusal.ts";
import { anotherCall, notAsked } from "./refused-answers.ts";

const answerSchema = z.looseObject({
  type: z.literal("mcp_approval_response"),
  approval_request_id: z.string().check(z.maxLength(200)),
  approve: z.boolean(),
  reason: z.nullish(z.string().check(z.maxLength(1000))),
});

/** An answer, and the job that asked. */
export interface AskedBy {
  at: number;
  jobId: string;
  answer: z.infer<typeof answerSchema>;
}

/** A request as a client sends it back: the call that the person saw. */
const seenSchema = z.looseObject({
  type: z.literal("mcp_approval_request"),
  id: z.string(),
  name: z.optional(z.string()),
  arguments: z.optional(z.string()),
});

/**
 * Reads an answer. An id of this endpoint names the job that asked; with any other id, previous_response_id must.
 * @param isHistory whether it stands before the caller's last message: then one that means nothing here is left out
 * @throws Refusal 400
 */
export function readApproval(
  { at, item }: Placed,
  previous: string | undefined,
  isHistory: boolean,
): AskedBy | undefined {
  const answer = answerSchema.safeParse(item);
  if (!answer.success) {
    if (isHistory) return undefined;
    const { place, why } = flawIn(answer.error, item);
    const param = `input[${at}].${place}`;
    throw invalidParam(
      param,
      "invalid_value",
      `Cannot answer a request for approval: '${param}': ${why}. The item must be {type: 'mcp_approval_response', approval_request_id, approve, reason?}`,
    );
  }
  const jobId = placeOfItem(answer.data.approval_request_id)?.jobId ?? previous;
  if (jobId !== undefined) return { at, jobId, answer: answer.data };
  if (isHistory) return undefined;
  throw invalidParam(
    "previous_response_id",
    "previous_response_not_found",
    "Cannot answer requests for approval: approval_request_id must name an item in a response of this endpoint, or previous_response_id the response that made the requests",
  );
}

/** Whether the job waits for this answer. */
export function isOpen({ answer }: AskedBy, record: ResponseRecord): boolean {
  return openRequest(answer, record) !== undefined;
}

/**
 * The answers as they are given: bound to the call that waits, or naming the request that was answered before.
 * @throws Refusal 409 if there is no such request, or the call that waits is not the one that was shown
 */
export function approvalsOf(
  approvals: AskedBy[],
  { input }: CreateBody,
  record: ResponseRecord,
): { at: number; param: string; answer: Approval }[] {
  const shown = shownRequests(input);
  return approvals.map(({ at, answer }) => {
    const param = paramOf({ at });
    const request = openRequest(answer, record);
    const known = request ?? record.answered.find((one) => isNamed(answer, one));
    if (!known) throw notAsked(record, param);
    const seen = shown.get(answer.approval_request_id);
    if (request && seen && !isSameCall(seen, request)) throw anotherCall(record.id, param);
    const { request_id, number } = known;
    const digest = request?.digest ?? undefined;
    const { approve, reason } = answer;
    return {
      at,
      param,
      answer: { approve, reason: reason ?? undefined, request_id, number, digest },
    };
  });
}

/** The field of the input that names the request. */
export function paramOf({ at }: { at: number }): string {
  return `input[${at}].approval_request_id`;
}

/** When the request that an answer names was answered, in s since 1970; undefined if it was not. */
export function answeredAt({ answer }: AskedBy, { answered }: ResponseRecord): number | undefined {
  return answered.find((one) => isNamed(answer, one))?.answered_at ?? undefined;
}

type Waiting = NonNullable<ResponseRecord["waiting"]>[number];

function openRequest(
  answer: AskedBy["answer"],
  { status, waiting }: ResponseRecord,
): Waiting | undefined {
  if (status !== "awaiting_approval") return undefined;
  return waiting?.find((one) => one.kind === "mcp_approval_request" && isNamed(answer, one));
}

function isNamed(
  { approval_request_id }: AskedBy["answer"],
  { number, request_id }: { number: number; request_id: string },
): boolean {
  const place = placeOfItem(approval_request_id)?.place;
  return place === undefined ? request_id === approval_request_id : number === place;
}

/** Requests that the client sends back, by their ids. */
function shownRequests(input: CreateBody["input"]): Map<string, z.infer<typeof seenSchema>> {
  const shown = new Map<string, z.infer<typeof seenSchema>>();
  for (const item of Array.isArray(input) ? input : []) {
    if (item["type"] !== "mcp_approval_request") continue;
    const seen = seenSchema.safeParse(item);
    if (seen.success && !shown.has(seen.data.id)) shown.set(seen.data.id, seen.data);
  }
  return shown;
}

function isSameCall(shown: z.infer<typeof seenSchema>, request: Waiting): boolean {
  return (shown.name === undefined || shown.name === request.tool) &&
    (shown.arguments === undefined ||
      canonicalJson(shown.arguments) === canonicalJson(request.arguments ?? "{}"));
}
