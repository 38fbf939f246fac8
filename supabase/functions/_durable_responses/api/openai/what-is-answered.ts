import type { Visibility } from "../../model/caller.ts";
import { jobIdOf, responseIdOf } from "../../model/ids.ts";
import type { AnswerItems } from "./answer-items.ts";
import {
  answeredAt,
  type AskedBy,
  isOpen,
  paramOf as paramOfApproval,
  readApproval,
} from "./approvals.ts";
import type { CreateBody } from "./create-body.ts";
import { reasonIn, standsAfterNo } from "./denials.ts";
import {
  maxResponses,
  readRecord,
  readRecordIfThere,
  readRecordsThere,
  type ResponseRecord,
} from "./record.ts";
import { invalidParam, previousNotFound, type Refusal, responseNotFound } from "./refusal.ts";
import {
  findOutputs,
  jobOfCalls,
  type OutputFor,
  outputsToGive,
  paramOf as paramOfOutput,
} from "./tool-outputs.ts";

/** The job that a request answers, and the answers that are given to it. */
export interface Answered {
  record: ResponseRecord;
  approvals: AskedBy[];
  outputs: OutputFor[];
}

/** A job that answers name. */
interface Named {
  at: number;
  jobId: string;
  /** Whether it waits for the answer. */
  waits: boolean;
}

/**
 * The only job that waits for any of the answers; if none does, the one that the last of them names, so that a repeat finds it.
 * Answers to other jobs are history.
 * @returns undefined if no job of the caller's has asked for the outputs: they are part of a question
 * @throws Refusal 400 if several jobs wait for them, or one of the new answers names nothing; 404 if all name nothing
 */
export async function whatIsAnswered(
  body: CreateBody,
  items: AnswerItems,
  who: Visibility,
): Promise<Answered | undefined> {
  const previous = jobIdOf(body.previous_response_id ?? "");
  const asked = items.approvals.flatMap((placed) =>
    readApproval(placed, previous, placed.at < items.since) ?? []
  );
  const records = await recordsOf(asked, who);
  const outputs = await findOutputs(items, who, previous ?? jobOfCalls(body, items));
  const denials = denialsOf(body, outputs);
  const approvals = asked.map((one) => withReason(one, denials.get(one.at + 1)));
  const named = namedBy(approvals, outputs, records);
  const waiting = [...new Map(named.filter(({ waits }) => waits).map((one) => [one.jobId, one]))];
  if (waiting.length > 1) throw severalWait(named);
  const jobId = waiting[0]?.[0] ?? named.at(-1)?.jobId;
  const missing = approvals.filter((one) => one.at >= items.since && !records.has(one.jobId));
  const unknown = outputs.filter((one) =>
    one.at >= items.last && one.jobId === undefined && !denials.has(one.at)
  );
  if (jobId === undefined && missing[0]) throw responseNotFound(responseIdOf(missing[0].jobId));
  // A server may have made calls that somebody else asked for. From a user, they are refused later, as an invention.
  if (jobId === undefined || (waiting.length === 0 && unknown.length > 0)) return undefined;
  const [lost] = [
    ...missing.map((one) => ({ at: one.at, param: paramOfApproval(one) })),
    ...unknown.map((one) => ({ at: one.at, param: paramOfOutput(one) })),
  ].sort((a, b) => a.at - b.at);
  if (lost) throw notAsked(lost.param);
  await refuseStrangePrevious(body.previous_response_id, jobId, who);
  const record = records.get(jobId) ?? await readRecord(jobId, who);
  const given = approvals.filter((one) => one.jobId === jobId);
  const since = Math.max(0, ...given.map((one) => answeredAt(one, record) ?? 0));
  return {
    record,
    approvals: given,
    outputs: outputsToGive(outputs, items, record, waiting.length === 0, since),
  };
}

/** An answer names its job itself. A response that is named beside it must be there all the same. */
async function refuseStrangePrevious(
  previous: CreateBody["previous_response_id"],
  answered: string,
  who: Visibility,
): Promise<void> {
  if (!previous) return;
  const jobId = jobIdOf(previous);
  if (jobId === answered) return;
  if (jobId === undefined || !await readRecordIfThere(jobId, who)) throw previousNotFound(previous);
}

/** Outputs that only say a no once more, by their places. */
function denialsOf({ input }: CreateBody, outputs: OutputFor[]): Map<number, OutputFor["item"]> {
  return new Map(
    outputs.filter(({ at, jobId }) =>
      jobId === undefined && Array.isArray(input) && standsAfterNo(input, at)
    ).map(({ at, item }) => [at, item]),
  );
}

function withReason(one: AskedBy, denial: OutputFor["item"] | undefined): AskedBy {
  const reason = one.answer.reason ?? (denial && reasonIn(denial));
  return { ...one, answer: { ...one.answer, reason } };
}

/** The jobs that approvals name, without those that are deleted or somebody else's. */
async function recordsOf(
  approvals: AskedBy[],
  who: Visibility,
): Promise<Map<string, ResponseRecord>> {
  const ids = new Set(approvals.map(({ jobId }) => jobId));
  if (ids.size > maxResponses) {
    throw invalidParam(
      "input",
      "invalid_value",
      `Cannot accept answers to requests of ${ids.size} responses: one input may have those of at most ${maxResponses}`,
    );
  }
  return await readRecordsThere([...ids], who);
}

/** In the order of the input. */
function namedBy(
  approvals: AskedBy[],
  outputs: OutputFor[],
  records: ReadonlyMap<string, ResponseRecord>,
): Named[] {
  return [
    ...approvals.flatMap((one): Named[] => {
      const record = records.get(one.jobId);
      return record ? [{ at: one.at, jobId: one.jobId, waits: isOpen(one, record) }] : [];
    }),
    ...outputs.flatMap(({ at, jobId, waits }): Named[] =>
      jobId === undefined ? [] : [{ at, jobId, waits }]
    ),
  ].sort((a, b) => a.at - b.at);
}

/** A job continues by its answers alone, and a response is of one job. */
function severalWait(named: Named[]): Refusal {
  const waiting = named.filter(({ waits }) => waits);
  const other = waiting.find(({ jobId }) => jobId !== waiting[0]?.jobId);
  return invalidParam(
    `input[${other?.at}]`,
    "invalid_value",
    `Cannot answer what ${
      new Set(waiting.map(({ jobId }) => jobId)).size
    } responses ask for at once: send the answers to each response in a request of their own`,
  );
}

/** The rest was not accepted either. */
function notAsked(param: string): Refusal {
  return invalidParam(
    param,
    "item_not_found",
    `Cannot accept the answers: '${param}' names nothing that a response of yours has asked for. Retrieve the response, and send answers to what its output asks`,
  );
}
